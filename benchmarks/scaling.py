"""How do time and memory of the main job grow with the number of paths?

    python benchmarks/scaling.py [--paths 1000 4000] [--keep all] [--years N] \\
        [-o benchmarks/results/scaling-DEVICE.json]

Each run is a process of its own, `wattbit run` as a user types it, into a folder that is thrown away.
`--years` shortens the lives: the memory of a block is one year's, and what is kept grows with them. Prints
wall seconds, those of each stage, path-hours per second of the stage `lives` (programs remembered from a
small run before) and peak resident memory; the results kept in memory are named beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import catalogue

ROOT = Path(__file__).resolve().parents[1]


def measure(config: Path, paths: int, keep: str, years: int | None) -> dict[str, object]:
    """One run in a child process; peak memory from its resource usage."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [
            sys.executable,
            "-m",
            "engine.cli",
            "run",
            str(config),
            "--paths",
            str(paths),
            "--out",
            str(out),
            "--keep",
            keep,
        ]
        if years:
            command += ["--set", f"life.years={years}", "--set", f"deal.debt.tenor_years={min(years, 15)}"]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        if status:
            raise SystemExit(f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)}")
        manifest = json.loads((out / "manifest.json").read_text())
        kept = (out / "results.nc").stat().st_size
    stages = manifest["stages_s"]
    lived = manifest["study"]["life"]["years"]
    return {
        "paths": paths,
        "years": lived,
        "keep": keep,
        "wall_s": round(wall, 1),
        "stages_s": {k: round(v, 1) for k, v in stages.items()},
        "lives_path_hours_per_s": round(paths * lived * 8760 / stages["lives"]),
        "peak_mib": round(usage.ru_maxrss / 1024),
        "results_nc_mib": round(kept / 2**20, 1),
        "device": manifest["device"],
        "versions": manifest["versions"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "zhongwei.yaml")
    parser.add_argument("--paths", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--keep", choices=list(catalogue.KEEPS), default="all")
    parser.add_argument("--years", type=int)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    how = chosen.keep, chosen.years
    measure(chosen.config, 8, *how)  # compiles, so that what follows finds its programs remembered
    rows = []
    print(f"{'paths':>8} {'wall s':>8} {'lives s':>8} {'Mpath-h/s':>10} {'peak MiB':>9}")
    for paths in chosen.paths:
        row = measure(chosen.config, paths, *how)
        rows.append(row)
        rate = row["lives_path_hours_per_s"] / 1e6
        lives = row["stages_s"]["lives"]
        print(f"{paths:8d} {row['wall_s']:8.1f} {lives:8.1f} {rate:10.2f} {row['peak_mib']:9d}", flush=True)
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
