"""The hours of a plant's years in one plain loop, and their monthly sums.

From the study and given weather; the random parts by the same names as the kernel's, in integers.
"""

from __future__ import annotations

import datetime
import math
from types import SimpleNamespace

import numpy as np

from engine.build.fleets import kind as built
from engine.fleets import Kind
from tests.reference import (
    cooling,
    exposure,
    fleets,
    gensets,
    interruptions,
    plant,
    pv,
    random,
    refine,
    spot,
    wind,
)
from tests.reference import grid as connections
from tests.reference.phases import standing, what_stands
from tests.reference.plant import FLOWS
from weather.random import Ensemble, Purpose

FLEETS = ("pv", "wind", "battery", "gensets", "grid")
STOCKS = ("soc_mwh", "backlog_mwh", "price", "asked_firm_mw", "asked_deferrable_mw")
BETWEEN = {  # what a study may leave out, in this order after the others
    "pv_transformers": lambda study: study.arrays[0].transformers,
    "wind_transformers": lambda study: study.farms[0].transformers,
    "it_blocks": lambda study: study.load.it_blocks,
    "cooling_blocks": lambda study: study.load.cooling_blocks,
    "grid_transformers": lambda study: study.grid.transformers,
}
MONTH = [(datetime.date(2023, 1, 1) + datetime.timedelta(d)).month - 1 for d in range(365)]


def years(
    study, sun, wind_height_m, tables, sets, names, threshold, occupancy, weather, parts=None, elsewhere=None
):
    """[year] of {flow: [step] MW, "soc_mwh": [step] at the step's start, "monthly": {flow: [12] MWh},
    "imported_by_period": {period: [12] MWh}, "at_spot": {name: [12]},
    "interruptions": [rule] of [12]}; steps of the study, 8760 in a year or twice or four times that.

    tables: of each fleet, for each of its laws (accept, alias, start_accept, start_alias). sets: the
    `gensets` of the plant. names: (seed, ensemble, path).
    occupancy: [year]. weather: [year] of {name: [8760]}. sun: by the step. parts: for steps under an hour,
    `weather.refine.Tables`. elsewhere: other sites by name, (sun, wind_height_m, weather) of each, for whole
    hours.
    """
    elsewhere = elsewhere or {}
    steps = 60 // study.life.step_minutes
    dt_h = 1.0 / steps
    world = (names[0], Ensemble.WORLD, names[2] % study.uncertainty.worlds)
    failed = first_failures(names, [of_fleet[0] for of_fleet in tables])
    first = {"pv": study.arrays[0], "wind": study.farms[0]}
    kinds = [built((first.get(name) or getattr(study, name)).outage) for name in FLEETS]
    between = {name: find(study) for name, find in BETWEEN.items() if find(study) is not None} | others(study)
    kinds += [built(section.outage) for section in between.values()]
    stands_at = [site_of(study, name) for name in (*FLEETS, *between)]
    machines = gensets.of_plant(study, sets, names)
    if study.gensets.commitment is not None:  # their units fail there
        kinds[FLEETS.index("gensets")] = Kind(study.gensets.outage.units, 0.0, 1.0)
    b = study.battery
    soc = b.soc_start_frac * b.energy_mwh * standing(study, 0)["battery"]
    backlog, last_night, age, cycles, stands = 0.0, [], 0, 0.0, "connected"
    lying = exposure.logs(study, names)
    chance = [plant.first_order_chance(names, kind) for kind in range(2)]
    lacked = [0.0] * len(study.deal.revenue.sla_events)
    terms, market = study.deal.revenue.spot, None
    if terms is not None:
        market = spot.first(names)
        middle = [[spot.middle(terms, m, h) for h in range(24)] for m in range(12)]
    out = []
    for year, air in enumerate(weather):
        if any(r.of == "battery" and r.in_year == year + 1 for r in study.deal.renewals.values()):
            age, cycles = 0, 0.0
        fresh = b.energy_mwh * (1.0 - b.fade_frac_per_year) ** age
        fresh *= max(1.0 - b.fade_frac_per_cycle * cycles, 0.0)
        store = plant.Store(
            *(b.power_mw, b.soc_min_frac * fresh, b.soc_max_frac * fresh),
            *(b.charge_efficiency_frac, b.discharge_efficiency_frac, soc, backlog),
        )
        kept = {name: np.empty(8760 * steps) for name in (*FLOWS, *STOCKS)}
        for day in range(365):
            orders = study.grid.orders
            chance = [
                plant.order_chance(orders, names, year, day, kind, before)
                for kind, before in enumerate(chance)
            ]
            midday, tonight = (
                [plant.order_that_may_come(orders, names, year, day, kind)]
                if plant.order_score(orders, world, year, day, kind, air[region], chance[kind])
                > threshold[kind]
                else []
                for kind, region in enumerate(("region_sun", "region_wind"))
            )
            for log in lying:
                log.begin_day(year, day, float(air["region_sun"][day * 24]))
            share = standing(study, 12 * year + MONTH[day])
            now = what_stands(study, share)
            store.power_mw = b.power_mw * share["battery"]
            store.standby_mw = b.standby_mw * share["battery"]
            store.soc_min_mwh = b.soc_min_frac * fresh * share["battery"]
            store.soc_max_mwh = b.soc_max_frac * fresh * share["battery"]
            for h in range(24):
                t = 24 * day + h
                for log in lying:
                    log.begin_hour(year, t)
                about = [elsewhere[site][2][year] if site in elsewhere else air for site in stands_at]
                laws = [
                    fleets.law_of_hour(k, t, a["temp_air"][t], a["wind_speed"][t])
                    for k, a in zip(kinds, about, strict=True)
                ]
                tables_now = [of_fleet[law] for of_fleet, law in zip(tables, laws, strict=True)]
                failed = next_failures(names, tables_now, year, t, failed)
                up = {
                    name: fleets.available(kind, k, t)
                    for name, kind, k in zip((*FLEETS, *between), kinds, failed, strict=True)
                }
                way_out = min(up["grid"], up.get("grid_transformers", 1.0))
                stands = connections.stands(study.grid, names, year, t, way_out, stands)
                if stands == "tripped":
                    up |= {name: 0.0 for name in up if name.startswith(("pv", "wind", "battery"))}
                taken = plant.ordered_share(h, midday + tonight + last_night)
                met = float(air["temp_air"][t]), float(air["wind_speed"][t])
                there = {
                    site: (its_sun, height, within(names, year, t, its[year], None, 1)[0])
                    for site, (its_sun, height, its) in elsewhere.items()
                }
                paid, sells = 1.0, None
                if market is not None:
                    market = spot.moved(terms, names, year, t, market)
                    region = float(air["region_sun"][t]), float(air["region_wind"][t])
                    paid = spot.price(terms, middle[MONTH[day]][h], h, market, *region)
                    if terms.sells_from_multiple is not None:
                        sells = float(paid >= terms.sells_from_multiple)
                for part, at in enumerate(within(names, year, t, air, parts, steps)):
                    s = t * steps + part
                    kept_back = []
                    for log in lying:
                        _, height, w = there.get(log.wind.site, (sun, wind_height_m, at))
                        hub = wind.at_hub(log.wind, height, w["wind_speed"], w["temp_air"])
                        over, _, a = there.get(log.pv.site, (sun, wind_height_m, at))
                        on = pv.plane(log.pv, over, s, a["ghi"], False) if log.pv.snow else 0.0
                        kept_back.append(log.step(h, (w["temp_air"], a["temp_air"]), hub, on, dt_h))
                    left = tuple(zip(*kept_back, strict=True))
                    d = drivers(
                        now, sun, wind_height_m, year, t, s, occupancy[year], at, up, taken, left, there
                    )
                    d.sells, kept["price"][s] = sells, paid
                    kept["asked_firm_mw"][s] = d.it_firm_mw + (d.it_stopped_firm_mw or 0.0)
                    kept["asked_deferrable_mw"][s] = d.it_deferrable_mw + (d.it_stopped_deferrable_mw or 0.0)
                    kept["soc_mwh"][s], kept["backlog_mwh"][s] = store.soc_mwh, store.backlog_mwh

                    def made(need_mw, of=(year, t), d=d, met=met, unit_mw=now.gensets.unit_mw, part=part):
                        return machines.hour(*of, need_mw, d.genset_mw, met, unit_mw, dt_h, part)

                    for name, mw in plant.hour_of_plant(store, d, dt_h, machines and made).items():
                        kept[name][s] = mw
            last_night = [(begin - 24, end - 24, depth) for begin, end, depth in tonight]
        soc, backlog, age = store.soc_mwh, store.backlog_mwh, age + 1
        cycles += kept["discharged_mw"].sum() * dt_h / b.discharge_efficiency_frac / b.energy_mwh
        kept["interruptions"] = []
        for k, rule in enumerate(study.deal.revenue.sla_events.values()):
            counts, lacked[k] = interruptions.counted(
                rule, kept[f"unserved_{rule.tier}_mw"], kept[f"asked_{rule.tier}_mw"], dt_h, lacked[k]
            )
            kept["interruptions"].append(by_month(np.array(counts), 1.0))
        kept["monthly"] = {name: by_month(kept[name], dt_h) for name in FLOWS}
        hourly = kept["imported_mw"].reshape(8760, steps).mean(axis=1)
        kept["imported_by_period"] = connections.by_period(study.grid, hourly, study.life.first_year + year)
        made = kept["pv_mw"] + kept["wind_mw"] - kept["curtailed_clipping_mw"]
        paid = {"hours_h": 1.0, "made_mwh": made, "exported_mwh": kept["exported_mw"]}
        kept["at_spot"] = {name: by_month(kept["price"] * x, dt_h) for name, x in paid.items()}
        out.append(kept)
    return out


def others(study):
    """Sections of what fails at arrays and farms after the first: "pv_1", "wind_1", "pv_1_transformers"."""
    fields = {f"pv_{n}": x for n, x in enumerate(study.arrays) if n > 0}
    fields |= {f"wind_{n}": x for n, x in enumerate(study.farms) if n > 0}
    return fields | {f"{n}_transformers": x.transformers for n, x in fields.items() if x.transformers}


def site_of(study, name):
    """The site of a fleet that belongs to an array or a farm; None for the study's own."""
    kind, _, rest = name.removesuffix("_transformers").partition("_")
    fields = {"pv": study.arrays, "wind": study.farms}
    return fields[kind][int(rest or 0)].site if kind in fields else None


def within(names, year, t, air, parts, steps):
    """Sun, wind and temperature of each step of an hour; what else there is holds through it."""
    hours = [{name: float(values[t]) for name, values in air.items()}]
    if steps == 1:
        return hours
    beside = [{n: float(x[min(max(k, 0), 8759)]) for n, x in air.items()} for k in (t - 1, t, t + 1)]
    clear = np.asarray(parts.share[t], float), np.asarray(parts.clear[t], float)
    four = refine.quarters(names, year, t, *beside, *clear)
    each = 4 // steps
    return [
        hours[0] | {n: x[each * k : each * k + each].mean() for n, x in four.items()} for k in range(steps)
    ]


def drivers(study, sun, wind_height_m, year, t, step, occupancy, at, up, taken, left, elsewhere=None):
    """What a step of hour t brings and allows, by the names of `flows.Drivers`.

    left: by `exposure`, of each farm's output and of each array's light. elsewhere: (sun, wind_height_m,
    weather of the hour) of other sites by name.
    """
    pv_mw, clipped, wind_mw, each = 0.0, 0.0, 0.0, []
    for n, array in enumerate(study.arrays):
        over, height, w = (elsewhere or {}).get(array.site, (sun, wind_height_m, at))
        air = w["ghi"], w["temp_air"], w["wind_speed"]
        able, lost = pv.power(array, over, step, year, height, *air, left[1][n])
        working = of_field(up, "pv", n)
        pv_mw, clipped = pv_mw + working * able, clipped + working * lost
        each.append(working * (able + lost))
    for n, farm in enumerate(study.farms):
        _, height, w = (elsewhere or {}).get(farm.site, (sun, wind_height_m, at))
        able = wind.power(farm, year, height, w["wind_speed"], w["temp_air"])
        each.append(of_field(up, "wind", n) * left[0][n] * able)
        wind_mw += each[-1]
    firm, deferrable, limit = plant.it_load(study.load, occupancy, t % 24)
    grid = study.grid
    circuits = grid.circuit_mw * round(up["grid"] * grid.outage.units)
    import_limit, export_limit = connections.limits(grid, t)
    if grid.transformers is not None:
        units = round(up["grid_transformers"] * grid.transformers.outage.units)
        circuits = min(circuits, units * grid.transformers.unit_mw)
    export = min(export_limit, circuits)
    backlog_limit = study.load.max_delay_h * deferrable
    it = {"it_firm_mw": firm, "it_deferrable_mw": deferrable, "it_limit_mw": limit}
    it |= {"it_stopped_firm_mw": None, "it_stopped_deferrable_mw": None}
    cooled = study.load.cooling_blocks
    if cooled is not None or study.load.hot_days is not None or "it_blocks" in up:
        heat_mw = math.inf
        if cooled is not None:
            heat_mw = up["cooling_blocks"] * cooled.outage.units * cooled.unit_mw
        elif study.load.hot_days is not None:
            heat_mw = study.load.contracted_it_mw
        heat_mw *= cooling.carried_share(study.load, at["temp_air"], t // 24, at.get("relative_humidity"))
        it = plant.halls(heat_mw, up.get("it_blocks", 1.0), firm, deferrable, limit)
    return SimpleNamespace(
        **it,
        pv_mw=pv_mw,
        wind_mw=wind_mw,
        clipped_mw=clipped,
        by_field_mw=each,
        backlog_limit_mwh=backlog_limit,
        pue=cooling.pue(study.load, at["temp_air"], t // 24, at.get("relative_humidity")),
        import_limit_mw=min(import_limit, circuits),
        export_limit_mw=export,
        export_order_mw=min(export, export_limit * (1.0 - taken)),
        genset_mw=study.gensets.unit_mw * study.gensets.outage.units * up["gensets"],
        battery_frac=up["battery"],
    )


def of_field(up, kind, n):
    """Share of the n-th array or farm, from 0, that works and whose output reaches the bus."""
    name = f"{kind}_{n}" if n else kind
    return up[name] * up.get(f"{name}_transformers", 1.0)


def first_failures(names, tables):
    """Failed units of each fleet before the first hour."""
    return [
        plant.drawn(start_accept, start_alias, fleet_word(names, Purpose.OUTAGE_START, 0, 0, n))
        for n, (_, _, start_accept, start_alias) in enumerate(tables)
    ]


def next_failures(names, tables, year, hour, failed):
    """Failed units of each fleet in this hour."""
    return [
        plant.drawn(accept[k], alias[k], fleet_word(names, Purpose.OUTAGE, year, hour, n))
        for n, (k, (accept, alias, _, _)) in enumerate(zip(failed, tables, strict=True))
    ]


def fleet_word(names, purpose, year, hour, fleet):
    """Four fleets share a call, a word each; the group of four is the entity."""
    return random.words(*names, purpose, year, hour, entity=fleet // 4)[fleet % 4]


def by_month(mw, dt_h):
    """MW of each step of a year -> [12] MWh."""
    sums, steps = np.zeros(12), len(mw) // 365
    for day in range(365):
        sums[MONTH[day]] += mw[steps * day : steps * day + steps].sum() * dt_h
    return sums
