"""One hour of a plant as an engineer would work it out by hand: demand, limits, orders, dispatch.

Reads the study itself, in float64, with if and else; shares no code with the kernels. `hour_of_plant` takes
the surplus or the deficit down the list of who may have it.
"""

from __future__ import annotations

import dataclasses
import datetime
from math import comb, cos, pi

import numpy as np

from tests.reference import random
from weather.random import Purpose


def it_load(section, occupancy, hour_of_day):
    """(MW that must run, MW that may wait, MW that the occupied machines can take)."""
    limit = section.contracted_it_mw * occupancy
    angle = 2 * pi * (hour_of_day + 0.5 - section.peak_hour) / 24
    load = limit * section.utilisation_frac * (1.0 + section.daily_swing_frac * cos(angle))
    return load * (1.0 - section.deferrable_frac), load * section.deferrable_frac, limit


def first_order_chance(names, kind):
    """Before the first day."""
    return random.normals(*names, Purpose.ORDER_START, 0, 0)[kind]


def order_chance(section, names, year, day, kind, before):
    """Chance of a day's order, from the day before's; of variance one."""
    keep = (section.midday, section.night)[kind].chance_persistence_frac
    return keep * before + (1.0 - keep**2) ** 0.5 * random.normals(*names, Purpose.ORDER, year, day)[kind]


def order_score(section, world, year, day, kind, region, chance):
    """Score of a day's order. world: (seed, ensemble, world). region: [8760] anomaly of its kind."""
    evening = dict.fromkeys(range(18, 24), 1 / 6)  # the night itself is unknown when its order is given
    told = evening if kind else order_hours_told(section.midday)
    anomaly = sum(share * region[24 * day + h] for h, share in told.items())
    r = section.region_correlation
    mixed = r * anomaly + (1.0 - r**2) ** 0.5 * chance
    season = (section.midday, section.night)[kind].season[month_of(day)]
    return mixed + season + section.level_sd * order_level(section, world, year, kind)


def order_level(section, world, year, kind):
    """The level of a year, of variance one: year after year from the first."""
    keep = section.level_persistence_frac
    level = random.normals(*world, Purpose.ORDER_LEVEL, 0, 0)[kind]
    for y in range(1, year + 1):
        level = (
            keep * level + (1.0 - keep**2) ** 0.5 * random.normals(*world, Purpose.ORDER_LEVEL, y, 0)[kind]
        )
    return level


def month_of(day):
    """From 0."""
    return (datetime.date(2023, 1, 1) + datetime.timedelta(day)).month - 1


def order_bins(kind):
    """[1024] (begin, end) of orders of a kind, as often as their weights ask."""
    total, bins, row, reached = sum(kind.weight), [], 0, kind.weight[0]
    for i in range(1024):
        while (i + 0.5) / 1024 > reached / total + 1e-12 and row + 1 < len(kind.weight):
            row += 1
            reached += kind.weight[row]
        bins.append((kind.begin_h[row], kind.begin_h[row] + kind.hours[row]))
    return bins


def order_hours_told(kind):
    """{hour of the day: weight} by how often an order of the kind holds it."""
    held = [h for begin, end in order_bins(kind) for h in range(begin, end)]
    return {h: held.count(h) / len(held) for h in set(held)}


def order_that_may_come(section, names, year, day, kind):
    """(begin, end, depth) of the day's order of a kind, hours since its midnight."""
    word = random.words(*names, Purpose.ORDER, year, day)[2 + kind]
    begin, end = order_bins((section.midday, section.night)[kind])[word >> 22]
    depths = section.depth_frac
    return begin, end, depths[((word >> 12) & 1023) * len(depths) // 1024]


def ordered_share(hour, orders):
    """What the orders in force take of the export limit; orders: (begin, end, depth), hours of this day."""
    return max([0.0] + [depth for begin, end, depth in orders if begin <= hour < end])


def walker_tables(fleets, n, law=0):
    """(accept [now][column], alias, start_accept [column], start_alias) of one of `outages.Fleets`.

    An entry has two halves of 32 bits: accept above, alias below. law: which of the fleet's.
    """
    columns = 2 ** int(fleets.bits[n])
    row = int(fleets.chain_first[n]) + law * columns**2
    chain, start = np.asarray(fleets.chain).tolist(), np.asarray(fleets.start).tolist()
    rows = [chain[row + columns * now : row + columns * (now + 1)] for now in range(columns)]
    first = start[int(fleets.start_first[n]) :][:columns]
    return (
        [[entry >> 32 for entry in row] for row in rows],
        [[entry & random.MASK for entry in row] for row in rows],
        [entry >> 32 for entry in first],
        [entry & random.MASK for entry in first],
    )


def drawn(accept, alias, word):
    """Walker's draw in integers: the high bits choose a column, the rest decides who keeps it."""
    bits = (len(accept) - 1).bit_length()
    column, rest = word >> (32 - bits), (word << bits) & random.MASK
    return column if rest < int(accept[column]) else int(alias[column])


def chain(units, failure, repair):
    """[now][next] probabilities of the count of failed units, by enumeration of repairs and failures."""
    table = [[0.0] * (units + 1) for _ in range(units + 1)]
    for now in range(units + 1):
        for repaired in range(now + 1):
            p = comb(now, repaired) * repair**repaired * (1 - repair) ** (now - repaired)
            for new in range(units - now + 1):
                q = comb(units - now, new) * failure**new * (1 - failure) ** (units - now - new)
                table[now][now - repaired + new] += p * q
    return table


def halls(cooling_mw, it_up, firm, deferrable, limit):
    """What of an hour's IT the halls can run, by the names of `flows.Drivers`. cooling_mw: infinite where
    it never fails.
    """
    runs = min((firm + deferrable) * it_up, cooling_mw)
    lost = firm + deferrable - runs
    lost_deferrable = min(lost, deferrable)  # firm work goes last
    return {
        "it_firm_mw": firm - (lost - lost_deferrable),
        "it_deferrable_mw": deferrable - lost_deferrable,
        "it_limit_mw": min(limit * it_up, cooling_mw),
        "it_stopped_firm_mw": lost - lost_deferrable,
        "it_stopped_deferrable_mw": lost_deferrable,
    }


@dataclasses.dataclass
class Store:
    """A battery and a queue of postponed work, and how full they are."""

    power_mw: float
    soc_min_mwh: float
    soc_max_mwh: float
    charge_efficiency: float
    discharge_efficiency: float
    soc_mwh: float
    backlog_mwh: float = 0.0
    standby_mw: float = 0.0


def hour_of_plant(store, d, dt_h, gensets=None):
    """The hour's flows in MW by the names of `flows.Flows`, and `store` moved on.

    d: what the hour meets, by the names of `flows.Drivers`. gensets: what a set of machines makes of a
    need, in MW; asked in every hour, for they may have to stop.
    """
    demand_it = d.it_firm_mw + d.it_deferrable_mw
    supply, demand = d.pv_mw + d.wind_mw, demand_it * d.pue
    f = dict.fromkeys(FLOWS, 0.0)
    f.update(pv_mw=d.pv_mw + d.clipped_mw, wind_mw=d.wind_mw, it_demand_mw=demand_it)
    waiting_room = max(d.backlog_limit_mwh - store.backlog_mwh, 0.0)
    if d.it_stopped_firm_mw is not None:  # the halls cannot run it, whatever power there is
        f["it_demand_mw"] += d.it_stopped_firm_mw + d.it_stopped_deferrable_mw
        f["postponed_mw"] = min(d.it_stopped_deferrable_mw, waiting_room / dt_h)
        f["unserved_deferrable_mw"] = d.it_stopped_deferrable_mw - f["postponed_mw"]
        f["unserved_firm_mw"] = d.it_stopped_firm_mw
        waiting_room -= f["postponed_mw"] * dt_h
    f["curtailed_clipping_mw"] = d.clipped_mw
    power = store.power_mw * d.battery_frac
    if supply > demand:
        left = supply - demand
        f["served_mw"] = demand

        idle = max(d.it_limit_mw - demand_it, 0.0)
        f["caught_up_mw"] = min(left / d.pue, idle, store.backlog_mwh / dt_h)
        left -= f["caught_up_mw"] * d.pue
        f["served_mw"] += f["caught_up_mw"] * d.pue

        room = max(store.soc_max_mwh - store.soc_mwh, 0.0) * d.battery_frac
        f["charged_mw"] = min(left, power, room / store.charge_efficiency / dt_h)
        left -= f["charged_mw"]

        allowed = min(left, d.export_order_mw)
        f["exported_mw"] = allowed if d.sells is None else allowed * d.sells
        f["curtailed_price_mw"] = allowed - f["exported_mw"]
        left -= allowed
        if d.export_limit_mw > 0.0:
            f["curtailed_order_mw"] = min(left, d.export_limit_mw - d.export_order_mw)
            f["curtailed_export_limit_mw"] = left - f["curtailed_order_mw"]
        else:
            f["curtailed_no_load_mw"] = left
        if gensets is not None:
            assert gensets(0.0) == 0.0
    else:
        left = demand - supply
        put_off = min(left / d.pue, d.it_deferrable_mw, waiting_room / dt_h)
        f["postponed_mw"] += put_off
        left -= put_off * d.pue

        stored = max(store.soc_mwh - store.soc_min_mwh, 0.0) * d.battery_frac
        f["discharged_mw"] = min(left, power, stored * store.discharge_efficiency / dt_h)
        left -= f["discharged_mw"]
        f["imported_mw"] = min(left, d.import_limit_mw)
        left -= f["imported_mw"]
        f["genset_mw"] = min(left, d.genset_mw) if gensets is None else gensets(left)
        left -= f["genset_mw"]
        if left < 0.0:  # units at their minimum: less is bought, and the rest is lost
            relieved = min(-left, f["imported_mw"])
            f["imported_mw"] -= relieved
            f["curtailed_no_load_mw"] = -left - relieved
            left = 0.0

        short_deferrable = min(left / d.pue, d.it_deferrable_mw - put_off)
        f["unserved_deferrable_mw"] += short_deferrable
        f["unserved_firm_mw"] += left / d.pue - short_deferrable
        f["served_mw"] = demand - put_off * d.pue - left
    store.soc_mwh += f["charged_mw"] * store.charge_efficiency * dt_h
    store.soc_mwh -= f["discharged_mw"] / store.discharge_efficiency * dt_h
    held = max(store.soc_mwh - store.soc_min_mwh, 0.0) * d.battery_frac
    f["standby_mw"] = min(store.standby_mw * d.battery_frac, held / dt_h)
    store.soc_mwh -= f["standby_mw"] * dt_h
    store.backlog_mwh += (f["postponed_mw"] - f["caught_up_mw"]) * dt_h
    return f


FLOWS = (
    *("pv_mw", "wind_mw", "imported_mw", "genset_mw", "charged_mw", "discharged_mw", "exported_mw"),
    *("served_mw", "it_demand_mw", "postponed_mw", "caught_up_mw"),
    *("unserved_firm_mw", "unserved_deferrable_mw", "curtailed_order_mw"),
    *("curtailed_export_limit_mw", "curtailed_no_load_mw", "curtailed_clipping_mw", "standby_mw"),
    "curtailed_price_mw",
)
