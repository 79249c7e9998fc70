"""Years of a path: the plain loop over their hours, monthly sums, and what crosses 31 December."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import calibration, life, orders
from engine import plant as plants
from engine.flows import Flows, Totals
from tests import studies, years
from tests.reference import life as reference
from tests.years import BY_PERIOD, EVERY_HOUR, OCCUPANCY, ROUNDING_MW, SEED, THRESHOLD
from weather import generate, random
from weather.generate import Weather
from weather.random import Ensemble

YEARS, WALKED = 2, (0, 5)  # the reference walks these rows


@pytest.fixture(scope="module")
def study():
    """The plant with every feature, and hours of a market, in which it does not sell at any price."""
    return studies.rich(
        deal__revenue__ppa=None,
        deal__revenue__spot={"sells_from_multiple": 0.2},
        deal__revenue__sla_events={
            "any": {"unserved_frac": 0.05, "credit_frac": 0.01},
            "long": {"tier": "deferrable", "lasting_minutes": 180.0, "credit_frac": 0.1},
        },
    )


@pytest.fixture(scope="module")
def plant(study, climate):
    return plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)


@pytest.fixture(scope="module")
def lived(climate, plant, machine):
    """The years, and behind them the state after the last."""
    out, after = years.lived(plant, climate, machine, YEARS)
    return [*out, after]


@pytest.fixture(scope="module")
def walked(study, plant, climate, lived):
    """The same by the reference: {path: [year]}."""
    return {path: years.walked(study, plant, climate.sun, lived[:YEARS], path) for path in WALKED}


@pytest.mark.parametrize("year", range(YEARS))
@pytest.mark.parametrize("path", WALKED)
def test_hours_are_the_reference(lived, walked, path, year):
    _, starts, _, flows = lived[year].hours
    for name, values in flows._asdict().items():
        exact = walked[path][year][name]
        np.testing.assert_allclose(values[..., path].ravel(), exact, rtol=0, atol=ROUNDING_MW, err_msg=name)
    for name in ("soc_mwh", "backlog_mwh"):
        exact = walked[path][year][name]
        np.testing.assert_allclose(getattr(starts, name)[..., path].ravel(), exact, rtol=0, atol=ROUNDING_MW)


@pytest.mark.parametrize("year", range(YEARS))
@pytest.mark.parametrize("path", WALKED)
def test_months_are_the_reference(lived, walked, path, year):
    monthly, exactly = lived[year][2].monthly, walked[path][year]
    flows = {
        name: x
        for name, x in monthly._asdict().items()
        if name not in (BY_PERIOD, "at_spot", "interruptions", "covered", "by_field_mwh")
    }
    found = [(name, x, exactly["monthly"][name.removesuffix("h")]) for name, x in flows.items()]
    of_periods = exactly["imported_by_period"].items()
    found += [(n, x, exact) for x, (n, exact) in zip(monthly.imported_by_period_mwh, of_periods, strict=True)]
    found += [(n, x, exactly["at_spot"][n]) for n, x in monthly.at_spot._asdict().items()]
    for name, values, exact in found:
        assert values.dtype == np.float64
        # roundings of hours are of both signs: of 744 some 30 remain
        np.testing.assert_allclose(values[:, path], exact, rtol=1e-5, atol=30 * ROUNDING_MW, err_msg=name)


@pytest.mark.parametrize("path", WALKED)
def test_interruptions_are_the_reference(lived, walked, path):
    """To a few of hundreds: an hour whose lack lies at a rule's edge may fall on either side of it."""
    for rule in range(2):
        found = np.array([lived[y][2].monthly.interruptions[rule][:, path] for y in range(YEARS)])
        exact = np.array([walked[path][y]["interruptions"][rule] for y in range(YEARS)])
        assert exact.any()
        assert np.abs(found - exact).sum() <= 2


def test_every_branch_is_active(lived):
    for name in Totals._fields:
        assert any(
            all(x.sum() > 10.0 for x in jax.tree.leaves(getattr(year[2].monthly, name)))
            for year in lived[:YEARS]
        ) or (
            name == "curtailed_no_load_mwh"  # where no export is possible: only while all circuits fail
        ), name


def test_months_are_the_sums_of_their_hours(lived):
    for _, _, energy, (_, _, _, flows) in lived[:YEARS]:
        for total, flow in zip(energy.monthly[: len(flows)], flows, strict=True):
            by_day = flow.astype(float).sum(axis=1)  # [365, path]
            exact = np.stack([by_day[np.array(reference.MONTH) == m].sum(axis=0) for m in range(12)])
            # a day's 24 hours are summed in float32: 24 x 6e-8
            np.testing.assert_allclose(total, exact, rtol=2e-6, atol=1e-3)


def test_energy_closes_over_the_year(lived):
    """In = out, hour by hour; the store's energy differs by its losses alone."""
    for _, _, _, (_, _, met, f) in lived[:YEARS]:
        curtailed = sum(getattr(f, n) for n in Flows._fields if n.startswith("curtailed"))
        came = f.pv_mw + f.wind_mw + f.imported_mw + f.genset_mw + f.discharged_mw
        went = f.served_mw + f.charged_mw + f.exported_mw + curtailed
        assert np.abs(came - went).max() < 3e-4  # ten flows up to 400 MW, spaced by 3e-5
        assert (met.export_order_mw <= met.export_limit_mw).all()


def test_the_store_s_energy_closes_over_two_years(lived, study):
    b = study.battery
    first, last = (
        np.asarray(lived[y if y else 0].store.soc_mwh if y else lived[0][1].store.soc_mwh) for y in (0, YEARS)
    )
    charged, discharged, standby = (
        sum(np.asarray(getattr(year[2].monthly, n)).sum(axis=0) for year in lived[:YEARS])
        for n in ("charged_mwh", "discharged_mwh", "standby_mwh")
    )
    kept = first + charged * b.charge_efficiency_frac - discharged / b.discharge_efficiency_frac - standby
    np.testing.assert_allclose(kept, last, atol=1e-6 * charged.max())  # 17,520 float32 sums
    queued = sum(
        (np.asarray(y[2].monthly.postponed_mwh) - np.asarray(y[2].monthly.caught_up_mwh)).sum(axis=0)
        for y in lived[:YEARS]
    )
    np.testing.assert_allclose(queued, lived[YEARS].store.backlog_mwh, atol=0.1)


def test_the_state_crosses_the_year(lived, plant):
    """The second year starts with what the first one left: store, queue, failed units, last order."""
    end, start = lived[0][2], lived[1][1]
    np.testing.assert_array_equal(end.soc_mwh, start.store.soc_mwh)
    np.testing.assert_array_equal(end.backlog_mwh, start.store.backlog_mwh)
    starts = lived[1].hours[1]
    np.testing.assert_array_equal(starts.soc_mwh[0, 0], start.store.soc_mwh)
    np.testing.assert_array_equal(starts.backlog_mwh[0, 0], start.store.backlog_mwh)
    assert sum(int(k.sum()) for k in start.failed) > 0
    in_force = orders.ordered_frac(0.0, (), start.night_order) > 0
    assert in_force.any()
    assert not in_force.all()
    first_hour = lived[1].hours[2]
    held = first_hour.export_order_mw[0, 0] < first_hour.export_limit_mw[0, 0]
    open_to_export = first_hour.export_limit_mw[0, 0] > 15.0  # an order leaves 11.5 of 50 MW at most
    np.testing.assert_array_equal(held[open_to_export], np.asarray(in_force)[open_to_export])


def test_a_year_sees_nothing_of_a_later_one(lived, plant, machine):
    """Other weather after June changes nothing until June."""
    weather, state, _, (_, starts, _, flows) = lived[0]
    calmer = jax.tree.map(lambda x: x.at[181 * 24 :].multiply(0.5), weather)
    names = random.stream(SEED, Ensemble.RUN, np.arange(machine.width))
    occupied = jnp.full(machine.width, OCCUPANCY[0])
    _, _, (_, starts_2, _, flows_2) = EVERY_HOUR(
        plant, jnp.asarray(THRESHOLD, jnp.float32), names, jnp.int32(0), occupied, calmer, state
    )
    for one, other in zip((*starts, *flows), (*starts_2, *flows_2), strict=True):
        np.testing.assert_array_equal(one[:181], np.asarray(other)[:181])
    assert (flows.pv_mw[181:] != np.asarray(flows_2.pv_mw)[181:]).any()


def inner(jaxpr) -> Iterator:
    """The programs that stand in the parameters of its equations: bodies of scans, calls, branches."""
    for equation in jaxpr.eqns:
        for leaf in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program):
            if _is_program(leaf):
                yield equation.primitive.name, getattr(leaf, "jaxpr", leaf)


def _is_program(x) -> bool:
    return hasattr(x, "eqns") or hasattr(x, "jaxpr")


def equations(jaxpr, scans: tuple[str, ...] = ()) -> Iterator:
    """(equation, in how many scans it stands) of a program, all the way down."""
    for equation in jaxpr.eqns:
        yield equation, len(scans)
    for name, program in inner(jaxpr):
        yield from equations(program, (*scans, name) if name in ("scan", "while") else scans)


def wide(equation) -> bool:
    """Whether a float64 enters or leaves that is more than a Python number, which XLA folds away."""
    avals = [v.aval for v in (*equation.invars, *equation.outvars)]
    return any(a.dtype == np.float64 and not (a.weak_type and a.shape == ()) for a in avals)


@pytest.fixture(scope="module")
def traced(climate, plant):
    """The yearly programs of a tile of three paths."""
    names = random.stream(SEED, Ensemble.RUN, np.arange(3))
    levels, y, occupied = jnp.ones((3, 3), jnp.float32), jnp.int32(0), jnp.full(3, 0.9)
    air, now = generate.start(climate, names), life.start(plant, names)
    weather = Weather(*(jnp.ones((8760, 3), jnp.float32) for _ in Weather._fields))
    known = (plant, jnp.asarray(THRESHOLD, jnp.float32), names, y, occupied)
    selling = (plant.orders, plants.reference(climate.sun, 35.0, studies.WIND_HEIGHT_M), plant.worlds)
    return {
        "weather": jax.make_jaxpr(generate.year)(climate, levels, names, y, air),
        "life": jax.make_jaxpr(life.year)(*known, weather, now),
        "drawn life": jax.make_jaxpr(life.drawn_year)(climate, levels, *known, (air, now)),
        "orders": jax.make_jaxpr(calibration.order_case)(*selling, names, y, weather),
        "drawn orders": jax.make_jaxpr(calibration.drawn_order_case)(
            climate, levels, *selling, names, y, air
        ),
    }


PROGRAMS = ("weather", "life", "drawn life", "orders", "drawn orders")


@pytest.mark.parametrize("name", PROGRAMS)
def test_hours_are_float32_and_no_product_of_matrices(traced, name):
    """A float64 costs a GPU thirty times a float32, and it rounds products of matrices to TF32.

    So nothing in a scan is float64, but that a day reads the paths' occupancy, which is money's, as float32.
    """
    found = list(equations(traced[name].jaxpr))
    assert max(depth for _, depth in found) >= 1 + (name != "orders")  # of days, and of hours in them
    assert any(equation.primitive.name == "mul" for equation, depth in found if depth)
    assert not [e for e, _ in found if {"dot", "conv"} & set(e.primitive.name.split("_"))]
    read = [(str(e.primitive), e.outvars[0].aval.str_short()) for e, depth in found if depth and wide(e)]
    assert read == ([("convert_element_type", "float32[3]")] if "life" in name else [])


@pytest.mark.parametrize("name", PROGRAMS)
def test_float64_stands_in_monthly_sums_alone(traced, name):
    """Outside the scans too, float64 is what turns a month's days into one sum."""
    of_months = {"convert_element_type", "reduce_sum", "broadcast_in_dim", "concatenate", "stack"}
    found = {e.primitive.name for e, depth in equations(traced[name].jaxpr) if wide(e) and not depth}
    if "life" in name:
        assert found - {"scan", "jit"} <= of_months
        assert "reduce_sum" in found
    else:
        assert found == set()
