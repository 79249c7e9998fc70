"""The report: the same bytes twice, self-contained, true to the numbers, meaningful when they are dull."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from engine import results
from engine.report import defaults, facts, html, lending, tables, terminal, wording

YEARS, TENOR, PERIODS = 12, 10, 20


def outcomes(paths: int = 400, worlds: int = 20, seed: int = 7) -> dict[str, np.ndarray]:
    """A made-up project: a world's price moves cash, weather moves energy; some default."""
    rng = np.random.default_rng(seed)
    world = np.arange(paths) % worlds
    price = rng.normal(0.0, 0.12, worlds)[world][:, None]
    sun = rng.normal(1.0, 0.03, (paths, YEARS))
    cfads = 900.0 * (1.0 + price + rng.normal(0.0, 0.1, (paths, YEARS)))
    due = np.where(np.arange(YEARS) < TENOR, 600.0, 0.0)[None, :] * np.ones((paths, 1))
    dscr = np.divide(cfads, due, out=np.full_like(due, np.nan), where=due > 0)
    pv, wind = 5.2e6 * sun, 1.1e6 * rng.normal(1.0, 0.06, (paths, YEARS))
    causes = np.stack([f * pv * rng.gamma(4.0, 0.25, pv.shape) for f in (0.004, 0.02, 0.05, 0.01)], axis=-1)
    causes = np.append(causes, np.zeros((*pv.shape, 1)), axis=-1)  # none for its price
    hours = np.where(rng.random((paths, YEARS)) < 0.15, rng.gamma(1.0, 9.0, (paths, YEARS)), 0.0)
    low = np.nanargmin(dscr, axis=1)
    worst = np.nanmin(dscr, axis=1)
    default = np.where(worst < 0.98, np.minimum(low + 2.0, TENOR), np.nan)
    first = {
        name: np.where(worst < at, low + 1.0, np.nan) for name, at in (("lockup", 1.15), ("covenant", 1.05))
    }
    there = ~np.isnan(default)
    exposure = np.where(there, 300.0 * (TENOR + 1 - np.nan_to_num(default)), np.nan)
    lgd = np.where(there, np.where(rng.random(paths) < 0.6, 0.0, rng.uniform(0.1, 0.7, paths)), np.nan)
    one = np.ones((paths, YEARS))
    return {
        "pv_mwh": pv, "wind_mwh": wind, "imported_mwh": 1.5e6 * one / sun, "exported_mwh": 0.6e6 * sun,
        "genset_mwh": 0.0 * one, "charged_mwh": 0.5e6 * one, "discharged_mwh": 0.45e6 * one,
        "served_mwh": 6.0e6 * one, "it_demand_mwh": 5.0e6 * one, "curtailed_mwh": causes.sum(axis=-1),
        "unserved_compute_h": hours, "green_frac": 0.75 * sun, "soc_mwh": 500.0 * one,
        "self_used_frac": 0.9 - 0.1 * sun, "exported_frac": 0.1 * sun,
        **dict.fromkeys(("interruptions", "sla_credit_m", "buyer_saving_m", "shortfall_cost_m"), 0.0 * one),
        **dict.fromkeys(("spot_price_per_kwh", "capture_frac", "baseload_missed_frac"), np.nan * one),
        "occupancy_frac": 0.9 * one, "hourly_m": 0.0 * one, "duties_m": 0.0 * one,
        "tenant_default_year": np.where(world % 4 == 0, 3.0, np.nan),
        "revenue_m": cfads + 400.0, "opex_m": 300.0 * one, "tax_m": 100.0 * one, "vat_m": 0.0 * one,
        "renewal_m": 0.0 * one, "standby_mwh": 0.0 * one,
        "cfads_m": cfads,
        "scheduled_service_m": due, "debt_service_m": np.minimum(due, cfads), "dscr": dscr,
        "debt_balance_m": 300.0 * np.maximum(TENOR - np.arange(1, YEARS + 1), 0)[None, :] * one,
        "dsra_m": 300.0 * one, "trapped_m": 0.0 * one, "distribution_m": np.maximum(cfads - due, 0.0),
        "unpaid_m": np.maximum(due - cfads, 0.0), "reserve_draw_m": np.maximum(due - cfads, 0.0),
        "lockup": (dscr < 1.15).astype(float), "curtailed_by_cause_mwh": causes,
        "unserved_by_tier_h": np.stack([0.2 * hours, 0.8 * hours], axis=-1),
        "dscr_period": np.repeat(dscr[:, :TENOR], 2, axis=1),
        "equity_irr_frac": np.where(cfads.mean(axis=1) > 700, 0.09 + price[:, 0] / 4, np.nan),
        "equity_npv_m": 2000.0 * price[:, 0] + rng.normal(300.0, 200.0, paths),
        "default_year": default, "covenant_breach_year": first["covenant"], "lockup_year": first["lockup"],
        **dict.fromkeys(("cure_year", "support_year", "deferral_year"), np.full(paths, np.nan)),
        **dict.fromkeys(("sponsor_m", "prepaid_m"), 0.0 * one),
        "exposure_at_default_m": exposure, "lgd_frac": lgd,
        "lender_loss_m": np.nan_to_num(exposure * lgd) * 0.8, "world": world,
        "credit_loss_m": np.nan_to_num(exposure * lgd) * 0.9,
        "equity_irr_reason": np.where(cfads.mean(axis=1) > 700, 0, 1),
        **dict.fromkeys(
            ("delay_months", "overrun_m", "completion_guarantee_m", "completion_shortfall_m"), np.zeros(paths)
        ),
        "energy_imbalance_frac": np.full(paths, 1e-8), "cash_imbalance_m": np.zeros(paths),
    }  # fmt: skip


def made(values: dict[str, np.ndarray], **named: tuple[str, ...]) -> xr.Dataset:
    attrs = {
        "study": "meadow", "currency": "CNY", "digest": "0123456789abcdef", "seed": 42,
        "route": "materialised", "wattbit_version": "0.1.0",
    }  # fmt: skip
    return results.dataset(values, first_year=2028, attrs=attrs, named=named)


def manifest(worlds: int = 20, debt: float = 5000.0) -> dict:
    return {
        "study": {
            "name": "meadow", "description": "Made-up solar park beside a data centre, for a test",
            "load": {"contracted_it_mw": 700.0}, "pv": {"dc_mw": 3000.0}, "wind": {"ac_mw": 500.0},
            "battery": {"energy_mwh": 1200.0},
            "deal": {
                "currency": "CNY", "debt": {"tenor_years": TENOR, "lockup_dscr": 1.15, "covenant_dscr": 1.05}
            },
        },
        "inputs": [
            {"key": "load.contracted_it_mw", "value": 700.0, "note": "phase one <of three>, assumption"},
            {"key": "capex.spend_frac", "value": [0.4, 0.6], "note": None},
        ],
        "worlds": worlds, "route": "materialised", "device": "2 CPU cores",
        "versions": {"python": "3.11.7", "jax": "0.10.2"}, "stages_s": {"prepare": 3.2, "lives": 20.5},
        "energy_residual": 2.1e-7, "illustrative": ["illustrative: depends on lease price and occupancy"],
        "prepared": {
            "debt": {
                "amount_m": debt, "gearing_frac": debt / 7800.0, "binding": "dscr_p50", "base_dscr_min": 1.42,
                "tests_m": {"dscr_p50": debt, "dscr_p90": 1.1 * debt, "max_gearing": 1.2 * debt},
                "cases": {"P50": {"allows_m": debt, "dscr_mean": 1.5 if debt else None, "dscr_min": 1.42},
                          "P90 one-year": {"allows_m": 1.1 * debt, "dscr_mean": 1.4, "dscr_min": None}},
                "effective_rate_frac": 0.03,
                "opening_balance_m": [debt * (1 - y / TENOR) for y in range(TENOR)],
                "base_dscr_mean": 1.5, "llcr": 1.55, "uses": {"capex": 7500.0, "fees": 50.0, "dsra": 250.0},
                "sources": {"senior_debt": debt, "equity": 7800.0 - debt},
                "draws": {"debt_m": [0.4 * debt, 0.6 * debt], "equity_m": [1120.0, 1680.0]},
            },
            "orders": {"sun_threshold": 1.31, "wind_threshold": 1.62},
        },
    }  # fmt: skip


def some_week() -> xr.Dataset:
    hour = np.arange(168)
    sun = np.clip(np.sin((hour % 24 - 6) / 12 * np.pi), 0.0, None) * (0.4 + 0.1 * (hour // 24))
    pv, wind, load = 2500.0 * sun, 150.0 + 100.0 * np.sin(hour / 30.0), 780.0 + 0.0 * hour
    gap = load - pv - wind
    discharge = np.clip(gap, 0.0, 120.0)
    imported = np.clip(gap - discharge, 0.0, 350.0)
    unserved = np.clip(gap - discharge - imported, 0.0, None)
    charge = np.clip(-gap, 0.0, 300.0)
    export = np.clip(-gap - charge, 0.0, 400.0)
    flows = {
        "pv_mw": pv, "wind_mw": wind, "discharge_mw": discharge, "import_mw": imported, "genset_mw": 0.0 * pv,
        "export_mw": export, "charge_mw": charge, "curtailed_mw": np.clip(-gap - charge - export, 0.0, None),
        "unserved_mw": unserved, "load_mw": load,
        "soc_mwh": np.clip(600.0 + np.cumsum(charge - discharge) / 4.0, 60.0, 1140.0),
    }  # fmt: skip
    attrs = {"path": 17, "year": 6, "month": 12, "day": 14}
    return xr.Dataset({name: ("hour", values) for name, values in flows.items()}, attrs=attrs)


def constant(paths: int = 1000) -> dict[str, np.ndarray]:
    """Every life alike: nothing unserved, nobody in default."""
    values = {k: np.repeat(v[:1], paths, axis=0) for k, v in outcomes(40).items()}
    zero = ("unserved_compute_h", "unserved_by_tier_h", "unpaid_m", "reserve_draw_m", "lender_loss_m")
    for name in (*zero, "credit_loss_m"):
        values[name] = 0.0 * values[name]
    for name in ("default_year", "covenant_breach_year", "lockup_year", "exposure_at_default_m", "lgd_frac"):
        values[name] = np.full(paths, np.nan)
    return values | {"world": np.arange(paths) % 100}


def without_debt() -> dict[str, np.ndarray]:
    values = constant(50)
    for name in ("scheduled_service_m", "debt_service_m", "debt_balance_m", "dsra_m"):
        values[name] = 0.0 * values[name]
    return values | {"dscr": np.nan * values["dscr"], "dscr_period": np.nan * values["dscr_period"]}


def test_page_has_the_numbers_and_the_same_bytes_twice():
    data, about = made(outcomes()), manifest()
    text = html.page(data, about, some_week(), ["illustrative: weather of one site"])
    assert text == html.page(data, about, some_week(), ["illustrative: weather of one site"])
    default = defaults.events(data, about)[0]
    assert default.paths == int(np.isfinite(data["default_year"]).sum()) > 0
    assert html.nice(wording.text_probability(default.probability)) in text
    for row in tables.rows(data, about):
        assert html.nice(wording.written(row.p90)[0]) in text
    assert "illustrative: weather of one site" in text
    assert "illustrative: depends on lease price and occupancy" in text
    for wanted in ("meadow", "0123456789abcdef", "2 CPU cores", "20.5", "phase one &lt;of three&gt;"):
        assert wanted in text
    assert text.count("<svg") == 5
    assert len(text) < 400_000


def test_page_needs_nothing_from_outside():
    text = html.page(made(outcomes()), manifest(), some_week())
    assert not re.search(r"<script|<link|<img|@import|<iframe|javascript:", text)
    assert not re.search(r"""(?:href|src)\s*=\s*["'](?!#)""", text)
    assert not re.search(r"url\((?!#)", text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    assert used <= set(ids)


@pytest.mark.parametrize("values", [constant(), without_debt()], ids=["constant", "without debt"])
def test_page_stays_meaningful_when_nothing_happens(values):
    data = made(values)
    debt = tables.has_debt(data)
    text = html.page(data, manifest(worlds=100, debt=5000.0 if debt else 0.0))
    assert "No unserved hour in any of" in text
    assert not re.search(r"\bnan\b|\binf\b", text, re.IGNORECASE)
    if debt:
        assert "0 of 1000; below 0.3 % with 95 % confidence" in text
    else:
        assert "There is no debt" in text
        assert "no debt" in terminal.summary(data, manifest()).lower()


def test_page_of_a_bare_manifest():
    assert "meadow" in html.page(made(outcomes(50, 50)), {})


def test_page_of_a_single_life():
    assert "meadow" in html.page(made(outcomes(1, 1)), {"worlds": 1})


def test_terminal_is_plain_short_and_narrow():
    data, about = made(outcomes()), manifest()
    text = terminal.summary(data, about)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= terminal.WIDTH
    assert len(text.splitlines()) <= 39
    for row in tables.rows(data, about):
        assert f" {wording.written(row.mean)[0]}" in text


def test_show_is_plain_where_it_is_no_terminal(capsys):
    data, about = made(outcomes()), manifest()
    terminal.show(data, about)
    assert capsys.readouterr().out == terminal.summary(data, about)


def test_p90_looks_the_cautious_way():
    for row in tables.rows(made(outcomes()), manifest()):
        p90, p99, cvar = (row.p90.value - row.p50.value, row.p99.value - row.p90.value, row.cvar95.value)
        assert (p90 <= 0 and p99 <= 0) if row.better == "more" else (p90 >= 0 and p99 >= 0)
        assert cvar <= row.p90.value if row.better == "more" else cvar >= row.p90.value


def test_curtailed_causes_add_up():
    data = made(outcomes())
    parts = sum(tables.curtailed_percent(data, cause) for cause in range(4))
    np.testing.assert_allclose(parts, tables.curtailed_percent(data), rtol=1e-6)  # float32 energy


def test_default_accumulates_to_the_event():
    data, about = made(outcomes()), manifest()
    curve = [e.value for e in defaults.cumulative_default(data, about)]
    assert np.all(np.diff(curve) >= 0)
    assert len(curve) == TENOR
    assert curve[-1] == defaults.events(data, about)[0].probability.value


def test_expected_loss_by_simulation_and_by_its_parts():
    """Were every loss the mean LGD of the scheduled balance at the effective rate, both would be one."""
    values = outcomes()
    year, balance = values["default_year"], np.array(manifest()["prepared"]["debt"]["opening_balance_m"])
    there = ~np.isnan(year)
    values["lgd_frac"] = np.where(there, 0.3, np.nan)
    at = np.nan_to_num(year, nan=1.0).astype(int)
    values["credit_loss_m"] = np.where(there, 0.3 * balance[at - 1] * 1.03 ** (-2.0 * at), 0.0)
    data, about = made(values), manifest()
    assert lending.by_parts(data, about) == pytest.approx(values["credit_loss_m"].mean(), rel=1e-12)
    text = html.page(data, about)
    for loss in lending.losses(data, about):
        assert html.nice(loss.text) in text
    assert "dscr_p50" not in text
    assert "DSCR P50 (binds)" in text


def test_what_discounting_leaves_of_a_paid_loan_is_no_loss():
    data, about = made(outcomes() | {"credit_loss_m": np.full(len(outcomes()["world"]), 1e-12)}), manifest()
    assert [loss.text.split()[0] for loss in lending.losses(data, about)[:2]] == ["0", "0"]


def test_tenants_have_their_lines_where_a_study_names_them():
    data, about = made(outcomes()), manifest()
    assert "Tenant default" not in html.page(data, about)
    about["study"]["deal"]["revenue"] = {"tenants": {"anchor": {"share_frac": 0.5}}}
    text = html.page(data, about)
    event = defaults.events(data, about)[-1]
    assert (event.label, event.paths) == ("Tenant default", 100)
    gone = ~np.isnan(data["tenant_default_year"].values)
    lost = ~np.isnan(data["default_year"].values)
    for loss, of in zip(lending.of_tenants(data, about), (gone, ~gone), strict=True):
        assert loss.text.split()[0] == f"{100.0 * lost[of].mean():.0f}"
        assert html.nice(loss.text) in text
    row = next(row for row in tables.rows(data, about) if row.label == "Occupied capacity")
    assert row.mean.value == pytest.approx(90.0, rel=1e-6)  # float32


@pytest.mark.parametrize(
    ("name", "label"), [("hourly_m", "Sold by the hour"), ("duties_m", "Green and self-use duties")]
)
def test_some_money_has_a_line_where_there_is_any(name, label):
    values = outcomes()
    assert label not in html.page(made(values), manifest())
    values[name] = np.full_like(values["revenue_m"], 70.0)
    assert label in html.page(made(values), manifest())


def test_grades_and_the_bad_year():
    assert lending.slot(0.004).startswith("strong")
    assert lending.slot(0.0041).startswith("good")
    assert lending.slot(0.6) == "beyond default"
    assert 0.01 < lending.stressed(0.01) < 0.2
    assert lending.stressed(0.0) == 0.0


def test_lives_without_a_return_are_counted_by_reason():
    data = made(outcomes())
    lacking = int(np.isnan(data["equity_irr_frac"].values).sum())
    assert lacking > 0
    assert lending.without_return(data) == f"{lacking} lives: nothing comes back"


def test_the_page_says_what_is_drawn_in_which_year():
    about = manifest()
    about["study"]["life"] = {"first_year": 2028}
    rows = [["2026", "2,000.0", "1,120.0"], ["2027", "3,000.0", "1,680.0"]]
    assert facts.draws(about) == (["debt", "equity"], rows)
    text = html.page(made(outcomes()), about)
    assert "2,000.0</td><td>1,120.0" in text
    assert "in the middle of each construction year, pro rata with equity" in text
    about["study"]["deal"]["construction"] = {"draws": "monthly", "equity_first": True}
    assert "in the middle of each month, after equity" in html.page(made(outcomes()), about)


def test_partners_have_a_line_each():
    about, values = manifest(), outcomes()
    about["study"]["deal"]["partners"] = {
        "solar": {"share_frac": 0.75, "calls_limit_m": 100.0}, "fund": {"share_frac": 0.25}
    }  # fmt: skip
    paths = len(values["world"])
    both = np.ones((paths, 2))
    values |= {
        "partner_irr_frac": 0.1 * both, "partner_npv_m": both, "partner_calls_m": 0.0 * both,
        "partner_distribution_m": 40.0 * both,
    }  # fmt: skip
    data = made(values, partner=("solar", "fund"))
    assert lending.partners(data, about) == [
        ("solar", "75", "2,100.0", "40", "10", "10", "0", "0", "100"),
        ("fund", "25", "700.0", "40", "10", "10", "0", "0", "none"),
    ]
    assert "<h3>Partners</h3>" in html.page(data, about)
    assert "<h3>Partners</h3>" not in html.page(made(outcomes()), manifest())


def test_tranches_stand_beside_the_loan():
    about, values = manifest(), outcomes()
    about["study"]["deal"]["debt"]["tranches"] = {
        "mezzanine": {"rate_frac_per_year": 0.08, "tenor_years": 9, "repayment": "equal_principal"}
    }
    debt = about["prepared"]["debt"]
    debt["draws"]["mezzanine_m"] = [200.0, 300.0]
    debt["tranches"] = {
        "mezzanine": {
            "amount_m": 500.0, "share_frac": 0.064, "binding": "max_share", "base_dscr_mean": 1.3,
            "base_dscr_min": 1.21, "llcr": None,
        }
    }  # fmt: skip
    paths = len(values["world"])
    late = np.where(np.arange(paths) % 4 == 0, 5.0, np.nan)[:, None]
    values |= {
        "tranche_service_m": np.ones((paths, YEARS, 1)), "tranche_dscr": values["dscr"][..., None] / 1.1,
        "tranche_default_year": late, "tranche_loss_m": np.nan_to_num(late), "tranche_llcr": late,
    }  # fmt: skip
    data = made(values, tranche=("mezzanine",))
    page = html.page(data, about)
    assert lending.tranches(about) == [
        ("mezzanine", "500.0", "6.4", "8 % fixed, 9 years, equal principal", "max share", "1.30", "1.21", "-")
    ]
    names, rows = facts.draws(about)
    assert names == ["debt", "mezzanine", "equity"]
    assert rows[0][1:] == ["2,000.0", "200.0", "1,120.0"]
    unpaid = next(e for e in defaults.events(data, about) if e.label == "Tranche mezzanine unpaid")
    assert unpaid.paths == paths // 4
    for text in ("Tranche mezzanine unpaid", "Behind the loan, by rank", "Loss of tranche mezzanine"):
        assert text in page, text
    assert "tranche" not in made(outcomes()).dims


def test_the_page_says_whose_the_servers_are():
    about = manifest()
    capex = {"pv": {"amount_m": 900.0}, "datacentre": {"amount_m": 1500.0}, "servers": {"amount_m": 0.0}}
    about["study"]["deal"]["capex"] = capex
    own = (
        "The project's own, million CNY: power plant with grid connection 900, shell of the data centre 1,500"
    )
    assert facts.boundary(about) == f"{own}; of others: servers (the tenants')"
    assert own in terminal.summary(made(outcomes()), about)
    assert "of others: servers (the tenants" in html.page(made(outcomes()), about)
    capex["servers"] = {"amount_m": 3000.0}
    assert facts.boundary(about) == f"{own}, servers 3,000"
    assert facts.boundary(manifest()) == ""


def test_the_page_says_what_being_late_does():
    values = outcomes()
    late = np.where(np.arange(400) % 4 == 0, 5.0, 0.0)
    values["default_year"] = np.where(late > 0, 1.0, np.nan)
    values["delay_months"], values["completion_shortfall_m"] = late, late
    about = manifest()
    about["study"]["deal"]["construction"] = {"draws": "mid_year", "overrun": {"sd_frac": 0.1}}
    rows = lending.delays(made(values), about)
    assert [row[:2] for row in rows] == [("in time", "300"), ("3 to 6", "100")]
    assert rows[0][3].startswith("0 of 300")
    assert rows[1][3].startswith("100 of 100")
    (short,) = (e for e in defaults.events(made(values), about) if e.label == "Completion shortfall")
    assert short.paths == 100
    text = html.page(made(values), about)
    assert "What a late completion does" in text
    assert "Completion late" in text
    plain = html.page(made(outcomes()), manifest())
    assert "late completion" not in plain
    assert "Completion" not in plain
