"""VAT against a ledger, and the table it is levied by."""

import fnmatch

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.build import law
from engine.deal import deal
from engine.finance import contracts, vat
from engine.finance.vat import Vat
from engine.world import central
from tests.reference import deals
from tests.test_finance_deal import changed
from weather.schema import InputError

OTHER = "tests/other_law.yaml"


def rates(credit_m, refund_m=0.0):
    """Of one year: nothing but the credit matters to `settle`."""
    none = jnp.zeros(1)
    return Vat(*[none] * 9, credit_m=jnp.asarray(credit_m), refund_m=jnp.asarray(refund_m))


months = st.lists(st.floats(0.0, 100.0), min_size=12, max_size=12)


@hypothesis.settings(deadline=None)  # the first example compiles
@hypothesis.given(months, months, st.floats(0.0, 300.0))
def test_a_ledger_of_the_credit(sales, purchases, credit):
    settled = vat.settle(rates(credit), jnp.array([sales]), jnp.array([purchases]))
    for m, (sold, bought) in enumerate(zip(sales, purchases, strict=True)):
        credit += bought - sold
        paid = max(-credit, 0.0)
        credit += paid
        # sums of a dozen numbers of some hundreds
        assert float(settled.paid_m[0, m]) == pytest.approx(paid, abs=1e-10)
        assert float(settled.cash_m[0, m]) == pytest.approx(sold - bought - paid, abs=1e-10)


def test_no_vat_is_paid_while_the_credit_lasts():
    ten = jnp.full((1, 12), 10.0)
    settled = vat.settle(rates(45.0, 5.0), ten, 0.0 * ten)
    assert settled.paid_m[0].tolist() == [0, 0, 0, 0, 5, 10, 10, 10, 10, 10, 10, 10]
    assert settled.cash_m[0].tolist() == [15, 10, 10, 10, 5, 0, 0, 0, 0, 0, 0, 0]


def test_in_the_end_vat_costs_nothing_but_surcharges():
    """What was paid on the assets comes back through sales, where they are large enough."""
    rng = np.random.default_rng(4)
    dear = {"deal.revenue.lease_price_per_kw_month": 2000.0, "deal.tax.vat.refund_frac": 0.2}
    study = changed(deals.study(rng, 12, 2, 2, 5, True), dear)
    ops = deals.operations(rng, 12)
    money = deal(study)
    on_assets = float(money.spend_m.sum() - money.cost_m)
    account = contracts.lines(money, ops, central(money.occupancy))
    assert float(account.surcharge_m.sum()) > 0  # so that the credit is used up
    assert float(account.vat_m.sum()) == pytest.approx(on_assets, rel=1e-9)


def test_prices_that_hold_vat_are_worth_less():
    study = changed(
        deals.study(np.random.default_rng(4), 4, 2, 1, 5, True), {"deal.tax.vat.prices_include": False}
    )
    plain, within = deal(study), deal(changed(study, {"deal.tax.vat.prices_include": True}))
    assert np.asarray(plain.lease_price_per_kw_month / within.lease_price_per_kw_month) == pytest.approx(1.06)
    assert np.asarray(plain.export_price_per_kwh / within.export_price_per_kwh) == pytest.approx(1.13)
    capex = study.deal.capex
    net = (
        sum(getattr(capex, c).amount_m for c in ("pv", "wind", "battery", "servers", "grid_and_gensets"))
        / 1.13
    )
    net += capex.datacentre.amount_m / 1.09
    assert float(within.cost_m) == pytest.approx(net)
    assert float(within.spend_m.sum()) == pytest.approx(sum(i.amount_m for i in items(capex)))
    assert float(plain.cost_m) == pytest.approx(sum(i.amount_m for i in items(capex)))


def items(capex):
    return capex.pv, capex.wind, capex.battery, capex.datacentre, capex.servers, capex.grid_and_gensets


def test_another_country_is_another_table():
    study = deals.study(np.random.default_rng(4), 6, 2, 1, 5)
    money = deal(
        changed(study, {"deal.tax.table": OTHER, "deal.tax.rate_frac": None, "deal.tax.regime": "western"})
    )
    assert money.tax_rate.tolist() == [0.2] * 4 + [0.3] * 2  # from 2028, the regime to 2031


REFUSED = (
    ({"life.first_year": 2055}, "table: Elsewhere's vat.power is not known for 2061, and the deal needs *"),
    (
        {"deal.tax.vat.place": "village"},
        "vat.place: should be one of city, town of the table (got 'village')",
    ),
    (
        {"deal.tax.regime": "eastern", "deal.tax.rate_frac": None},
        "regime: should be one of western of the table (got 'eastern')",
    ),
    ({"deal.tax.table": "utopia"}, "table: utopia: no such table or file; shipped: china"),
    ({"deal.tax.table": "pyproject.toml"}, "table: pyproject.toml: is not YAML *"),
)


@pytest.mark.parametrize(("settings", "sentence"), REFUSED)
def test_what_a_table_does_not_say_is_refused(settings, sentence):
    study = deals.study(np.random.default_rng(4), 12, 2, 1, 5, True)
    settings = {"deal.tax.table": OTHER, "deal.tax.vat.place": "city"} | settings
    with pytest.raises(InputError) as refused:
        deal(changed(study, settings))
    assert fnmatch.fnmatchcase(str(refused.value), f"deal.tax.{sentence}")


def test_a_table_is_checked(tmp_path):
    file = tmp_path / "law.yaml"
    file.write_text(
        "country: X\nloss_carry_years: 5\nincome_tax: [{frac: 25, first_year: 2008, source: s}]\n"
    )
    with pytest.raises(
        InputError, match=r"law\.yaml: income_tax\.0\.frac: Input should be less than or equal"
    ):
        law.load(str(file))


def test_every_shipped_table_is_one():
    for name in law.shipped():
        found = law.load(name)
        assert law.rates(found, "income_tax", found.income_tax, np.arange(2025, 2060)).size == 35


def test_vat_has_a_gradient():
    """A sale's VAT is cash as long as the credit lasts; where it is used up the whole credit was cash."""

    def cash(sale, credit):
        monthly = jnp.full((1, 12), 10.0) * sale
        return vat.settle(rates(credit), monthly, 0.0 * monthly).cash_m.sum()

    slopes = [float(jax.grad(cash)(1.0, credit)) for credit in (500.0, 45.0)]
    assert slopes == pytest.approx([120.0, 0.0])
