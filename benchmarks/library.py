"""What does a library of weather years save, and do lives drawn from one come out alike?

    python benchmarks/library.py [--years 1000] [--paths 256] [--seeds 8] [-o benchmarks/results/library.json]

First the cost of weather alone, ns per path-hour: generated, and drawn from a library that has been built
(its building is a number of its own; compiling is in neither). Then lives of the study by both ways with
each seed: worlds, outages and prices are a seed's own and so the same for both, and each seed has another
library. A statistic's difference is judged by its spread over the seeds, which holds every error there is,
the library's own too. Mean, sd and quantiles are over all operating years of all lives of a seed. The last
two columns are a statistic's sd between seeds: how far another seed would move it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from engine import compose, config, devices, session, setup, simulate
from engine.devices import Machine
from engine.schema.study import Study
from weather import climate, library
from weather.ensemble import Generated, Source
from weather.library import Drawn
from weather.random import Ensemble

ROOT = Path(__file__).resolve().parents[1]
SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)
WEATHER_YEARS = 2  # of each life, whose weather is looked at by itself
WARM, TIMED = 2, 8  # calls


class Row(NamedTuple):
    """A statistic by both ways: its means over the seeds, their difference, the difference's standard error.

    sd_generated, sd_drawn: between seeds. With one seed errors and sds are NaN.
    """

    outcome: str
    statistic: str
    generated: float
    drawn: float
    difference: float
    error: float
    sd_generated: float
    sd_drawn: float

    @property
    def errors(self) -> float:
        """The difference in standard errors; 0 where there is none."""
        return self.difference / self.error if self.difference else 0.0


def speed(name: str, years: int, on: Machine) -> dict[str, float]:
    """Seconds to build, and ns per path-hour of both ways."""
    found, *_ = climate.load(name)
    took = []
    for _ in ("with compiling", "without"):
        began = time.perf_counter()
        stored = jax.block_until_ready(library.build(found, 1, years, on.mesh, on.width, lambda done: None))
        took.append(time.perf_counter() - began)
    same = (found, 1, Ensemble.RUN, 100, 1.0, on.mesh)
    generated, drawn = _rate(Generated(*same), on), _rate(Drawn(stored, *same), on)
    return {
        "library_years": years,
        "library_mib": round(years * library.YEAR_BYTES / 2**20, 1),
        "build_s": round(took[1], 2),
        "build_with_compiling_s": round(took[0], 2),
        "generated_ns": round(generated, 3),
        "drawn_ns": round(drawn, 3),
        "ratio": round(generated / drawn, 2),
    }


def _rate(source: Source, on: Machine) -> float:
    """ns per path-hour: the median of some calls."""
    walk, took = source.years(np.arange(on.width), WARM + TIMED), []
    while True:
        began = time.perf_counter()
        if (weather := next(walk, None)) is None:
            break
        jax.block_until_ready(weather)
        took.append(time.perf_counter() - began)
    return 1e9 * float(np.median(took[WARM:])) / (on.width * 8760)


def compare(
    study: Study,
    years: int,
    paths: int,
    seeds: Iterable[int],
    on: Machine,
    told: Callable[[int], None] = lambda seed: None,
) -> list[Row]:
    """Every statistic of generated lives and of lives drawn from libraries of `years`."""
    decided, both = None, []
    for seed in seeds:
        run = setup.set_up(study, seed, paths, None, on)
        decided = decided or compose.prepared(run, session.quiet)
        from_library = compose.stocked(dataclasses.replace(run, library=years), session.quiet)
        both.append([_statistics(_yearly(r, decided)) for r in (run, from_library)])
        told(seed)
    rows = []
    for key in both[0][0]:
        x, y = (np.array([pair[way][key] for pair in both]) for way in (0, 1))
        spread = [float(np.std(z, ddof=1)) if len(both) > 1 else float("nan") for z in (x, y, y - x)]
        error = spread[2] / len(both) ** 0.5
        rows.append(Row(*key, x.mean(), y.mean(), (y - x).mean(), error, spread[0], spread[1]))
    return rows


def _yearly(run: setup.Run, decided) -> dict[str, np.ndarray]:
    """Values of each operating year of each life, in any order; of the weather, of its first years."""
    found = compose.lives(run, decided, np.arange(run.paths), session.quiet)
    looked: dict[str, list[np.ndarray]] = {"GHI, W/m2": [], "wind speed, m/s": [], "temperature, C": []}
    count = min(WEATHER_YEARS, run.study.life.years)
    for index, real in simulate.groups(run.machine, np.arange(run.paths)):
        for weather in run.source().years(index, count):
            for kept, x in zip(looked.values(), weather[: len(looked)], strict=True):
                kept.append(np.asarray(x)[:, :real].mean(axis=0, dtype=np.float64))
    return {name: np.concatenate(kept) for name, kept in looked.items()} | {
        "generation, GWh": (found["pv_mwh"] + found["wind_mwh"]) / 1e3,
        "curtailed, GWh": found["curtailed_mwh"] / 1e3,
        "import, GWh": found["imported_mwh"] / 1e3,
        "unserved, h": found["unserved_compute_h"],
        "CFADS, m": found["cfads_m"],
        "DSCR": found["dscr"],
        "equity NPV, m": found["equity_npv_m"],
    }


def _statistics(yearly: dict[str, np.ndarray]) -> dict[tuple[str, str], float]:
    found = {}
    for name, values in yearly.items():
        x = np.asarray(values, np.float64)
        x = x[~np.isnan(x)]
        found[name, "mean"], found[name, "sd"] = float(x.mean()), float(x.std(ddof=1))
        found |= {(name, f"{share:.0%} below"): float(np.quantile(x, share)) for share in SHARES}
    return found


def about(on: Machine) -> dict[str, object]:
    """Device and versions."""
    versions = {name: metadata.version(name) for name in ("wattbit", "jax", "jaxlib", "numpy")}
    return {
        "device": f"{on.mesh.size} x {on.mesh.devices.flat[0].device_kind}",
        "tile": on.tile,
        "versions": versions | {"python": sys.version.split()[0]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "zhongwei.yaml")
    parser.add_argument("--years", type=int, default=1000, help="of the library")
    parser.add_argument("--paths", type=int, default=256, help="lives of each seed and way")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    study, on = config.load(chosen.config).study, devices.machine()
    if study.climate is None:
        raise SystemExit(f"{chosen.config}: has no climate to draw a library from")
    rate = speed(study.climate, chosen.years, on)
    print(
        f"weather alone, ns per path-hour: generated {rate['generated_ns']:.2f}, from a library "
        f"{rate['drawn_ns']:.2f}, ratio {rate['ratio']:.1f}; {chosen.years:,} years "
        f"({rate['library_mib']:,.0f} MiB) built in {rate['build_s']:.1f} s",
        flush=True,
    )
    rows = compare(
        study,
        chosen.years,
        chosen.paths,
        range(1, chosen.seeds + 1),
        on,
        lambda seed: print(f"seed {seed} done", file=sys.stderr),
    )
    print(f"{'':18} {'':10} {'generated':>12} {'library':>12} {'difference':>22} {'in errors':>9}", end="")
    print(f" {'sd gen.':>10} {'sd lib.':>10}")
    for r in rows:
        print(f"{r.outcome:18} {r.statistic:10} {r.generated:12.5g} {r.drawn:12.5g}", end="")
        print(f" {r.difference:10.3g} +- {r.error:8.2g} {r.errors:9.1f}", end="")
        print(f" {r.sd_generated:10.3g} {r.sd_drawn:10.3g}")
    if chosen.out:
        what = {"paths": chosen.paths, "seeds": chosen.seeds, "speed": rate, **about(on)}
        table = [r._asdict() | {"errors": r.errors} for r in rows]
        chosen.out.write_text(json.dumps(what | {"rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
