"""The outcomes of one path: a year's energy from its months, and the cash, by the names of `engine.results`.

They are made where the lives are, so that of a million lives only outcomes cross to the host.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from engine.catalogue import CAUSES, NAMED, TIERS, kept
from engine.finance import account
from engine.finance.waterfall import CashFlow
from engine.flows import Totals
from engine.plant import Plant
from engine.world import Market
from weather.schema import DAY, MONTH_DAYS


def outcomes(
    plant: Plant,
    monthly: Totals,
    soc_mwh: jax.Array,
    backlog_mwh: jax.Array,
    cash: CashFlow,
    market: Market,
) -> dict[str, jax.Array]:
    """All outcomes but the world, in the kind of number that is stored.

    monthly: [year, 12] float64 MWh; what would have flowed before completion does not count. soc_mwh,
    backlog_mwh: [year] at each year's end.
    """
    flowing = {name: x for name, x in monthly._asdict().items() if isinstance(x, jax.Array)}
    whole = {name: jnp.sum(x, axis=1) for name, x in flowing.items()}
    year = whole
    if cash.operating is not None:
        year = {name: jnp.sum(x * cash.operating, axis=1) for name, x in flowing.items()}
    for sums in (whole, year):
        for name in ("standby_mwh", "curtailed_price_mwh"):
            sums.setdefault(name, jnp.zeros_like(sums["charged_mwh"]))
    by_cause = jnp.stack([year[f"curtailed_{cause}_mwh"] for cause in CAUSES], axis=1)
    contracted = plant.computing.contracted_mw.astype(jnp.float64)
    by_tier = jnp.stack([year[f"unserved_{tier}_mwh"] for tier in TIERS], axis=1) / contracted
    served, bought = year["served_mwh"], year["imported_mwh"] + year["genset_mwh"]
    green = jnp.where(served > 0, 1.0 - bought / jnp.where(served > 0, served, 1.0), jnp.nan)
    self_used, exported = own_supply(year)
    spot_price, capture = spot(monthly, year["exported_mwh"], cash)
    money = cash.account
    duties = money.certificates_bought_m, money.levy_m, money.excess_export_m
    found = {
        **year,
        **cash._asdict(),
        "hourly_m": jnp.zeros(cash.revenue_m.shape)
        if cash.account.hourly_m is None
        else cash.account.hourly_m,
        "duties_m": _sum(cash.revenue_m, duties),
        "curtailed_mwh": jnp.sum(by_cause, axis=1),
        "curtailed_by_cause_mwh": by_cause,
        "unserved_compute_h": jnp.sum(by_tier, axis=1),
        "unserved_by_tier_h": by_tier,
        "interruptions": counted(monthly, year["served_mwh"], cash),
        "sla_credit_m": money.sla_credit_m,
        "baseload_missed_frac": missed(monthly, year["served_mwh"], cash),
        "shortfall_cost_m": _sum(cash.revenue_m, (money.replacement_m, money.ppa_damages_m)),
        "buyer_saving_m": _sum(cash.revenue_m, (account.buyer_saves(money),)),
        "field_mwh": by_field(monthly, cash),
        "green_frac": green,
        "spot_price_per_kwh": spot_price,
        "capture_frac": capture,
        "self_used_frac": self_used,
        "exported_frac": exported,
        "soc_mwh": soc_mwh,
        "occupancy_frac": market.occupancy * (1.0 if market.tenancy is None else market.tenancy.let.mean(1)),
        "tenant_default_year": tenant_default_year(market),
        "energy_imbalance_frac": energy_imbalance(plant, whole, soc_mwh, backlog_mwh),
    }
    wanted = kept("all", NAMED)
    return {o.name: found[o.name].astype(o.dtype) for o in wanted if found.get(o.name) is not None}


def own_supply(year: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """[year] what the site took and what was exported, over what sun and wind could give at the bus.

    What is neither curtailed nor exported is taken, the battery's losses with it. NaN where nothing could be
    given. year: totals [year] MWh.
    """
    able = year["pv_mwh"] + year["wind_mwh"] - year["curtailed_clipping_mwh"]
    lost = sum(year[f"curtailed_{cause}_mwh"] for cause in CAUSES if cause != "clipping")
    over = jnp.where(able > 0, able, jnp.nan)
    return (able - lost - year["exported_mwh"]) / over, year["exported_mwh"] / over


def counted(monthly: Totals, like: jax.Array, cash: CashFlow) -> jax.Array:
    """[year] interruptions of all rules, of the months that are operated; in the shape of `like`."""
    operated = jnp.ones(()) if cash.operating is None else cash.operating
    return sum(((x * operated).sum(1) for x in monthly.interruptions or ()), jnp.zeros_like(like))


def by_field(monthly: Totals, cash: CashFlow) -> jax.Array | None:
    """[year, field] MWh of every array, then of every farm; None where there is but one of each."""
    if monthly.by_field_mwh is None:
        return None
    operated = jnp.ones(()) if cash.operating is None else cash.operating
    return jnp.stack([(x * operated).sum(1) for x in monthly.by_field_mwh], axis=1)


def missed(monthly: Totals, like: jax.Array, cash: CashFlow) -> jax.Array:
    """[year] of a flat power that is owed, what was not exported; NaN for none. In the shape of `like`."""
    of = monthly.covered
    if of is None:
        return jnp.full_like(like, jnp.nan)
    operated = jnp.ones(()) if cash.operating is None else cash.operating
    within, short = ((x * operated).sum(1) for x in (of.within_mwh, of.short_mwh))
    owed = within + short
    return jnp.where(owed > 0.0, short / jnp.where(owed > 0.0, owed, 1.0), jnp.nan)


def spot(monthly: Totals, exported: jax.Array, cash: CashFlow) -> tuple[jax.Array, jax.Array]:
    """[year] mean price of the hours, without VAT, and what an exported MWh is paid over it; NaN without a
    spot market, and the second where nothing is exported.

    exported: [year] MWh.
    """
    of = monthly.at_spot
    if of is None:
        return (jnp.full_like(exported, jnp.nan),) * 2
    operated = jnp.ones_like(monthly.exported_mwh) if cash.operating is None else cash.operating
    month_h = DAY * jnp.asarray(MONTH_DAYS, jnp.float64)[None]
    hours, paid, value = (jnp.sum(x * operated, axis=1) for x in (month_h, of.hours_h, of.exported_mwh))
    mean = jnp.where(hours > 0.0, paid / jnp.where(hours > 0.0, hours, 1.0), jnp.nan)
    earned = jnp.where(exported > 0.0, value / jnp.where(exported > 0.0, exported, 1.0), jnp.nan)
    return cash.grid_price_per_kwh * mean, earned / mean


def _sum(like: jax.Array, lines: tuple[jax.Array | None, ...]) -> jax.Array:
    """Of the lines that a deal has, in the shape of `like`."""
    return sum((line for line in lines if line is not None), jnp.zeros_like(like))


def tenant_default_year(market: Market) -> jax.Array:
    """[] the first operating year, from 1, in which a named tenant defaults; NaN where none does."""
    if market.tenancy is None:
        return jnp.full((), jnp.nan)
    happens = market.tenancy.defaults.sum(1) > 0.0
    return jnp.where(happens.any(), 1.0 + jnp.argmax(happens).astype(jnp.float64), jnp.nan)


def energy_imbalance(
    plant: Plant, year: dict[str, jax.Array], soc_mwh: jax.Array, backlog_mwh: jax.Array
) -> jax.Array:
    """[] the largest gap of a year at the bus, in the store or in the backlog, over its energy.

    year: totals [year] MWh.
    """
    f = {name.removesuffix("_mwh"): values for name, values in year.items()}
    made = f["pv"] + f["wind"] + f["imported"] + f["genset"] + f["discharged"]
    curtailed = sum(f[f"curtailed_{cause}"] for cause in CAUSES)
    bus = made - (f["served"] + f["charged"] + f["exported"] + curtailed)
    stored = plant.battery
    into, out = (e.astype(jnp.float64) for e in (stored.charge_efficiency, stored.discharge_efficiency))
    gained = into * f["charged"] - f["discharged"] / out - f["standby"]
    store = _change(soc_mwh, plant.soc_start_mwh) - gained
    backlog = _change(backlog_mwh, jnp.zeros(())) - (f["postponed"] - f["caught_up"])
    gaps = (jnp.abs(gap) / jnp.maximum(made, 1.0) for gap in (bus, store, backlog))
    return jnp.max(jnp.stack(list(gaps)))


def _change(at_end: jax.Array, first: jax.Array) -> jax.Array:
    """[year] of a stock over each year."""
    at_end = at_end.astype(jnp.float64)
    return jnp.diff(at_end, prepend=first.astype(jnp.float64))
