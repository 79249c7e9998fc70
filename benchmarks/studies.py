"""What do the studies give beside the facts, and what do size, rent and grid change?

    python benchmarks/studies.py [--paths 200] [-o benchmarks/results/studies.json]

Runs the shipped studies of Zhongwei and sweeps of PV, rent, occupancy and what the sponsor promises, and
prints the README's tables. Debt is sized anew for each study, as `wattbit run` does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from engine import config, results, risk, session
from engine.report import wording

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
PV_GW = (1, 2, 3, 4)
RENTS = (250, 300, 350, 400)
OCCUPANCIES = (0.6, 0.7, 0.8, 0.9)  # from the fourth year on; the ramp to it in the study's proportions
RAMP = (0.40, 0.65, 0.85, 0.90)
UNSUPPORTED = ("deal.debt.sponsor_support_m=null", "deal.construction.guarantee_m=0")
EPC_PER_W = 3.3  # yuan per W ac, as in the study


def study(name: str, paths: int, *settings: str) -> dict[str, object]:
    """Headline numbers of one study: text with errors, as the summary prints them."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = config.load(CONFIGS / f"{name}.yaml", settings)
        done = session.run(loaded, paths, 1, Path(folder) / "run")
        found, manifest = results.read(done.folder)
    world = found["world"].values
    total = {
        n: found[n].values.astype(np.float64).sum(axis=1)
        for n in (
            "pv_mwh",
            "wind_mwh",
            "served_mwh",
            "imported_mwh",
            "genset_mwh",
            "curtailed_mwh",
            "exported_mwh",
        )
    }
    made = total["pv_mwh"] + total["wind_mwh"]
    first_year = found["pv_mwh"].values[:, 0].astype(np.float64) / (loaded.study.arrays[0].ac_mw * 8760)
    tenor = loaded.study.deal.debt.tenor_years
    debt = manifest["prepared"]["debt"]
    unserved = found["unserved_compute_h"].values.mean(axis=1)
    defaulted = found["default_year"].values <= tenor
    completion = found["completion_guarantee_m"].values
    called = found["sponsor_m"].values.astype(np.float64).sum(axis=1)
    lowest = np.nanmin(found["dscr"].values[:, :tenor], axis=1)
    return {
        "study": name,
        "settings": list(settings),
        "paths": paths,
        "pv_cf_first_year_percent": wording.text(risk.mean(100 * first_year, world)),
        "green_percent": wording.text(
            risk.mean(100 * (1 - (total["imported_mwh"] + total["genset_mwh"]) / total["served_mwh"]), world)
        ),
        "curtailed_percent": wording.text(risk.mean(100 * total["curtailed_mwh"] / made, world)),
        "self_use_percent": wording.text(
            risk.mean(100 * (made - total["curtailed_mwh"] - total["exported_mwh"]) / made, world)
        ),
        "unserved_h_per_year": wording.text(risk.mean(unserved, world)),
        "debt_bn": round(debt["amount_m"] / 1e3, 1),
        "gearing_percent": round(100 * debt["gearing_frac"]),
        "binding": debt["binding"],
        "base_dscr": debt["base_dscr_mean"] and round(debt["base_dscr_mean"], 2),
        "lowest_dscr_p90": wording.text(risk.bettered(lowest, world, 0.9, "more")),
        "supported": wording.text_probability(risk.probability(found["support_year"].values <= tenor, world)),
        "support_bn": wording.text(risk.mean(called / 1e3, world)),
        "guarantee_bn": wording.text(risk.mean(completion / 1e3, world)),
        "default": wording.text_probability(risk.probability(defaulted, world)),
    }


def sweep(paths: int) -> list[dict[str, object]]:
    """All rows of the README's tables."""
    rows = [study(name, paths) for name in ("zhongwei", "zhongwei_capped", "zhongwei_island")]
    for gw in PV_GW:
        capex = f"deal.capex.pv.amount_m={gw * 1e3 * EPC_PER_W:g}"
        rows.append(study("zhongwei", paths, f"pv.ac_mw={gw * 1000}", f"pv.dc_mw={gw * 1200}", capex))
    rent = "deal.revenue.lease_price_per_kw_month"
    rows += [study("zhongwei", paths, f"{rent}={price}") for price in RENTS]
    for last in OCCUPANCIES:
        ramp = ", ".join(f"{last / RAMP[-1] * part:.4g}" for part in RAMP)
        rows.append(study("zhongwei", paths, f"load.occupancy_frac=[{ramp}]"))
    for price in (RENTS[-2], RENTS[0]):
        rows += [study("zhongwei_sponsored", paths, f"{rent}={price}", *more) for more in ((), UNSUPPORTED)]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paths", type=int, default=200)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    rows = sweep(chosen.paths)
    for row in rows:
        print(json.dumps(row))
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
