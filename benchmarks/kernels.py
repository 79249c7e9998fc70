"""What does a path-hour cost, part by part, beside a C loop, numba, NumPy and the machine's own ceiling?

    python -m benchmarks.kernels [--paths 64 1024 16384] [--parts dispatch all] [-o FILE]
    python -m benchmarks.kernels --paths 1024 --check

Nanoseconds per path-hour of random numbers, weather, conversion, dispatch, all of these with outages and
orders, and finance (per hour of the lives that it settles). Ours runs as a run does: calls of one tile per
device, one year each; fewer paths are padded to a call, more are more calls, of which as many are timed as
fit into `--seconds`. All contenders take turns and the best time of each counts, so that a neighbour's
load hits them alike. Compiling and memory are numbers of their own: memory is the peak resident set of a
process that does that part alone, once it is compiled, with the inputs and outputs of a call (on a GPU:
the device's peak). Where the wanted paths' arrays would fill more than memory a call's stand for all.

The ceiling is measured in the same run; `share` is the least time of a part's compulsory bytes and
operations (parts.work) over the time that it took. `--check` holds ratios to benchmarks/budget.json and
exits 1 if one is over. On a GPU there are no rivals.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks import ceiling, loops, opponent, ours, parts, rivals
from engine import devices

HERE = Path(__file__).resolve().parent
BUDGET = HERE / "budget.json"
CPU_PATHS = (64, 256, 1024, 4096, 16384)
GPU_PATHS = (64, 1024, 16384, 2**17, 2**20)
ROUNDS = 5
COLUMNS = ("ours", "c", "numba", "numpy")


def contenders(part: parts.Part, case: ours.Case, paths: int) -> dict[str, tuple[Callable, float]]:
    """Of each contender: a call, and the path-hours that it does of the `paths` asked for."""
    width = case.machine.width
    here = min(paths, width)  # of this call; the rest of it is padding
    found: dict[str, tuple[Callable, float]] = {"ours": (part.ours, here * part.hours)}
    if part.c:
        found["c"] = (lambda: part.c(here), here * part.hours)
    if jax.default_backend() != "cpu":
        return found
    if part.name == "random":
        count = 3 * 24 * 31 * here
        found["numpy"] = (lambda: rivals.numpy_normals(count), count / 3)
    if part.name == "dispatch":
        found |= _dispatch_rivals(part, here)
    return found


def _dispatch_rivals(part: parts.Part, paths: int) -> dict[str, tuple[Callable, float]]:
    battery, store, drivers = part.given
    numbers = rivals.Store(*(float(x) for x in jax.tree.leaves(battery)))
    soc, backlog = (np.asarray(x) for x in store)
    shards = opponent.shards(drivers)
    found: dict[str, tuple[Callable, float]] = {}
    if not rivals.numba_missing():
        year = rivals.numba_year()
        found["numba"] = (lambda: year(numbers, soc, backlog, shards, paths), paths * part.hours)
    met = jax.tree.leaves(drivers)
    month = np.stack([np.asarray(d[: rivals.NUMPY_HOURS])[:, :paths] for d in met])
    start = soc[:paths], backlog[:paths]
    found["numpy"] = (lambda: rivals.numpy_hours(numbers, *start, month), paths * rivals.NUMPY_HOURS)
    return found


def measure(part: parts.Part, case: ours.Case, paths: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Best nanoseconds per path-hour of each contender, taking turns."""
    best: dict[str, float] = {}
    timed: dict[str, int] = {}
    entered = contenders(part, case, paths)
    wanted = -(-paths // case.machine.width)
    for name, (call, path_hours) in entered.items():
        call()  # warm: code, pages and threads
        began = time.perf_counter()
        call()
        once = time.perf_counter() - began
        timed[name] = max(1, min(wanted, int(seconds / rounds / once)))
        best[name] = once * 1e9 / path_hours
    for _ in range(rounds):
        for name, (call, path_hours) in entered.items():
            began = time.perf_counter()
            for _ in range(timed[name]):
                call()
            took = (time.perf_counter() - began) * 1e9
            best[name] = min(best[name], took / timed[name] / path_hours)
    width = case.machine.width
    return {"calls": wanted, "paths_of_a_call": width, "calls_timed": timed["ours"], "ns": best}


def row(part: parts.Part, case: ours.Case, paths: int, top: ceiling.Ceiling, seconds: float, rounds: int):
    """A line of the table."""
    found = measure(part, case, paths, seconds, rounds)
    ns = found.pop("ns")
    line = {"part": part.name, "paths": paths, **found, "compile_s": round(part.compile_s, 2)}
    line["ns_per_path_hour"] = {name: round(x, 3) for name, x in ns.items()}
    if "c" in ns:
        line["ratio_to_c"] = round(ns["ours"] / ns["c"], 2)
    if part.work:
        least = top.least_ns(*part.work)
        line["work"] = {k: round(x, 2) for k, x in part.work._asdict().items()}
        line["least_ns"] = round(least, 3)
        line["share_of_ceiling"] = {name: round(least / ns[name], 3) for name in ("ours", "c") if name in ns}
    return line


def _case(name: str, route: str) -> ours.Case:
    """Parts that store a year's arrays run on the tiles of the route that does so."""
    return ours.case(devices.machine(route=devices.MATERIALISED if name in parts.STORED else route))


def peak_mib(name: str, route: str) -> float | None:
    """Peak memory of a process that does one part alone; None where it cannot be told."""
    command = [sys.executable, "-m", "benchmarks.kernels", "--peak-of", name, "--route", route]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])["peak_mib"]


def _own_peak_mib(name: str, route: str) -> float | None:
    """This process's peak while it does a part, from when everything is compiled and its inputs made."""
    part = parts.PARTS[name](_case(name, route), None)
    part.ours()
    stats = jax.devices()[0].memory_stats()
    if stats:
        return stats["peak_bytes_in_use"] / 2**20
    try:  # Linux forgets the peak so far when told
        Path("/proc/self/clear_refs").write_text("5")
        part.ours()
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return None


def verdicts(rows: list[dict], budget: dict) -> list[tuple[str, float, float]]:
    """(part, its ratio, the ratio allowed) of each part at the largest number of paths measured."""
    last = {line["part"]: line for line in rows}
    found = [
        (name, last[name]["ratio_to_c"], allowed["ratio"])
        for name, allowed in budget["to_c"].items()
        if "ratio_to_c" in last.get(name, {})
    ]
    if {"finance", "all"} <= last.keys():
        cost = {name: last[name]["ns_per_path_hour"]["ours"] for name in ("finance", "all")}
        found.append(("finance", cost["finance"] / cost["all"], budget["finance_to_all"]["ratio"]))
    return found


def about(machine: devices.Machine) -> dict[str, Any]:
    """Where and with what this was measured."""
    cc = loops.compiler()
    said = subprocess.run([cc, "--version"], capture_output=True, text=True, check=False) if cc else None
    device = jax.devices()[0]
    versions = {"python": platform.python_version()}
    for name in ("jax", "jaxlib", "numpy", "numba"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return {
        "device": f"{machine.mesh.size} x {device.device_kind}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "route": machine.route,
        "tile": machine.tile,
        "compiler": said.stdout.splitlines()[0] if said else "none",
        "flags": loops.FLAGS,
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def show(line: dict[str, Any]) -> None:
    """A row of the printed table."""
    ns = line["ns_per_path_hour"]
    cells = [f"{ns[name]:9.2f}" if name in ns else f"{'':9}" for name in COLUMNS]
    ratio = f"{line['ratio_to_c']:7.2f}" if "ratio_to_c" in line else f"{'':7}"
    share = f"{100 * line['share_of_ceiling']['ours']:6.0f} %" if "share_of_ceiling" in line else f"{'':8}"
    least = f"{line['least_ns']:9.2f}" if "least_ns" in line else f"{'':9}"
    print(f"{line['part']:>11} {line['paths']:8d}", *cells, ratio, least, share, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paths", type=int, nargs="+")
    parser.add_argument("--parts", nargs="+", choices=list(parts.PARTS), default=list(parts.PARTS))
    parser.add_argument("--seconds", type=float, default=2.0, help="of timed calls for each contender")
    parser.add_argument("--check", action="store_true", help="against benchmarks/budget.json; no memory")
    parser.add_argument("--peak-of", choices=list(parts.PARTS), help=argparse.SUPPRESS)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--route", choices=devices.ROUTES, help="of `all`; default as a run's")
    chosen = parser.parse_args()
    route = devices.choose(chosen.route, drawn=True)
    jax.config.update("jax_enable_compilation_cache", False)  # compiling is measured, not remembered
    if chosen.peak_of:
        print(json.dumps({"peak_mib": _own_peak_mib(chosen.peak_of, route)}))
        return
    machine = devices.machine(route=route)
    on_cpu = jax.default_backend() == "cpu"
    sizes = sorted(chosen.paths or (CPU_PATHS if on_cpu else GPU_PATHS))
    if not 1 <= sizes[0] <= sizes[-1] <= 2**20:
        parser.error("--paths: wanted 1 to 2**20")
    beside = opponent.loops(ours.case(machine)) if on_cpu and loops.compiler() else None
    top = ceiling.cpu() if beside else ceiling.gpu()
    said = about(machine)
    print(said["device"], said["processor"], said["compiler"], sep=", ")
    print("ceiling per ns:", ", ".join(f"{k} {x:.1f}" for k, x in top._asdict().items()))
    if missing := rivals.numba_missing():
        print(missing)
    print(
        f"{'part':>11} {'paths':>8}",
        *(f"{c:>9}" for c in COLUMNS),
        f"{'ours/C':>7} {'least':>9} {'share':>8}",
    )
    rows, peaks = [], {}
    for name in chosen.parts:
        case = _case(name, route)
        part = parts.PARTS[name](case, beside)
        for paths in sizes:
            rows.append(row(part, case, paths, top, chosen.seconds, ROUNDS))
            show(rows[-1])
        if chosen.check:
            rows = _again(rows, part, case, sizes[-1], top, chosen.seconds)
        del part
        if not chosen.check:
            peaks[name] = peak_mib(name, route)
            print(
                f"{name:>11} compiled in {rows[-1]['compile_s']:.1f} s, peak {peaks[name] or 0:.0f} MiB",
                flush=True,
            )
    judged = verdicts(rows, json.loads(BUDGET.read_text())) if on_cpu else []
    over = [f"{name}: {ratio:.2f}, allowed {most}" for name, ratio, most in judged if ratio > most]
    if chosen.out:
        result = {
            **said,
            "ceiling_per_ns": {k: round(x, 2) for k, x in top._asdict().items()},
            "rows": rows,
            "peak_mib": peaks,
            "budget": [dict(zip(("part", "ratio", "allowed"), v, strict=True)) for v in judged],
        }
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
    for name, ratio, most in judged:
        print(f"{name}: {ratio:.2f} of {most} allowed")
    if over and chosen.check:
        raise SystemExit("over budget: " + "; ".join(over))


def _again(rows: list[dict], part, case, paths: int, top, seconds: float) -> list[dict]:
    """The rows; a part's last is measured anew, longer, if it is over: a neighbour's load is no verdict."""
    budget = json.loads(BUDGET.read_text())
    mine = [v for v in verdicts(rows, budget) if v[0] == part.name]
    if any(ratio > most for _, ratio, most in mine):
        rows = [*rows[:-1], row(part, case, paths, top, 3 * seconds, 3 * ROUNDS)]
        show(rows[-1])
    return rows


if __name__ == "__main__":
    main()
