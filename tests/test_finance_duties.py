"""Duties: years that the hand can solve, each test at its edge, and who pays."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from engine import config
from engine.deal import deal
from engine.finance import account, contracts, duties
from engine.finance.duties import DirectSupply, GreenDuty, Year
from engine.flows import Totals
from engine.world import central
from tests.reference import deals
from weather.schema import InputError

DIRECT = DirectSupply(
    of_generation=jnp.asarray(0.6),
    of_consumption=jnp.asarray([0.3, 0.35]),
    exported=jnp.asarray(0.2),
    levy_per_kwh=jnp.asarray([0.1, 0.2]),
    excess_export_per_kwh=jnp.asarray([0.5, 0.5]),
)


def year(**energy) -> Year:
    """Two years of 1,000 MWh of use, 400 of it green, out of 600 generated of which 500 were used and 100
    exported; some of it another."""
    plain = {"served": 1000.0, "green": 400.0, "exported": 100.0, "generation": 600.0, "self_used": 500.0}
    return Year(**{name: jnp.full(2, value) for name, value in (plain | energy).items()})


def test_certificates_fill_what_a_year_lacks():
    duty = GreenDuty(jnp.asarray([0.8, 0.3]), jnp.asarray([50.0, 60.0]))
    assert duties.missing_mwh(duty, year()).tolist() == [400.0, 0.0]
    owed = duties.owed(duty, None, year())
    assert owed.certificates.tolist() == [400.0 * 50.0 / 1e6, 0.0]
    assert owed.levy is None
    assert owed.excess_export is None


@pytest.mark.parametrize(
    ("energy", "failed"),
    [
        ({}, [False, False]),
        ({"self_used": 360.0}, [False, False]),  # 60 % of 600, just
        ({"self_used": 359.0}, [True, True]),
        ({"green": 350.0}, [False, False]),
        ({"green": 349.0}, [False, True]),  # 35 % in the second year
        ({"green": 299.0}, [True, True]),
        ({"green": 0.0, "generation": 0.0, "self_used": 0.0}, [True, True]),
    ],
)
def test_tests_of_self_use_at_their_edges(energy, failed):
    met = year(**energy)
    assert duties.fails(DIRECT, met).tolist() == failed
    levied = np.where(failed, float(met.green[0]), 0.0)
    assert duties.levied_mwh(DIRECT, met).tolist() == levied.tolist()
    owed = duties.owed(None, DIRECT, met)
    assert owed.levy.tolist() == pytest.approx((levied * np.array([0.1, 0.2]) / 1e3).tolist())


def test_exports_beyond_the_share_are_charged():
    assert duties.excess_mwh(DIRECT, year()).tolist() == [0.0, 0.0]  # 100 of 120
    owed = duties.owed(None, DIRECT, year(exported=150.0))
    assert owed.excess_export.tolist() == pytest.approx([30.0 * 0.5 / 1e3] * 2)


def test_self_use_is_what_was_neither_curtailed_nor_exported():
    """Of 1,000 available before the inverters 50 are clipped, 150 curtailed by three causes, 200 exported."""
    energy = dict.fromkeys(Totals._fields, jnp.zeros((2, 12))) | {"imported_by_period_mwh": None}
    energy |= {
        name: jnp.full((2, 12), value)
        for name, value in {
            "pv_mwh": 700.0,
            "wind_mwh": 300.0,
            "curtailed_clipping_mwh": 50.0,
            "curtailed_order_mwh": 20.0,
            "curtailed_export_limit_mwh": 60.0,
            "curtailed_no_load_mwh": 70.0,
            "exported_mwh": 200.0,
        }.items()
    }
    found = contracts.operations(Totals(**energy))
    assert found.generation_mwh.tolist() == [[950.0] * 12] * 2
    assert found.self_used_mwh.tolist() == [[600.0] * 12] * 2


def test_a_year_settles_in_its_last_month_and_charges_fall_on_who_sells():
    """The site pays certificates and levies, the power company what is charged on its exports."""
    rng = np.random.default_rng(2)
    study = deals.study(rng, 2, 2, 1, 5, True)
    money = dataclasses.replace(
        deal(study), green_duty=GreenDuty(np.full(2, 0.9), np.full(2, 100.0)), direct_supply=DIRECT, vat=None
    )
    ops = deals.operations(rng, 2)
    ops = ops._replace(self_used_mwh=0.3 * ops.generation_mwh, exported_mwh=0.4 * ops.generation_mwh)
    free = dataclasses.replace(money, green_duty=None, direct_supply=None)
    with_them, without = (contracts.lines(of, ops, central(of.occupancy)) for of in (money, free))
    assert without.levy_m is without.excess_export_m is without.certificates_bought_m is None
    for line in (with_them.certificates_bought_m, with_them.levy_m, with_them.excess_export_m):
        assert not np.asarray(line)[:, :-1].any()
        assert (np.asarray(line)[:, -1] > 0).all()
    more = account.opex(with_them) - account.opex(without)
    assert more == pytest.approx(np.asarray(with_them.certificates_bought_m + with_them.levy_m), abs=1e-9)
    less = account.revenue(without) - account.revenue(with_them)
    assert less == pytest.approx(np.asarray(with_them.excess_export_m), abs=1e-9)
    paid, saved = (account.earnings(of, lines) for of, lines in ((money, with_them), (free, without)))
    charged = account.by_period(money, with_them.excess_export_m)
    assert saved.power_company_m - paid.power_company_m == pytest.approx(np.asarray(charged), abs=1e-9)


def test_thresholds_left_out_are_the_tables():
    levy = "deal.direct_supply={levy_per_kwh: 0.1}"
    study = config.load(Path("configs/zhongwei.yaml"), [levy]).study
    found = deal(study).direct_supply
    assert found.of_generation.tolist() == [0.6] * study.life.years
    assert found.of_consumption.tolist() == [0.3] + [0.35] * (study.life.years - 1)  # 2029, and from 2030
    assert found.exported.tolist() == [0.2] * study.life.years
    tax = study.deal.tax.model_copy(update={"table": "tests/other_law.yaml", "regime": None, "vat": None})
    with pytest.raises(InputError, match=r"own_supply.self_used_of_generation is not known for 2029"):
        deal(study.model_copy(update={"deal": study.deal.model_copy(update={"tax": tax})}))
