"""One path again, hour by hour; and the week of the worst path that a report shows."""

from __future__ import annotations

import calendar

import jax
import numpy as np
import xarray as xr

from engine import simulate
from engine.prepare import Prepared
from engine.setup import Run
from weather import generate, moist, random
from weather.random import Ensemble
from weather.schema import DAY, HOURS, MONTH_DAYS, MONTH_OF_DAY

WEEK_H = 168
_LONG_NAMES = {
    "arriving_mw": "site load as it arrives, cooling included",
    "load_mw": "site load after postponing and catching up, served or not",
    "unserved_mw": "site load that went unserved",
    "soc_mwh": "energy in the battery at the hour's start",
    "spot_multiple": "spot price, over the year's mean price",
    "standby_mw": "what the battery draws for itself, out of its cells",
    "ordered_mw": "export that orders took away from the limit",
    "stopped_mw": "IT load that the halls cannot run: for failed blocks, or heat",
    "import_limit_mw": "import that the working circuits allow",
    "temp_air_c": "air temperature",
    "ghi_wm2": "global horizontal irradiance",
    "wind_speed_mps": "wind speed at the climate's height",
}


def hours(run: Run, decided: Prepared, path: int, year: int) -> xr.Dataset:
    """Every hour of one operating year (from 1) of one path: weather, limits, flows, stored energy.

    Of a study whose steps are shorter every step, its coordinate `hour` then in parts of hours.
    """
    on = run.machine
    names = random.stream(run.seed, Ensemble.RUN, np.full(on.width, path))
    market = simulate.programs(on.mesh).market(run.plant, names)
    looked = simulate.look(on, run.plant, decided.threshold, run.source(), names, market, year - 1)
    at, starts, met, flowed = jax.tree.map(lambda x: np.asarray(x[..., 0]).ravel(), looked)
    air, humid = moist.apart(at)
    weather = generate.own(air)
    unserved_mw = (flowed.unserved_firm_mw + flowed.unserved_deferrable_mw) * met.pue
    values = {name: mw for name, mw in flowed._asdict().items() if mw is not None}
    values |= {
        "arriving_mw": flowed.it_demand_mw * met.pue,
        "load_mw": flowed.served_mw + unserved_mw,
        "unserved_mw": unserved_mw,
        "curtailed_mw": sum(
            mw for n, mw in flowed._asdict().items() if n.startswith("curtailed_") and mw is not None
        ),
        "soc_mwh": starts.soc_mwh,
        "backlog_mwh": starts.backlog_mwh,
        "ordered_mw": met.export_limit_mw - met.export_order_mw,
        "import_limit_mw": met.import_limit_mw,
        "genset_available_mw": met.genset_mw,
        "ghi_wm2": weather.ghi,
        "wind_speed_mps": weather.wind_speed,
        "temp_air_c": weather.temp_air,
    }
    if humid is not None:
        values["relative_humidity_frac"] = humid
    if met.it_stopped_firm_mw is not None:
        values["stopped_mw"] = met.it_stopped_firm_mw + met.it_stopped_deferrable_mw
    if met.spot_multiple is not None:
        values["spot_multiple"] = met.spot_multiple
    steps = run.plant.steps
    begins = np.arange(HOURS) if steps == 1 else np.arange(HOURS * steps) / steps
    return xr.Dataset(
        {n: ("hour", v.astype(np.float32), _attrs(n)) for n, v in values.items()},
        coords={"hour": ("hour", begins, {"long_name": "hour of the year, local standard time"})},
        attrs={
            "path": path,
            "year": year,
            "calendar_year": run.study.life.first_year - 1 + year,
            "step_minutes": run.study.life.step_minutes,
        },
    )


def worst(results: xr.Dataset) -> tuple[int, int]:
    """(path, operating year) that a reader wants to see: most loss, then most unserved, then least cash."""
    loss = results["lender_loss_m"].values
    unserved = results["unserved_compute_h"].values
    cash = results["cfads_m"].values
    row = int(np.lexsort((-cash.sum(axis=1), unserved.sum(axis=1), loss))[-1])
    year = int(np.argmax(unserved[row])) if unserved[row].any() else int(np.argmin(cash[row]))
    return int(results["path"].values[row]), year + 1


def week(year: xr.Dataset) -> xr.Dataset:
    """The seven days, from a midnight, with most load unserved; without any, most bought or made by fuel."""
    short = year["unserved_mw"].values.astype(np.float64)
    if not short.any():
        short = (year["imported_mw"] + year["genset_mw"]).values.astype(np.float64)
    total = np.concatenate([[0.0], np.cumsum(short)])
    steps = short.size // HOURS
    long = WEEK_H * steps
    starts = np.arange(0, short.size - long + 1, DAY * steps)
    first = int(starts[np.argmax(total[starts + long] - total[starts])])
    day = first // (DAY * steps)
    month = int(MONTH_OF_DAY[day])
    in_month = day - int(MONTH_DAYS[:month].sum()) + 1
    names = {"discharged_mw": "discharge_mw", "charged_mw": "charge_mw"}
    names |= {"imported_mw": "import_mw", "exported_mw": "export_mw"}
    return (
        year.isel(hour=slice(first, first + long))
        .rename(names)
        .assign_attrs(month=month + 1, day=in_month, starts=f"{in_month} {calendar.month_name[month + 1]}")
    )


def _attrs(name: str) -> dict[str, str]:
    units = {"mwh": "MWh", "mw": "MW", "wm2": "W m-2", "mps": "m s-1", "c": "degC"}
    units |= {"multiple": "1", "frac": "1"}
    unit = units[name.rsplit("_", 1)[-1]]
    return {"units": unit, "long_name": _LONG_NAMES.get(name, name.rsplit("_", 1)[0].replace("_", " "))}
