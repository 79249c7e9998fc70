"""Does the process of orders give back the records it is made from, and what is its tie to the region worth?

    python -m benchmarks.ordered [--paths 1024] [-o benchmarks/results]

draws records as long as those that `engine/schema/orders.py` is made from, and sets them side by side: rates
by month, days in a row, hours of an order, its tie to the region's wind. Then runs a farm that sells all it
makes with that tie and without it. `-o` writes orders.json, orders.md and orders.svg. Where the records are
missing it says so, runs the farm alone and writes nothing.

What is fitted and what is not: seasons, hours, depths and the tie of nights are fitted to the same records,
so that there agreement says only that the process holds what it was given. Of days in a row one number is
fitted: how much of midday's chance lasts into the next day, chosen for the market's mean run. The level that
differs between worlds is left out of drawn records: a record's own stands in its threshold.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import orderpage, orderrecords
from benchmarks.orderrecords import Found
from engine import catalogue, compose, config, devices, orders, risk, session
from engine import setup as setups
from engine.build import orders as build
from engine.orders import OrderProcess, Orders
from engine.prepare import Prepared
from engine.schema.orders import Orders as Section
from engine.setup import Run
from weather import block, climate, random
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import DAY, MONTH_DAYS

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
STUDY = "alibaba_ppa"  # sells all it makes, so that orders cost it most
CLIMATE = "zhangbei"  # whose sun midday orders are drawn with: the spot market's province is not named
SEED, RECORDS = 7, 1024
LONGEST = 7  # days in a row and more, counted together
FIFTHS = 5  # of the region's anomaly


class Copies(NamedTuple):
    """Drawn records of one kind. came: [day, record]. begin_h, hours: [order] of all of them."""

    came: np.ndarray
    begin_h: np.ndarray
    hours: np.ndarray


def sun_of_region(process: OrderProcess, days: int, first: int) -> np.ndarray:
    """[day, record] anomalies of the region's sun in the hours that decide; first: day of the year."""
    on = devices.machine(route=devices.MATERIALISED)
    found, _, _ = climate.load(CLIMATE, None)
    source = Generated(found, SEED, Ensemble.RUN, RECORDS, 1.0, on.mesh)
    years = -(-(first + days) // 365)
    told = np.asarray(process.told[:, 0])
    parts = []
    for at in range(0, RECORDS, on.width):
        path = np.arange(at, at + on.width)
        hours = [np.asarray(w.region_sun).reshape(-1, DAY, on.width) for w in source.years(path, years)]
        parts.append(np.einsum("dhp,h->dp", np.concatenate(hours), told)[first : first + days])
    return np.concatenate(parts, axis=1)[:, :RECORDS]


def copies(process: OrderProcess, kind: int, found: Found, anomaly: np.ndarray) -> Copies:
    """Records as the process draws them: as long as `found`, and of its rate over the days judged.

    anomaly: [day, record] of the region.
    """
    first_days = np.cumsum(MONTH_DAYS) - MONTH_DAYS
    season = process.season[first_days[found.month]]
    stream = random.stream(SEED, Ensemble.RUN, np.arange(RECORDS))
    calm = Orders(jnp.float32(0.0), jnp.float32(0.0))

    def days(process, stream, season, anomaly):
        def one(chance, x):
            d, season, of_day = x

            def drawn(shared, own):
                process, season = shared
                stream, a, before = own
                return orders.drawn(process, season, calm, stream, 0, d, Orders(a, a), before)

            chance, scores, may = block.tile(drawn)((process, season), (stream, of_day, chance))
            return chance, (scores[kind], may[kind].begin_h, may[kind].end_h)

        first = block.tile(lambda _, stream: orders.start(stream))((), stream)
        return jax.lax.scan(one, first, (jnp.arange(len(season)), season, anomaly))[1]

    score, begin, end = map(np.asarray, jax.jit(days)(process, stream, season, np.float32(anomaly)))
    rate = found.came[found.judged].mean()
    came = score > np.quantile(score[found.judged], 1.0 - rate)
    came &= found.judged[:, None]
    return Copies(came, begin[came], (end - begin)[came])


def beside(record: np.ndarray, drawn: np.ndarray) -> list[dict[str, float]]:
    """record: [entry]; drawn: [entry, record]. Value, the process's mean, and how a record scatters."""
    mean, sd = drawn.mean(axis=1), drawn.std(axis=1, ddof=1)
    away = np.divide(record - mean, sd, out=np.zeros(len(mean)), where=sd > 0)
    rows = zip(record, mean, sd, away, strict=True)
    return [
        {"record": _short(r), "process": _short(m), "error": _short(s), "errors_apart": _short(z)}
        for r, m, s, z in rows
    ]


def by_month(found: Found, came: np.ndarray) -> np.ndarray:
    """[12, ...] share of a month's judged days with an order. came: [day, ...]."""
    month = found.month
    return np.stack([came[found.judged & (month == m)].mean(axis=0) for m in range(12)])


def in_a_row(found: Found, came: np.ndarray) -> np.ndarray:
    """[1 to LONGEST and more] runs of judged days with orders, that many days long; then their mean."""
    _, length = orderrecords.runs(came[found.judged])
    counts = np.bincount(np.minimum(length, LONGEST), minlength=LONGEST + 1)[1:]
    return np.append(counts, length.mean() if len(length) else 0.0)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference of two samples' shares (Kolmogorov-Smirnov)."""
    at = np.unique(np.concatenate([one, other]))
    share = (np.searchsorted(np.sort(x), at, side="right") / len(x) for x in (one, other))
    return float(np.abs(np.subtract(*share)).max())


def distances(record: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """Of the record's orders from the process's; what 95 % of as many drawn ones keep; of its own halves.

    The halves are every other order of the record: they share nothing that was fitted.
    """
    rng = np.random.default_rng(SEED)
    samples = [apart(rng.choice(drawn, len(record)), drawn) for _ in range(400)]
    halves = record[::2], record[1::2]
    shuffled = (rng.permutation(record) for _ in range(400))
    mixed = [apart(x[::2], x[1::2]) for x in shuffled]
    return {
        "orders": len(record),
        "mean": _short(record.mean()),
        "process_mean": _short(drawn.mean()),
        "distance": _short(apart(record, drawn)),
        "distance_95": _short(np.quantile(samples, 0.95)),
        "halves": _short(apart(*halves)),
        "halves_95": _short(np.quantile(mixed, 0.95)),
    }


def by_fifth(anomaly: np.ndarray, came: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """([fifth] mean anomaly, [fifth, ...] share of days with an order). anomaly: [day]; came: [day, ...]."""
    parts = np.array_split(np.argsort(anomaly, kind="stable"), FIFTHS)
    return np.array([anomaly[p].mean() for p in parts]), np.stack([came[p].mean(axis=0) for p in parts])


def kind_of(kind: int, found: Found, section: Section) -> dict[str, Any]:
    """One kind's record beside the process."""
    process = build.orders(section, 1)
    loose = build.orders(section.model_copy(update={"region_correlation": 0.0}), 1)
    if found.anomaly is None:
        anomaly = sun_of_region(process, len(found.came), found.first.day_of_year - 1)
    else:
        anomaly = np.repeat(found.anomaly[:, None], RECORDS, axis=1)
    tied, untied = (copies(p, kind, found, anomaly) for p in (process, loose))
    rows = np.stack([in_a_row(found, c) for c in tied.came.T], axis=1)
    return {
        "days": int(found.judged.sum()),
        "with_order": int(found.came.sum()),
        "months": beside(by_month(found, found.came), by_month(found, tied.came)),
        "days_in_a_row": beside(in_a_row(found, found.came), rows),
        "hours": distances(found.hours, tied.hours),
        "begin_h": distances(found.begin_h, tied.begin_h),
        "tie": tie_of(found, anomaly, tied.came, untied.came) | {"shipped": section.region_correlation},
    }


def tie_of(found: Found, anomaly: np.ndarray, tied: np.ndarray, untied: np.ndarray) -> dict[str, Any]:
    """Share of days with an order by fifths of the region's anomaly, from calm or dim to windy or bright.

    anomaly, tied, untied: [day, record]. Where the record has no anomaly the process stands alone.
    """
    of = found.judged
    if found.anomaly is None:
        at, share = by_fifth(anomaly.ravel(), np.stack([tied.ravel(), untied.ravel()], axis=1))
        return {"anomaly": [*map(_short, at)]} | {
            name: [{"process": _short(x)} for x in share[:, k]] for k, name in enumerate(("tied", "untied"))
        }
    at, share = by_fifth(found.anomaly[of], found.came[of])
    fitted = orderrecords.tie(found)
    return {
        "correlation": _short(fitted.correlation),
        "error": _short(fitted.error),
        "anomaly": [*map(_short, at)],
        "tied": beside(share, by_fifth(found.anomaly[of], tied[of])[1]),
        "untied": beside(share, by_fifth(found.anomaly[of], untied[of])[1]),
    }


def lived(run: Run, decided: Prepared, paths: int) -> Any:
    """Outcomes of lives under what was decided, perhaps by another run."""
    return session.dataset(run, compose.lives(run, decided, np.arange(paths), session.quiet), "-")


def farm(paths: int) -> dict[str, Any]:
    """The study with its tie; without it, orders as often; without it, orders that cost sellers as much."""
    on = devices.machine(route=devices.FUSED)
    tied, loose = (
        setups.set_up(config.load(CONFIGS / f"{STUDY}.yaml", settings).study, 1, paths, None, on)
        for settings in ((), ("grid.orders.region_correlation=0",))
    )
    as_shipped, refitted = (compose.prepared(run, session.quiet) for run in (tied, loose))
    as_often = Prepared(as_shipped.threshold, as_shipped.debt)
    as_costly = Prepared(refitted.threshold, as_shipped.debt)  # the debt stays, so that revenue alone differs
    found = {
        "tied": lived(tied, as_shipped, paths),
        "untied, as often": lived(loose, as_often, paths),
        "untied, as costly": lived(loose, as_costly, paths),
    }
    lines = {name: line(x, found["tied"]) for name, x in found.items()}
    return {"study": STUDY, "paths": paths, "years": tied.study.life.years, "lines": lines}


def line(found: Any, tied: Any) -> dict[str, Any]:
    """A year's energy lost to orders and revenue, each (value, sampling error); differences from the tied
    lives path by path.
    """
    world = found["world"].values
    order = catalogue.CAUSES.index("order")
    gwh, base = (x["curtailed_by_cause_mwh"].values[..., order].astype(float) / 1e3 for x in (found, tied))
    revenue, other = (x["revenue_m"].values.astype(float).mean(axis=1) for x in (found, tied))
    years = np.repeat(world, gwh.shape[1])

    def said(e: risk.Estimate) -> list[float]:
        return [_short(e.value), _short(e.standard_error)]

    return {
        "mean_gwh": said(risk.mean(gwh.mean(axis=1), world)),
        "p99_year_gwh": said(risk.bettered(gwh.ravel(), years, 0.99, "less")),
        "revenue_m": said(risk.mean(revenue, world)),
        "more_gwh": said(risk.mean((gwh - base).mean(axis=1), world)),
        "more_revenue_m": said(risk.mean(revenue - other, world)),
    }


def _short(x: float) -> float:
    return float(f"{float(x):.4g}")


def compared() -> dict[str, Any]:
    """Both kinds beside their records; empty where these are missing."""
    section = config.load(CONFIGS / f"{STUDY}.yaml").study.grid.orders
    if not all((orderrecords.DATA / name).exists() for name in (orderrecords.SPOT, orderrecords.FARMS)):
        print(f"{orderrecords.DATA} has no records of orders: only the farm is run")
        return {}
    return {
        name: kind_of(kind, found, section)
        for kind, (name, found) in enumerate(
            zip(orderpage.KINDS, (orderrecords.midday(), orderrecords.night()), strict=True)
        )
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paths", type=int, default=1024)
    parser.add_argument("-o", "--out", type=Path, help="folder for orders.json, orders.md and orders.svg")
    chosen = parser.parse_args()
    found = {
        "device": f"{platform.machine()}, {jax.default_backend()}",
        "versions": {n: metadata.version(n) for n in ("jax", "numpy")},
        "records_drawn": RECORDS,
        "kinds": compared(),
        "farm": farm(chosen.paths),
    }
    text = orderpage.page(found)
    print(text)
    if chosen.out and found["kinds"]:
        (chosen.out / "orders.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (chosen.out / "orders.md").write_text(text, encoding="utf-8")
        (chosen.out / "orders.svg").write_text(orderpage.figure(found["kinds"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
