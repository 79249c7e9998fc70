"""A mechanism price: on its share a plant earns the strike, whatever the market does."""

import numpy as np
import pytest

from engine.deal import deal
from engine.finance import account, contracts
from engine.world import central
from tests.reference import deals
from tests.test_finance_deal import changed


def sales(terms, power_price, **more):
    """What is paid for the export of six years, million [year], and its energy, MWh."""
    rng = np.random.default_rng(12)
    settings = {"deal.revenue.mechanism": terms, "deal.revenue.green_certificate_per_mwh": 0.0} | more
    study = changed(deals.study(rng, 6, 2, 2, 5), settings | {"phases": {}})
    ops = deals.operations(rng, 6)
    money = deal(study)
    lines = contracts.lines(money, ops, central(money.occupancy)._replace(power_price=power_price))
    return np.array(account.sold(lines).sum(1)), ops.exported_mwh.sum(1), np.array(lines.export_m.sum(1))


def test_the_whole_export_earns_the_strike_to_the_end_of_the_term():
    prices = np.array([0.2, 1.0, 3.0, 1.0, 0.5, 2.0])  # of the grid, over its mean
    paid, exported, merchant = sales({"strike_per_kwh": 0.3, "term_years": 4}, prices)
    assert paid[:4] == pytest.approx(0.3 * exported[:4] / 1e3)
    assert paid[4:] == pytest.approx(merchant[4:])


def test_a_share_of_it_and_never_what_a_contract_buys():
    """Half goes under an agreement at 0.4; of the rest a quarter has the strike."""
    prices = np.array([0.2, 1.0, 3.0, 1.0, 0.5, 2.0])
    agreed = {"deal.revenue.ppa": {"price_per_kwh": 0.4, "term_years": 6, "share_frac": 0.5}}
    terms = {"strike_per_kwh": 0.3, "term_years": 6, "share_frac": 0.25}
    paid, exported, merchant = sales(terms, prices, **agreed)
    by_hand = (0.5 * 0.4 + 0.5 * 0.25 * 0.3) * exported / 1e3 + 0.75 * merchant
    assert paid == pytest.approx(by_hand)
