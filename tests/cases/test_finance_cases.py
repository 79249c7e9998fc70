"""Published and hand-made numbers of finance: `finance_cases.json` names each one's source.

`*_exact` to 1e-9 relative, `*_published` (rounded by their authors) to 5e-4 relative, a stated `tol` is
absolute, else 1e-6 relative.
"""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import credit, returns, schedule
from engine.finance.cascade import cascade
from tests.reference.deals import written_loan

CASES = {c["id"]: c for c in json.loads(Path(__file__).with_name("finance_cases.json").read_text())["cases"]}
EXACT, PUBLISHED, OTHERWISE = {"rel": 1e-9}, {"rel": 5e-4}, {"rel": 1e-6}


def f64(x):
    return jnp.asarray(x, jnp.float64)


@pytest.fixture
def case(request):
    """The case that the test is named after, as (inputs, expected, all of it)."""
    whole = CASES[request.node.name.removeprefix("test_")]
    return whole.get("inputs", {}), whole.get("expected", {}), whole


def annuity(amount, rate, periods):
    """Level service that repays an amount."""
    return amount * float(schedule.level(f64(rate), f64(periods), jnp.ones(1))[0])


def test_every_case_is_run():
    assert {f"test_{name}" for name in CASES} <= set(globals())


def test_tvm_numpy_financial(case):
    npv, irr, pmt = case[2]["cases"]
    assert float(returns.npv(f64(npv["rate"]), f64(npv["values"]))) == pytest.approx(
        npv["expected"], abs=npv["tol"]
    )
    assert float(returns.irr(f64(irr["values"]))) == pytest.approx(irr["expected"], abs=irr["tol"])
    paid = annuity(pmt["pv"], pmt["rate"], pmt["nper"])
    assert -paid == pytest.approx(pmt["expected"], abs=pmt["tol"])


def test_sculpt_5y_130_6pct(case):
    inputs, expected, _ = case
    cfads, rate = f64(inputs["cfads"]), f64(inputs["rate"])
    service = schedule.sculpt(cfads, f64(inputs["dscr"]), jnp.ones(inputs["tenor"]))
    loan = schedule.schedule(service, rate)
    exact = EXACT | {"abs": 1e-9 * expected["debt_exact"]}
    assert float(loan.amount) == pytest.approx(expected["debt_exact"], **EXACT)
    assert float(schedule.present_value(service, rate)) == pytest.approx(expected["debt_exact"], **EXACT)
    assert service == pytest.approx(np.array(expected["debt_service_exact"]), **EXACT)
    assert loan.interest == pytest.approx(np.array(expected["interest_exact"]), **EXACT)
    assert loan.principal == pytest.approx(np.array(expected["principal_exact"]), **EXACT)
    assert np.append(loan.amount, loan.balance) == pytest.approx(np.array(expected["balance_exact"]), **exact)
    assert schedule.cover(cfads, service) == pytest.approx(expected["dscr_each_year"], **EXACT)
    llcr = schedule.cover(schedule.present_value(cfads, rate), loan.amount)
    assert float(llcr) == pytest.approx(expected["llcr_at_close"], **EXACT)
    assert float(schedule.average_life(loan.principal)) == pytest.approx(
        expected["average_life_years"], **OTHERWISE
    )
    assert float(loan.amount) == pytest.approx(expected["debt_published"], **PUBLISHED)
    assert service == pytest.approx(np.array(expected["debt_service_published"]), **PUBLISHED)
    values = [float(schedule.present_value(service.at[:t].set(0).at[t + 1 :].set(0), rate)) for t in range(5)]
    assert values == pytest.approx(expected["pv_ds_published"], **PUBLISHED)


def test_level_annuity_binding_year(case):
    inputs, expected, _ = case
    level = jnp.full(inputs["tenor"], inputs["cfads_binding"] / inputs["dscr"])
    amount = float(schedule.present_value(level, f64(inputs["rate"])))
    assert amount == pytest.approx(expected["debt_exact"], **EXACT)
    assert amount == pytest.approx(expected["debt_published"], **PUBLISHED)
    sculpted = CASES["sculpt_5y_130_6pct"]["inputs"]
    by_year = schedule.sculpt(f64(sculpted["cfads"]), f64(sculpted["dscr"]), jnp.ones(5))
    more = float(schedule.present_value(by_year, f64(sculpted["rate"]))) - amount
    assert more == pytest.approx(expected["sculpt_minus_level_exact"], **EXACT)


def test_llcr_identity_biws(case):
    """Sculpted service keeps DSCR = LLCR, so the amount is PV(CFADS) / LLCR whatever the profile."""
    inputs, expected, whole = case
    shape = np.linspace(150.0, 250.0, inputs["tenor"])
    rate, ratio = f64(inputs["rate"]), f64(inputs["llcr"])
    cfads = f64(shape * inputs["pv_cfads"] / float(schedule.present_value(f64(shape), rate)))
    service = schedule.sculpt(cfads, ratio, jnp.ones(inputs["tenor"]))
    amount = schedule.present_value(service, rate)
    assert float(amount) == pytest.approx(expected["debt"], abs=whole["tol"])
    assert float(schedule.cover(schedule.present_value(cfads, rate), amount)) == pytest.approx(
        inputs["llcr"], **EXACT
    )
    each = expected["dscr_each_period_if_sculpted"]
    assert schedule.cover(cfads, service) == pytest.approx(each, **EXACT)


def test_bodmer_dsra_last_period(case):
    """The reserve leaves in the last period: with it the cash is DSCR x service. CFADS never holds it."""
    inputs, expected, _ = case
    service = inputs["ebitda_last"] / (inputs["dscr"] - 1.0)
    assert service == pytest.approx(expected["debt_service_last"], **EXACT)
    loan, plan = written_loan([service, service], 0.05, dsra_months=12.0)
    rows = cascade(loan, plan, f64([2.0 * service, inputs["ebitda_last"]]))
    out = float(rows.draw_m[1] + rows.release_m[1])
    assert out == pytest.approx(expected["dsra_release"], **EXACT)
    assert float(rows.cfads_m[1]) + out == pytest.approx(expected["cash_flow"], **EXACT)
    assert float(rows.distribution_m[1]) == pytest.approx(expected["cash_flow"] - service, **EXACT)
    assert float(rows.cfads_m[1]) == inputs["ebitda_last"]
    assert float(rows.dsra_m[1]) == 0.0
    assert not rows.default.any()


def test_bodmer_breakeven(case):
    inputs, expected, _ = case
    ratio = schedule.cover(f64(inputs["cfads"]), f64(inputs["debt_service"]))
    assert float(ratio) == pytest.approx(expected["dscr"], **EXACT)
    assert 1.0 - 1.0 / float(ratio) == pytest.approx(expected["break_even_drop"], **EXACT)


def test_ifrs9_12m_vs_lifetime(case):
    inputs, expected, whole = case
    loan, payments, marginal = (f64(inputs[k]) for k in ("loan", "payments", "marginal_pd_unconditional"))
    eir = returns.irr(jnp.append(-loan, payments))
    assert float(eir) == pytest.approx(expected["eir"], **OTHERWISE)
    assert float(eir) == pytest.approx(expected["eir_published"], abs=5e-4)
    plan = schedule.schedule(payments, eir)  # at this rate: amortised cost
    opening = jnp.append(plan.amount, plan.balance[:-1])
    ecl = credit.expected_credit_loss(marginal, opening, f64(inputs["lgd"]), eir)
    assert ecl == pytest.approx(np.array(expected["marginal_ecl_exact"]), **EXACT)
    assert ecl == pytest.approx(np.array(expected["marginal_ecl_published"]), abs=whole["tol"])
    assert float(ecl[0]) == pytest.approx(expected["ecl_12m"], abs=whole["tol"])
    assert float(ecl.sum()) == pytest.approx(expected["ecl_lifetime"], abs=whole["tol"])
    assert jnp.cumsum(marginal) == pytest.approx(np.array(expected["cumulative_pd"]), **OTHERWISE)


def test_basel_slotting_pf(case):
    _, expected, _ = case
    assert expected["risk_weight_ge_2p5y"] == credit.RISK_WEIGHT_FRAC
    assert expected["risk_weight_lt_2p5y"] == credit.RISK_WEIGHT_SHORT_FRAC
    assert expected["expected_loss"] == credit.EXPECTED_LOSS_FRAC
    assert expected["external_rating"] == credit.EXTERNAL_RATING
    for grade, weight in credit.RISK_WEIGHT_FRAC.items():
        loss, ratio = credit.EXPECTED_LOSS_FRAC[grade], credit.CAPITAL_RATIO_FRAC
        assert loss / ratio == pytest.approx(expected["el_risk_weight"][grade], **OTHERWISE)
        assert weight * ratio == pytest.approx(expected["capital_8pct"][grade], **OTHERWISE)
        example = {"RWA": 1000 * weight, "capital": 1000 * weight * ratio, "EL": 1000 * loss}
        assert example == pytest.approx(expected["example_EAD_1000"][grade], **OTHERWISE)


def test_vasicek_asrf(case):
    inputs, expected, _ = case
    pd = credit.conditional_pd(f64(inputs["pd"]), f64(inputs["rho"]), f64(0.999))
    assert float(pd) == pytest.approx(expected["cond_pd_999"], **OTHERWISE)


def mini(inputs, dsra_months):
    rate, tenor = inputs["rate"], inputs["tenor"]
    service = annuity(inputs["debt"], rate, tenor)
    terms = {"dsra_months": dsra_months, "lockup_dscr": inputs["lockup"]}
    loan, plan = written_loan([service] * tenor, rate, **terms)
    return service, plan, cascade(loan, plan, f64(inputs["cfads"]))


def test_pathwise_default_mini(case):
    inputs, expected, _ = case
    annuity, plan, rows = mini(inputs, inputs["dsra_months"])
    assert annuity == pytest.approx(expected["annuity"], **OTHERWISE)
    assert float(plan.amount_m) == pytest.approx(inputs["debt"], **OTHERWISE)
    near = OTHERWISE | {"abs": 1e-9}
    overdue = np.append(0.0, rows.arrears_m[:-1]) * (1.0 + inputs["rate"])
    for t, want in enumerate(expected["years"]):
        got = {
            "year": t + 1,
            "cfads": rows.cfads_m[t],
            "due": rows.service_m[t] + overdue[t],
            "paid": rows.interest_m[t] + rows.principal_m[t],
            "dscr": rows.cfads_m[t] / (rows.service_m[t] + overdue[t]),  # the case's ratio; see `convention`
            "dsra_draw": rows.draw_m[t],
            "dsra_end": rows.dsra_m[t],
            "shortfall": rows.arrears_m[t],
            "balance_end": rows.balance_m[t],
            "distribution": rows.distribution_m[t],
        }
        assert {k: float(v) for k, v in got.items()} == pytest.approx(want, **near)
    first = int(np.argmax(rows.default))
    assert first + 1 == expected["default_year"]
    assert float(rows.balance_m[first]) == pytest.approx(expected["ead_after_reserve_applied"], **OTHERWISE)
    recovered = float(rows.arrears_m[-1]) == 0.0 and float(rows.written_off_m.sum()) == 0.0
    assert recovered is expected["recovered_by_year4_cash"]
    later = np.array(rows.interest_m + rows.principal_m)[first + 1 :]
    received = float(schedule.present_value(f64(later), f64(inputs["rate"])))
    lgd = 1.0 - received / float(rows.balance_m[first])
    assert lgd == pytest.approx(expected["lgd_workout_at_loan_rate"], abs=1e-9)
    assert int(np.argmax(rows.breach)) + 1 == expected["technical_breach_year_lt_1_05"]
    without = mini(inputs, 0.0)[2]
    assert int(np.argmax(without.default)) + 1 == expected["payment_default_without_dsra_year"]
