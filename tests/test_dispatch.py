"""The hour step: its reference on random plants, closing energy, bounds, resolution, plants by hand."""

from __future__ import annotations

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import dispatch
from engine.dispatch import Battery, State
from engine.flows import Drivers, Flows, Totals, totals
from tests.reference import plant as reference

PLANTS, HOURS = 500, 48
SCALE_MW = 100.0  # of the random plants; their largest flow is a few times that
ROUNDING = 1e-4  # MW and MWh: float32 is spaced by 3e-5 at 300, and a flow is left after some differences


def run(battery, state, drivers, dt_h):
    """`dispatch.hours` of plants that differ in their batteries too; all arrays [plant] and [plant, hour].

    Each plant is a tile of one path.
    """

    def one(battery, state, drivers):
        state, drivers = (jax.tree.map(lambda x: x[..., None], part) for part in (state, drivers))
        return jax.tree.map(lambda x: x[..., 0], dispatch.hours(battery, state, drivers, dt_h))

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(battery, state, drivers))


def f32(tree):
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), tree)


def random_plants(rng, plants=PLANTS, hours=HOURS):
    """Batteries, states, drivers; each part missing, broken, ordered or ample in some of them."""

    def sometimes(x, share=0.25):
        return x * (rng.random(x.shape) >= share)

    def u(low, high, shape):
        return rng.uniform(low, high, shape)

    one, each = (plants, 1), (plants, hours)
    power, energy = sometimes(u(1, 60, plants)), u(5, 300, plants)
    low = u(0, 0.2, plants)
    high = u(0.5, 1.0, plants)
    standby = 0.05 * sometimes(power)
    battery = Battery(power, low * energy, high * energy, u(0.8, 1, plants), u(0.8, 1, plants), standby)
    start = low + (high - low) * u(0, 1, plants)
    start[::10] = 1.0  # above the window, as after a year of fading
    deferrable = sometimes(u(0, 0.6, one)) * u(0.8, 1.2, each)
    load = u(20, 100, each)
    stopped = sometimes(u(0, 20, each), 0.6)  # by halls that have failed
    delay = sometimes(u(0, 12, one))
    export = sometimes(u(5, 80, one)) * u(0, 1, each).round(1)
    drivers = Drivers(
        pv_mw=sometimes(u(0, 200, each), 0.5),
        wind_mw=sometimes(u(0, 100, one)) * u(0, 1, each),
        clipped_mw=sometimes(u(0, 20, each), 0.8),
        it_firm_mw=load * (1 - deferrable.clip(0, 1)),
        it_deferrable_mw=load * deferrable.clip(0, 1),
        it_limit_mw=load * u(0.9, 1.5, each),  # below the load too: nothing more can be taken
        backlog_limit_mwh=delay * load * deferrable.clip(0, 1),
        pue=u(1.05, 1.5, each),
        import_limit_mw=sometimes(u(0, 80, one)) * np.ones(each),
        export_limit_mw=export,
        export_order_mw=export * u(0, 1, each).round(1).clip(0, 1),
        genset_mw=sometimes(u(0, 30, one)) * u(0, 1, each).round(1),
        battery_frac=u(0, 1, each).round(1),
        it_stopped_firm_mw=stopped * (1 - deferrable.clip(0, 1)),
        it_stopped_deferrable_mw=stopped * deferrable.clip(0, 1),
        spot_multiple=np.ones(each),
        sells=1.0 * (np.random.default_rng(7).random(each) < 0.8),
    )
    return f32((battery, State(start * energy, u(0, 30, plants)), drivers))


@pytest.fixture(scope="module")
def drawn():
    plants = random_plants(np.random.default_rng(20260101))
    return *plants, *run(*plants, 1.0)


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
def test_kernel_is_the_reference(drawn, dt_h):
    found = drawn if dt_h == 1.0 else (*drawn[:3], *run(*drawn[:3], dt_h))
    battery, state, drivers, end, starts, flows = jax.tree.map(lambda x: np.asarray(x, float), found)
    exact = {name: np.empty((PLANTS, HOURS)) for name in (*Flows._fields, *State._fields)}
    for k in range(PLANTS):
        store = reference.Store(*(leaf[k] for leaf in (*battery[:5], *state, battery.standby_mw)))
        for h in range(HOURS):
            # from the kernel's own state, so that roundings of 48 hours do not add up
            store.soc_mwh, store.backlog_mwh = starts.soc_mwh[k, h], starts.backlog_mwh[k, h]
            met = SimpleNamespace(**{n: x[k, h] for n, x in drivers._asdict().items() if x is not None})
            for name, mw in reference.hour_of_plant(store, met, dt_h).items():
                exact[name][k, h] = mw
            exact["soc_mwh"][k, h], exact["backlog_mwh"][k, h] = store.soc_mwh, store.backlog_mwh
    for name, values in flows._asdict().items():
        # what a stock allows is over the step's length
        np.testing.assert_allclose(values, exact[name], rtol=0.0, atol=ROUNDING / dt_h, err_msg=name)
    for name in State._fields:
        after = np.column_stack([getattr(starts, name)[:, 1:], getattr(end, name)])
        np.testing.assert_allclose(after, exact[name], rtol=0.0, atol=ROUNDING, err_msg=name)


def stepped(battery, state, drivers, dt_h):
    """`dispatch.step` of one path hour after hour, in a plain loop: as `dispatch.hours` gives them."""
    starts, flowed = [], []
    for h in range(drivers.pue.shape[0]):
        starts.append(state)
        state, flows = dispatch.step(battery, state, jax.tree.map(lambda x, h=h: x[h], drivers), dt_h)
        flowed.append(flows)
    return state, *(jax.tree.map(lambda *x: jnp.stack(x), *part) for part in (starts, flowed))


@pytest.mark.parametrize("dt_h", [1.0, 0.25])
def test_a_block_is_step_after_step_bit_by_bit(dt_h):
    """One plant over a tile of paths, operation after operation, with outages of battery blocks."""
    paths, hours = 40, 24
    battery, state, drivers = random_plants(np.random.default_rng(11), paths, hours)
    blocks = np.random.default_rng(12).integers(0, 5, (paths, hours))  # that work, of four
    drivers = drivers._replace(battery_frac=jnp.asarray(blocks / 4, jnp.float32))
    for plant in np.flatnonzero(np.asarray(battery.power_mw) > 10.0)[:3]:
        one = jax.tree.map(lambda x, k=plant: x[k], battery)
        turned = jax.tree.map(lambda x: x.T, drivers)
        with jax.disable_jit():  # compiled, XLA fuses what `hours` splits, and rounds a product less
            got = dispatch.hours(one, state, turned, dt_h)
            exact = jax.vmap(lambda s, d, b=one: stepped(b, s, d, dt_h), out_axes=(0, 1, 1))(state, drivers)
        for kernel, expected in zip(jax.tree.leaves(got), jax.tree.leaves(exact), strict=True):
            np.testing.assert_array_equal(kernel, expected)
        assert float(got[2].charged_mw.max()) > 1.0
        assert float(got[2].discharged_mw.max()) > 1.0


def test_a_compiled_block_is_step_after_step_to_rounding(drawn):
    """From the block's own state in each hour, so that roundings of 48 hours do not add up."""
    battery, _, drivers, end, starts, flows = drawn
    each = jax.jit(jax.vmap(jax.vmap(lambda b, s, d: dispatch.step(b, s, d, 1.0), (None, 0, 0))))
    after, flowed = each(battery, jax.tree.map(jnp.asarray, starts), drivers)
    for name, values in flows._asdict().items():
        np.testing.assert_allclose(values, getattr(flowed, name), rtol=0.0, atol=ROUNDING, err_msg=name)
    for name in State._fields:
        kept = np.column_stack([getattr(starts, name)[:, 1:], getattr(end, name)])
        np.testing.assert_allclose(kept, getattr(after, name), rtol=0.0, atol=ROUNDING, err_msg=name)


def test_every_branch_is_met(drawn):
    flows = drawn[-1]
    for name, values in flows._asdict().items():
        assert (values > 1.0).mean() > 0.001, name


def test_energy_closes_every_hour(drawn):
    f = drawn[-1]
    curtailed = (
        f.curtailed_order_mw
        + f.curtailed_export_limit_mw
        + f.curtailed_no_load_mw
        + f.curtailed_clipping_mw
        + f.curtailed_price_mw
    )
    came = f.pv_mw + f.wind_mw + f.imported_mw + f.genset_mw + f.discharged_mw
    went = f.served_mw + f.charged_mw + f.exported_mw + curtailed
    assert np.abs(came - went).max() < 2 * ROUNDING  # ten flows up to 300 MW


def test_computing_closes_every_hour(drawn):
    """IT work that arrives is done, postponed or unserved; what is done is what is served."""
    drivers, f = drawn[2], drawn[-1]
    done = f.it_demand_mw + f.caught_up_mw - f.postponed_mw - f.unserved_firm_mw - f.unserved_deferrable_mw
    assert np.abs(done * np.asarray(drivers.pue) - f.served_mw).max() < 2 * ROUNDING
    firm, deferrable = (
        np.asarray(drivers.it_firm_mw + drivers.it_stopped_firm_mw),
        np.asarray(drivers.it_deferrable_mw + drivers.it_stopped_deferrable_mw),
    )
    assert (f.postponed_mw + f.unserved_deferrable_mw <= deferrable + ROUNDING).all()
    assert (f.unserved_firm_mw <= firm + ROUNDING).all()
    assert (f.unserved_firm_mw >= np.asarray(drivers.it_stopped_firm_mw)).all()


def test_no_flow_is_negative_and_opposites_exclude_each_other(drawn):
    f = drawn[-1]
    for name, values in f._asdict().items():
        # a load wholly unserved is divided and multiplied by the PUE: what is served of it may be rounding
        assert values.min() >= (-ROUNDING if name == "served_mw" else 0.0), name
    put_off = np.maximum(f.postponed_mw - np.asarray(drawn[2].it_stopped_deferrable_mw), 0.0)
    for one, other in (
        (f.charged_mw, f.discharged_mw),
        (f.exported_mw, f.imported_mw),
        (f.caught_up_mw, put_off),
    ):
        assert (np.minimum(one, other) == 0.0).all()


def test_limits_hold(drawn):
    battery, _, drivers, _, _, f = drawn
    d = jax.tree.map(np.asarray, drivers)
    power = np.asarray(battery.power_mw)[:, None] * d.battery_frac
    for flow, limit in (
        (f.charged_mw, power),
        (f.discharged_mw, power),
        (f.imported_mw, d.import_limit_mw),
        (f.exported_mw, d.export_order_mw),
        (f.genset_mw, d.genset_mw),
        (f.caught_up_mw, np.maximum(d.it_limit_mw - (d.it_firm_mw + d.it_deferrable_mw), 0.0)),
    ):
        assert (flow <= limit).all()


def test_state_stays_in_its_range(drawn):
    battery, state, drivers, end, starts, _ = jax.tree.map(np.asarray, drawn)
    soc = np.concatenate([starts.soc_mwh, end.soc_mwh[:, None]], axis=1)
    top = np.maximum(battery.soc_max_mwh, state.soc_mwh)[:, None]  # a start above the window only falls
    assert (soc >= battery.soc_min_mwh[:, None] - ROUNDING).all()
    assert (soc <= top + ROUNDING).all()
    backlog = np.concatenate([starts.backlog_mwh, end.backlog_mwh[:, None]], axis=1)
    assert (backlog >= -ROUNDING).all()
    limit = np.maximum(
        backlog[:, :-1], drivers.backlog_limit_mwh
    )  # what waits may outlast a limit that falls
    assert (backlog[:, 1:] <= limit + ROUNDING).all()


def test_a_later_hour_changes_no_earlier_one(drawn):
    battery, state, drivers, _, starts, flows = drawn
    later = jax.tree.map(lambda x: x.at[:, 24:].multiply(0.5), drivers)
    _, again, changed = run(battery, state, later, 1.0)
    for one, other in zip((*starts, *flows), (*again, *changed), strict=True):
        np.testing.assert_array_equal(one[:, :24], other[:, :24])


def resolved(rng):
    """Plants in which at most one stage of a cascade is limited by energy and none after it by power.

    Beyond that an hour and its quarters differ by the rule itself: a store that gives 4 MWh gives them
    evenly over an hour, and all at once in the first quarters. So does a queue that both stopped work and
    work without power ask for room.
    """
    battery, state, d = random_plants(rng, 100)
    ample = jnp.full_like(d.pv_mw, 1e3)
    half = jnp.arange(100) < 50
    battery = battery._replace(power_mw=jnp.where(half, 1e3, battery.power_mw), standby_mw=jnp.zeros(100))
    waits = jnp.where(half[:, None], d.backlog_limit_mwh, 0.0)  # no queue before a battery that lacks power
    state = state._replace(backlog_mwh=jnp.where(half, state.backlog_mwh, 0.0))
    closed = d.export_limit_mw * 0.0
    d = d._replace(
        **{"backlog_limit_mwh": waits, "import_limit_mw": ample, "battery_frac": closed + 1.0},
        **{"export_limit_mw": closed, "export_order_mw": closed},
        **{"it_stopped_firm_mw": closed, "it_stopped_deferrable_mw": closed},
    )
    return f32((battery, state, d))


def test_a_quarter_hour_and_an_hour_give_the_same_energy():
    battery, state, drivers = resolved(np.random.default_rng(4))
    end, _, hourly = run(battery, state, drivers, 1.0)
    quarters = jax.tree.map(lambda x: jnp.repeat(x, 4, axis=1), drivers)
    end_4, _, fine = run(battery, state, quarters, 0.25)
    for name, values in hourly._asdict().items():
        exact = getattr(fine, name).reshape(100, HOURS, 4).sum(axis=2) * 0.25
        np.testing.assert_allclose(values * 1.0, exact, rtol=1e-5, atol=1e-5 * SCALE_MW, err_msg=name)
    for one, other in zip(end, end_4, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * SCALE_MW)
    assert (hourly.charged_mw > 1.0).any()
    assert (hourly.caught_up_mw > 1.0).any()


def test_totals_are_sums_in_mwh(drawn):
    block = jax.tree.map(lambda x: jnp.asarray(x[:7].T), drawn[-1])  # [hour, path]
    for dt_h in (1.0, 0.25):
        for total, flow in zip(totals(block, dt_h)[: len(block)], block, strict=True):
            exact = np.asarray(flow, float).sum(axis=0) * dt_h
            np.testing.assert_allclose(total, exact, rtol=1e-6)  # a sum of 48 float32


def by_hand(battery, state, **given):
    """The flows of consecutive hours from lists; all that is not given is zero."""
    hours = len(next(iter(given.values())))
    idle = dict.fromkeys(Drivers._fields, [0.0] * hours) | {
        "pue": [1.0] * hours,
        "battery_frac": [1.0] * hours,
        "sells": [1.0] * hours,
    }
    drivers = f32(Drivers(**{k: np.array(v)[:, None] for k, v in (idle | given).items()}))
    state = State(*(np.array([x]) for x in state))
    end, _, flows = dispatch.hours(f32(battery), f32(state), drivers, 1.0)
    found = {k: np.asarray(v)[:, 0].tolist() for k, v in flows._asdict().items() if np.asarray(v).any()}
    return float(end.soc_mwh[0]), float(end.backlog_mwh[0]), found


def test_a_night_and_a_day_by_hand():
    """Load 10 at a PUE of 1.25 (12.5 MW); a battery of 8 MW with efficiencies of a half and 0.8.

    Hour 1, no sun: 16 MWh inside give 8 MW (10 inside), the grid 3, gensets 1, and 0.5 MW are missing,
    0.4 MW of IT. Hour 2, 42.5 MW of sun: 30 left, 8 charge (4 inside), 15 may be exported but an order
    leaves 5; 7 lie beyond the limit.
    """
    battery = Battery(8.0, 2.0, 20.0, 0.5, 0.8)
    soc, backlog, found = by_hand(
        battery,
        State(16.0, 0.0),
        **{"pv_mw": [0.0, 42.5], "clipped_mw": [0.0, 1.5], "it_firm_mw": [10.0, 10.0], "pue": [1.25, 1.25]},
        **{"import_limit_mw": [3.0, 3.0], "genset_mw": [1.0, 1.0], "it_limit_mw": [10.0, 10.0]},
        **{"export_limit_mw": [15.0, 15.0], "export_order_mw": [15.0, 5.0]},
    )
    assert soc == pytest.approx(16.0 - 10.0 + 4.0)
    assert backlog == 0.0
    expected = {
        "pv_mw": [0.0, 44.0],
        "imported_mw": [3.0, 0.0],
        "genset_mw": [1.0, 0.0],
        "charged_mw": [0.0, 8.0],
        "discharged_mw": [8.0, 0.0],
        "exported_mw": [0.0, 5.0],
        "served_mw": [12.0, 12.5],
        "it_demand_mw": [10.0, 10.0],
        "unserved_firm_mw": [0.4, 0.0],
        "curtailed_order_mw": [0.0, 10.0],
        "curtailed_export_limit_mw": [0.0, 7.0],
        "curtailed_clipping_mw": [0.0, 1.5],
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-6), name


def test_standby_by_hand():
    """8 MW of housekeeping out of 20 MWh over a minimum of 2, one block of two at work in the last hour.

    What the battery gives comes first: 4 MW at an efficiency of a half take 8 MWh, housekeeping 8 of the 10
    that are left; then the last 2; then sun brings 5 MWh, of which half the battery may use 2.5.
    """
    soc, _, found = by_hand(
        Battery(10.0, 2.0, 40.0, 0.5, 0.5, 8.0),
        State(20.0, 0.0),
        **{"it_firm_mw": [4.0, 0.0, 0.0, 0.0], "pv_mw": [0.0, 0.0, 0.0, 10.0]},
        **{"it_limit_mw": [4.0] * 4, "battery_frac": [1.0, 1.0, 1.0, 0.5]},
    )
    assert found["standby_mw"] == pytest.approx([8.0, 2.0, 0.0, 1.25], abs=1e-5)
    assert found["discharged_mw"] == pytest.approx([4.0, 0.0, 0.0, 0.0])
    assert found["charged_mw"] == pytest.approx([0.0, 0.0, 0.0, 5.0])
    assert soc == pytest.approx(2.0 + 2.5 - 1.25, abs=1e-5)


def test_postponed_work_by_hand():
    """Six of ten MW may wait, 9 MWh in all. Two dark hours: 6 wait, then 3; 3 and 4 go unserved.

    Then 17 MW: 10 for the load, machines take 4 more of the 9 waiting, and 3 find nobody.
    """
    nothing = Battery(0.0, 0.0, 0.0, 1.0, 1.0)
    _, backlog, found = by_hand(
        nothing,
        State(0.0, 0.0),
        **{"wind_mw": [0.0, 0.0, 17.0], "it_firm_mw": [4.0] * 3, "it_deferrable_mw": [6.0] * 3},
        **{"it_limit_mw": [14.0] * 3, "backlog_limit_mwh": [9.0] * 3},
    )
    assert backlog == pytest.approx(5.0)
    assert found == {
        "wind_mw": [0.0, 0.0, 17.0],
        "served_mw": [0.0, 0.0, 14.0],
        "it_demand_mw": [10.0] * 3,
        "postponed_mw": [6.0, 3.0, 0.0],
        "caught_up_mw": [0.0, 0.0, 4.0],
        "unserved_firm_mw": [4.0, 4.0, 0.0],
        "unserved_deferrable_mw": [0.0, 3.0, 0.0],
        "curtailed_no_load_mw": [0.0, 0.0, 3.0],
    }


def test_totals_carry_the_names_of_flows():
    assert [n.removesuffix("_mwh") for n in Totals._fields] == [
        *(n.removesuffix("_mw") for n in Flows._fields),
        "imported_by_period",
        "at_spot",
        "interruptions",
        "covered",
        "by_field",
    ]
    assert set(reference.FLOWS) == set(Flows._fields)
