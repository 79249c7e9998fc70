"""Are published systems met at 100,000 years, and how long does that take? And the README's ten lines.

    python -m benchmarks.adequacy [--years 100000] [--seeds 20] [--paths 512] [-o RESULT.json]

RBTS and RTS-79 with 8,736 hours each, beside their exact expectations; then RTS-79 with a battery, which has
none. An estimate is judged in its standard errors. Those are judged in turn by as many seeds of fewer years:
the mean square of the distances, in standard errors, which should be one. Compiling is in no time. Then the
firm compute of two studies, and last the block of Python in the README's section: it is run as it stands, and
what it prints is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

import engine
from benchmarks import ieee
from engine import Store, Unit, config
from engine.reliability import assess, years
from engine.reliability.result import Adequacy
from engine.reliability.system import System, system

ROOT = Path(__file__).resolve().parents[1]
SECTION = "## Adequacy in ten lines"
SEED = 1
OF_A_SEED = 10  # a tenth of the years by each of the seeds: fewer, and rare shortages are no normal sum
FIRM, FIRM_H = ("zhongwei_capped", "zhongwei_island"), (8.76, 87.6)  # 99.9 % and 99 % of the hours
SYSTEMS = ("RBTS", "RTS-79", "RTS-79 and 200 MW, 800 MWh of battery")


def systems() -> dict[str, tuple[System, tuple[float, float] | None]]:
    """The systems and their exact (LOLE, EUE)."""
    rbts, rts = ieee.load_mw(ieee.RBTS_PEAK_MW), ieee.load_mw(ieee.RTS79_PEAK_MW)
    of_rbts = [(u["capacity_MW"], u["count"], u["FOR"]) for u in ieee.KNOWN["rbts"]["units"]]
    of_rts = [(mw, count, mttr / (mttf + mttr)) for mw, count, mttf, mttr in ieee.RTS79]
    units: list[Unit] = ieee.rts79_units()
    made = (
        (system(rbts, ieee.rbts_units()), ieee.exact(rbts, of_rbts)),
        (system(rts, units), ieee.exact(rts, of_rts)),
        (system(rts, units, stores=[Store(200.0, 800.0)]), None),
    )
    return dict(zip(SYSTEMS, made, strict=True))


def measure(
    name: str, of: System, exact: tuple[float, float] | None, count: int, seeds: int
) -> dict[str, Any]:
    """One system: time, estimates, their distance from what is exact, and the spread of that over seeds."""
    on = years.machine()
    assess.assess(on, of, 1, SEED)  # compiles
    began = time.perf_counter()
    found = assess.assess(on, of, count, SEED)
    wall = time.perf_counter() - began
    row = {
        "system": name,
        "years": count,
        "wall_s": round(wall, 1),
        "ns_per_step": round(1e9 * wall / count / of.steps, 2),
        **{k: [e.value, e.standard_error] for k, e in estimates(found).items()},
        "event_h": [found.event_h.value, found.event_h.standard_error],
        "p99_h": found.quantile("short_steps", 0.99).value,
    }
    if exact is None:
        return row
    row["exact"] = list(exact)
    row["distance_in_errors"] = distances(found, exact)
    some = [
        distances(assess.assess(on, of, max(count // OF_A_SEED, 2), SEED + k), exact) for k in range(seeds)
    ]
    row["mean_square_of_distances"] = np.square(some).mean(axis=0).tolist()
    return row


def estimates(found: Adequacy) -> dict[str, Any]:
    return {"lole_h": found.lole, "eue_mwh": found.eue_mwh, "lolf": found.lolf}


def distances(found: Adequacy, exact: tuple[float, float]) -> list[float]:
    """(LOLE, EUE) less the exact ones, in standard errors."""
    pairs = zip((found.lole, found.eue_mwh), exact, strict=True)
    return [(e.value - x) / e.standard_error for e, x in pairs]


def firm(paths: int) -> list[dict[str, Any]]:
    """Firm compute of the studies without a firm connection, at P99 of a year's hours."""
    rows = []
    for name in FIRM:
        study = config.load(ROOT / "configs" / f"{name}.yaml").study
        for allowed in FIRM_H:
            began = time.perf_counter()
            found = engine.firm_compute(study, allowed, paths=paths, seed=SEED)
            print(found, flush=True)
            row = {"study": name, "unserved_h": allowed, "it_mw": found.it_mw.value}
            row |= {"standard_error": found.it_mw.standard_error, "paths": paths}
            rows.append(row | {"tried": len(found.tried), "wall_s": round(time.perf_counter() - began, 1)})
    return rows


def blocks() -> tuple[str, str]:
    """(Python, what it prints) of the README's section."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split(SECTION)[1]
    code, printed = re.findall(r"```(?:python|text)\n(.*?)```", text, re.DOTALL)[:2]
    return code, printed


def readme() -> dict[str, Any]:
    """The section's block, run."""
    code, _ = blocks()
    began, out = time.perf_counter(), io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    return {"printed": out.getvalue(), "wall_s": round(time.perf_counter() - began, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--years", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--paths", type=int, default=512, help="of the studies")
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    rows = []
    for name, (of, exact) in systems().items():
        rows.append(row := measure(name, of, exact, chosen.years, chosen.seeds))
        print(name, *(f"  {k}: {v}" for k, v in row.items() if k != "system"), sep="\n", flush=True)
    carried = firm(chosen.paths)
    shown = readme()
    print(shown["printed"], f"{shown['wall_s']} s", sep="")
    if chosen.out:
        device = jax.devices()[0]
        about = {"device": f"{len(jax.devices())} x {device.device_kind}", "jax": metadata.version("jax")}
        chosen.out.write_text(
            json.dumps(about | {"rows": rows, "firm": carried, "readme": shown}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
