"""What do steps of 30 and 15 minutes change in a life, against hours, and what do they cost?

    python -m benchmarks.steps [--paths 256] [-o benchmarks/results/steps.json]

The same lives of each study - the same hours of weather, outages and orders - in steps of 60, 30 and 15
minutes: means of all years, and the difference to hours with its error, path by path. `-o` writes the
numbers, and the table of them beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import metadata
from pathlib import Path

import jax
import numpy as np

from engine import compose, config, devices, risk, session, setup
from engine.report import wording

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
STUDIES = ("zhongwei", "zhongwei_capped", "zhongwei_island", "zhangjiakou")
MINUTES = (60, 30, 15)
PREPARED = 128  # paths: of energy only the orders' calibration depends on them, and that on hours alone
CLIPPING = 3  # of `catalogue.CAUSES`
MEASURES = {  # of a year
    "made": "PV and wind, GWh",
    "clipped": "of it clipped, GWh",
    "curtailed": "curtailed otherwise, GWh",
    "bought": "imported, GWh",
    "fuel": "by gensets, GWh",
    "cycled": "out of the battery, GWh",
    "unserved": "unserved compute, h",
}


def measures(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[path] of each of `MEASURES`, means of a path's years."""
    year = {n: np.asarray(x, np.float64).mean(axis=1) for n, x in found.items() if x.ndim > 1}
    clipped = year["curtailed_by_cause_mwh"][:, CLIPPING]
    energy = {
        "made": year["pv_mwh"] + year["wind_mwh"],
        "clipped": clipped,
        "curtailed": year["curtailed_mwh"] - clipped,
        "bought": year["imported_mwh"],
        "fuel": year["genset_mwh"],
        "cycled": year["discharged_mwh"],
    }
    return {n: x / 1e3 for n, x in energy.items()} | {"unserved": year["unserved_compute_h"]}


def lived(name: str, minutes: int, paths: int) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """(measures, worlds, seconds of the lives once their programs are compiled)."""
    settings = [f"life.step_minutes={minutes}", f"prepare.paths={PREPARED}"]
    study = config.load(CONFIGS / f"{name}.yaml", settings).study
    on = devices.machine(route=devices.FUSED)
    run = setup.set_up(study, 1, paths, None, on)
    decided = compose.prepared(run, session.quiet)
    compose.lives(run, decided, np.arange(min(paths, on.width)), session.quiet)
    began = time.perf_counter()
    found = compose.lives(run, decided, np.arange(paths), session.quiet)
    return measures(found), found["world"], time.perf_counter() - began


def rows(name: str, paths: int) -> list[dict[str, object]]:
    """One study's numbers, steps after steps."""
    out: list[dict[str, object]] = []
    hourly: dict[str, np.ndarray] = {}
    for minutes in MINUTES:
        values, world, seconds = lived(name, minutes, paths)
        row: dict[str, object] = {"study": name, "step_minutes": minutes, "paths": paths}
        row["lives_s"] = round(seconds, 2)
        hourly = hourly or values
        for key, x in values.items():
            row[key] = wording.text(risk.mean(x, world))
            if minutes < 60:
                row[f"{key}_more"] = wording.text(risk.mean(x - hourly[key], world))
        print(json.dumps(row), flush=True)
        out.append(row)
    return out


def page(found: list[dict[str, object]]) -> str:
    """A table: hours, and what shorter steps add to them."""
    lines = [
        "# Steps under an hour",
        "",
        "Means of a year in steps of an hour, and what the same lives have more or less (-) in shorter ones,",
        "with the errors of the differences (`python -m benchmarks.steps`).",
        "",
        "| study | step | " + " | ".join(MEASURES.values()) + " | seconds |",
        "|---" * (len(MEASURES) + 3) + "|",
    ]
    for row in found:
        whole = row["step_minutes"] == 60
        cells = [str(row[key if whole else f"{key}_more"]) for key in MEASURES]
        cells = [f"`{row['study']}`", f"{row['step_minutes']} min", *cells, str(row["lives_s"])]
        lines.append("| " + " | ".join(cells).replace("+-", "±") + " |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paths", type=int, default=256)
    parser.add_argument("--studies", nargs="+", default=STUDIES)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args(arguments)
    found = [row for name in chosen.studies for row in rows(name, chosen.paths)]
    print(page(found))
    if chosen.out:
        device = jax.devices()[0].device_kind
        versions = {name: metadata.version(name) for name in ("wattbit", "jax")}
        about = {"device": f"{jax.device_count()} x {device}", "versions": versions, "rows": found}
        chosen.out.write_text(json.dumps(about, indent=1) + "\n")
        chosen.out.with_suffix(".md").write_text(page(found))


if __name__ == "__main__":
    main()
