"""How long do lives take, weather to default, once everything is compiled - and by which route?

    python benchmarks/lives.py [--paths 1000] [--route fused materialised] [--profile DIR]
                               [-o benchmarks/results/lives-DEVICE.json]

One process. The preparation is done first and named apart, then each route compiles on a call of its own
(also named apart) and takes the lives as often as `--repeats` says; the best time counts. Outcomes stay in
memory, nothing is written. On a GPU `--paths 1000000 --route fused pallas`; `--profile` leaves a trace of
one more call for TensorBoard or Perfetto, which shows what binds.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from importlib import metadata
from pathlib import Path

import jax
import numpy as np

from engine import compose, config, devices, session, setup
from engine.prepare import Prepared
from engine.setup import Run

ROOT = Path(__file__).resolve().parents[1]
HOURS = 8760


def seconds(run: Run, decided: Prepared, paths: int) -> float:
    """Wall seconds of these lives, their outcomes on the host."""
    began = time.perf_counter()
    compose.lives(run, decided, np.arange(paths), session.quiet)
    return time.perf_counter() - began


def measure(
    study: Path, route: str, paths: int, repeats: int, keep: str, profile: Path | None
) -> dict[str, object]:
    """One route's row."""
    on = devices.machine(route=route)
    jax.config.update("jax_enable_compilation_cache", False)  # what is remembered would hide compiling
    run = setup.set_up(config.load(study).study, 1, paths, None, on, keep=keep)
    began = time.perf_counter()
    decided = compose.prepared(run, session.quiet)
    preparation = time.perf_counter() - began
    first = seconds(run, decided, on.width)
    again = seconds(run, decided, on.width)
    steady = min(seconds(run, decided, paths) for _ in range(repeats))
    if profile:
        with jax.profiler.trace(str(profile)):
            seconds(run, decided, min(paths, on.width))
    memory = on.mesh.devices.flat[0].memory_stats() or {}
    return {
        "route": route,
        "paths": paths,
        "keep": keep,
        "tile": on.tile,
        "devices": f"{on.mesh.size} x {on.mesh.devices.flat[0].device_kind}",
        "preparation_and_its_compiling_s": round(preparation, 1),
        "compiling_the_rest_s": round(max(first - again, 0.0), 1),
        "lives_s": round(steady, 2),
        "ns_per_path_hour": round(1e9 * steady / (paths * run.study.life.years * HOURS), 3),
        "device_peak_mib": round(memory["peak_bytes_in_use"] / 2**20) if memory else None,
        "host_peak_mib_so_far": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "versions": {name: metadata.version(name) for name in ("wattbit", "jax", "jaxlib")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paths", type=int, default=1000)
    parser.add_argument("--route", nargs="+", choices=devices.ROUTES, default=["fused", "materialised"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", choices=["all", "page"], default="page")
    parser.add_argument("--profile", type=Path, help="folder for a trace of the last route")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("config", nargs="?", default=ROOT / "configs" / "zhongwei.yaml", type=Path)
    chosen = parser.parse_args()
    rows = []
    for route in chosen.route:
        row = measure(chosen.config, route, chosen.paths, chosen.repeats, chosen.keep, chosen.profile)
        rows.append(row)
        print(
            f"{route:>12}: {row['lives_s']:8.2f} s for {chosen.paths} lives, {row['ns_per_path_hour']} ns "
            f"per path-hour; apart: preparation {row['preparation_and_its_compiling_s']} s, "
            f"compiling {row['compiling_the_rest_s']} s",
            flush=True,
        )
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
