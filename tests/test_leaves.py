"""Every setting matters: each leaf of the schema, changed by itself, changes a number of some life.

And a new number never recompiles, but where it sets a shape; and labels change no number.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import typing
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from engine import compose, session, setup, simulate
from engine.schema.study import Study
from tests import studies
from tests.door_weather import whole_record
from weather import climate as climates

PATHS, YEARS = 32, 2
SHAPES = {
    "life.step_minutes",
    "life.years",
    "deal.debt.repayment",
    "deal.debt.tranches.second.repayment",
    "deal.debt.tranches.last.repayment",
    "deal.construction.draws",
    "deal.construction.delay.moves_phases",
    "deal.debt.periods_per_year",
    "deal.revenue.ppa.buyer_else_per_kwh",
    "deal.revenue.ppa.volume.make_up_years",
    "deal.tax.loss_carry_years",
    "pv.cell.model",
    "pv.reflected",
    "grid.islanding",
    "grid.tariff.peak.days",
    "grid.tariff.valley.days",
}
FIXED = {  # the first phase begins with operation, hours that are left are of all days, and what is renewed
    # is renewed in the last year
    "phases.half.from_month",
    "grid.tariff.flat.days",
    "deal.renewals.halls.in_year",
    "deal.partners.solar.share_frac",  # shares sum to 1: `test_finance_partners` moves both
    "deal.partners.fund.share_frac",
    "deal.partners.city.share_frac",
}
LABELS = {"name", "description", "deal.currency", "pv.name", "wind.name"}
SPOT = {  # in a study of its own, for it excludes an agreement where it does not sell at any price
    "cap_multiple": 1.6,
    "floor_multiple": 0.1,
    "sells_from_multiple": 0.5,
}
LOAN = {  # terms that a loan may have, in a study of their own
    "letter_of_credit": {"fee_frac_per_year": 0.01, "margin_frac_per_year": 0.02},
    "forward_lockup_dscr": 1.3,
    "sweep": {"share_frac": 0.5, "from_dscr": 1.1, "under_dscr": 2.0},
    "cure": {"times": 1, "limit_m": 60.0},
    "sponsor_support_m": 20.0,
    "deferrals": 1,
    "floating": {
        "margin_frac_per_year": 0.01,
        "swapped_frac": 0.6,
        "level_sd_frac": 0.2,
        "yearly_sd_frac": 0.2,
    },
}
BEHIND = {  # tranches behind a small loan, whose shares bind, with what they float by
    "floating": LOAN["floating"],
    "dscr_p50": 5.0,
    "lockup_dscr": 5.0,  # many lives are locked up
    "max_gearing_frac": 0.05,
    "max_total_gearing_frac": 0.1,
    "tranches": {
        "second": {
            "max_share_frac": 0.02,
            "dscr_p50": 1.1,
            "dscr_p90": 1.0,
            "rate_frac_per_year": 0.06,
            "swapped_frac": 0.5,
            "tenor_years": 2,
            "upfront_fee_frac": 0.01,
            "commitment_fee_frac_per_year": 0.005,
            "sweep_frac": 0.3,
        },
        "last": {
            "max_share_frac": 0.2,
            "dscr_p50": 1.05,
            "dscr_p90": 1.0,
            "rate_frac_per_year": 0.08,
            "swapped_frac": 0.0,
            "tenor_years": 2,
            "upfront_fee_frac": 0.01,
            "commitment_fee_frac_per_year": 0.005,
            "sweep_frac": 0.5,
        },
    },
}
CHANGED: dict[str, Any] = {  # where a tenth more, or one less, is no study or no change
    "description": "another",
    "name": "another",
    "pv.name": "another",
    "wind.name": "another",
    "deal.currency": "EUR",
    "deal.capex.spend_frac": (0.3, 0.7),
    "deal.construction.draws": "mid_year",
    "deal.construction.delay.moves_phases": False,
    "deal.construction.equity_first": True,
    "deal.construction.month_weights": (1.0,) * 23 + (2.0,),
    "grid.orders.midday.begin_h": (8, 11, 12),
    "grid.orders.midday.hours": (5, 4, 1),
    "grid.orders.midday.season": (1.0,) * 6 + (-1.0,) * 6,
    "grid.orders.night.begin_h": (13, 23, 26),
    "grid.orders.night.hours": (20, 7, 3),
    "grid.orders.night.season": (1.0,) * 6 + (-1.0,) * 6,
    "grid.islanding": "none",
    "grid.limits.evening.hours": ((16, 20),),
    "grid.limits.spring.hours": ((10, 13), (23, 2)),
    "grid.limits.spring.months": (3, 4, 6),
    "grid.tariff.peak.days": "weekdays",
    "grid.tariff.valley.days": "weekends",
    "grid.tariff.peak.hours": ((8, 11), (17, 21)),
    "grid.tariff.valley.hours": ((22, 7),),
    "grid.tariff.valley.months": (1, 2, 3, 4),
    "deal.direct_supply.of_generation_frac": 1.0,
    "deal.direct_supply.of_consumption_frac": (1.0, 1.0),
    "deal.debt.covenant_dscr": 0.5,
    "deal.debt.dscr_p50": 5.0,  # until it binds
    "deal.debt.dscr_p99": 5.0,  # until it binds
    "deal.debt.max_gearing_frac": 0.05,  # until it binds
    "deal.debt.min_llcr": 5.0,  # until it binds
    "deal.debt.dsra_months": 12,
    "deal.debt.lockup_dscr": 1.3,
    "deal.debt.p90_over": "life",
    "deal.debt.periods_per_year": 4,
    "deal.debt.repayment": "annuity",
    "deal.debt.tranches.second.dscr_p50": 5.0,  # until it binds
    "deal.debt.tranches.second.dscr_p90": 5.0,  # until it binds
    "deal.debt.tranches.second.repayment": "annuity",
    "deal.debt.tranches.second.locked_up": True,
    "deal.debt.tranches.last.dscr_p50": 5.0,  # until it binds
    "deal.debt.tranches.last.dscr_p90": 5.0,  # until it binds
    "deal.debt.tranches.last.repayment": "annuity",
    "deal.debt.tranches.last.locked_up": True,
    "deal.debt.tranches.last.max_share_frac": 0.001,
    "deal.debt.sweep.from_dscr": 1.9,
    "deal.debt.sweep.under_dscr": 1.2,
    "deal.debt.sale_multiple": 0.25,  # of the one year left
    "deal.renewals.halls.of": "battery",
    "deal.revenue.ppa.buyer_else_per_kwh": 0.5,
    "deal.revenue.spot.falls_with_sun_frac": (0.5,) * 24,
    "deal.revenue.spot.mechanism_by_kind": False,
    "deal.revenue.sla_events.any.tier": "firm",
    "deal.revenue.sla_events.any.unserved_frac": 0.9,
    "deal.revenue.sla_bands.deferrable.over_minutes": (40_000.0,),
    "deal.revenue.sla_bands.firm.over_minutes": (40_000.0,),
    "deal.tax.loss_carry_years": 0,
    "deal.tax.rate_frac": 0.3,
    "deal.tax.regime": None,
    "deal.tax.table": "china",
    "deal.tax.vat.place": "town",
    "deal.tax.vat.prices_include": True,
    "life.step_minutes": 30,
    "load.hot_days.by": "dry_bulb",
    "load.humidity.dew_point_c": (8.0,) * 12,
    "life.years": YEARS + 1,
    "phases.whole.pv_frac": 1.0,
    "phases.whole.wind_frac": 1.0,
    "phases.whole.battery_frac": 1.0,
    "phases.whole.gensets_frac": 1.0,
    "phases.whole.it_frac": 1.0,
    "wind.icing.moist_frac": (0.5,) * 12,
    "wind.curve.turbine": "E-126/4200",
    "wind.wakes.curve": "dena_mean",
    "prepare.paths": 128,
    "pv.cell.model": "sapm",
    "pv.dust.rain_days": (3.0,) * 12,
    **{f"{_at}.dark_correlation": 0.8 for _at in ("pv.dust", "pv.snow", "wind.icing")},
    "pv.snow.days": (9.0,) * 12,
    "pv.cover": "glass",
    "pv.inverter_curve": "flat",
    "pv.mount": "fixed",
    "pv.reflected": "all",
    "pv.sky": "isotropic",
    "pv.soiling_frac": (0.2,) * 12,
    "wind.outage.harsh_weather.side": "above",
    "wind.outage.harsh_weather.variable": "wind_speed",
}
_BETWEEN = (
    *("pv.transformers", "wind.transformers", "grid.transformers"),
    *("load.it_blocks", "load.cooling_blocks"),
)
for _machine in ("pv", "wind", "battery", "gensets", "grid", *_BETWEEN):
    CHANGED |= {f"{_machine}.outage.mode": "perfect", f"{_machine}.outage.start": "all_up"}


ANCHOR = {
    "share_frac": 0.3,
    "default_frac_per_year": 0.4,
    "default_correlation_frac": 0.3,
    "vacant_months": 4,
    "relet_rent_frac": 0.8,
    "relet_rent_sd_frac": 0.2,
    "rent_free_months": 2,
}


HOURLY = {
    "share_frac": 0.2,
    "utilisation_frac": 0.7,
    "price_per_kwh": 0.3,
    "price_change_frac_per_year": -0.1,
    "price_sd_frac": 0.2,
    "price_change_sd_frac": 0.05,
    "price_yearly_sd_frac": 0.1,
}


HEAT = {  # of the halls, and the air that cools them
    "humidity": {"dew_point_c": (9.0,) * 12, "elevation_m": 1200.0},
    "economiser": {"supply_c": 18.0, "return_c": 28.0},
    "hot_days": {"by": "wet_bulb", "full_below_c": 12.0, "lost_frac_per_c": 0.2, "least_frac": 0.3},
}


LYING = {  # what weather leaves, by the field
    "wind": {
        **{"cut_out_mps": 14.0, "restart_mps": 12.5},
        "icing": {"moist_frac": (0.4,) * 12, "from_c": -6.0, "to_c": 3.0, "melted_frac_per_c_h": 0.02},
    },
    "pv": {
        "snow": {"days": (6.0,) * 12, "under_c": 3.0, "strings_along_slope": 3},
        "dust": {"lost_frac_per_day": 0.01, "rain_days": (2.0,) * 12, "grace_days": 5, "most_frac": 0.1},
    },
}


DIRECT = {  # the second year fails by what is used, none by what is made
    "of_generation_frac": 0.01,
    "of_consumption_frac": (0.0, 1.0),
    "exported_frac": 0.01,
    "levy_per_kwh": 0.02,
    "excess_export_per_kwh": 0.02,
}


FLAT = {"mw": 10.0, "month_multiple": (0.5,) * 11 + (1.0,)}  # owed by contract, with a remedy of either kind
REMEDIES = {"replacement_per_kwh": 0.4}, {"damages_per_kwh": 0.2, "surplus_per_kwh": 0.1}


def base_study() -> Study:
    """The study of every branch, in a market so wild that some lives default and some profit early."""
    return studies.rich(
        climate="zhongwei",
        life__years=YEARS,
        deal__debt__dscr_p90=1.6,  # it binds
        deal__debt__tenor_years=YEARS - 1,  # a project in default has a year left to be sold
        deal__construction={
            "draws": "monthly",
            "overrun": {"mean_frac": 0.03, "sd_frac": 0.1, "contingency_frac": 0.02},
            "delay": {
                "probability_frac": 0.4,
                "mean_months": 2.0,
                "longest_months": 4,
                "damages_m_per_day": 0.05,
                "damages_cap_m": 3.0,
            },
            "correlation": 0.4,
            "guarantee_m": 40.0,
        },
        deal__capex__servers={"amount_m": 40.0, "tax_life_years": 3},
        deal__capex__datacentre={"amount_m": 1200.0, "tax_life_years": 1},  # a loss, then profits
        deal__renewals={
            "halls": {"of": "datacentre", "in_year": YEARS, "amount_m": 20.0, "saved_over_years": 1}
        },
        deal__revenue__lease_price_per_kw_month=560.0,
        deal__revenue__tenants={"anchor": ANCHOR},
        deal__revenue__hourly=HOURLY,
        deal__partners={
            "solar": {"share_frac": 0.5, "calls_limit_m": 5.0},
            "fund": {"share_frac": 0.3, "calls_limit_m": 8.0},
            "city": {"share_frac": 0.2},
        },
        deal__green_duty={"required_frac": (0.95, 0.97), "certificate_per_mwh": 30.0},
        deal__direct_supply=DIRECT,
        battery__outage__units=5,
        grid__outage__mttr_h=60.0,  # some begin without a circuit
        uncertainty__worlds=16,
        uncertainty__lease_price_sd_frac=1.2,
    )


def fields(section: BaseModel, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every leaf of a section, those of named sections in it too, and whether it is a label."""
    for name, field in type(section).model_fields.items():
        value, here = getattr(section, name), (*at, name)
        if isinstance(value, BaseModel):
            yield from fields(value, here)
        elif isinstance(value, dict):
            for key, below in value.items():
                yield from fields(below, (*here, key))
        elif isinstance(value, tuple) and isinstance(value[0], BaseModel):
            for n, below in enumerate(value):
                yield from fields(below, (*here, str(n)))
        else:
            extra = field.json_schema_extra
            yield here, isinstance(extra, dict) and bool(extra.get("label"))


def optional(model: type[BaseModel]) -> Iterator[str]:
    """Names of sections that a study may leave out, by their models."""
    for name, field in model.model_fields.items():
        for below in parts(field.annotation):
            yield from ([name] if type(None) in typing.get_args(field.annotation) else [])
            yield from optional(below)


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for below in typing.get_args(annotation):
        yield from parts(below)


def other_studies() -> list[Study]:
    """The branches that those of the base exclude, several in a study: each study is compiled anew."""
    base = base_study().model_dump()
    knots = {"speeds_mps": (2.0, 8.0, 13.0, 26.0), "output_frac": (0.1, 0.4, 1.0, 0.9), "cut_out_mps": 22.0}
    wakes = {"speeds_mps": (5.0, 14.0), "speed_frac": (0.9, 1.0)}
    plain = {"cut_in_mps", "rated_mps", "cut_out_mps", "shear_exponent"}
    wind = {k: v for k, v in base["wind"].items() if k not in plain}
    density = {"pressure_hpa": 900.0}
    losses = base["grid"]["outage"] | {"common_cause": {"frac": 0.3}}  # of the whole connection
    fixed = {k: v for k, v in base["pv"].items() if k != "mount"}
    load = {k: v for k, v in base["load"].items() if k != "free_cooling_below_c"}
    debt = base["deal"]["debt"] | LOAN | {"tenor_years": YEARS}
    debt_behind = base["deal"]["debt"] | BEHIND | {"tenor_years": YEARS}
    counted = {"any": {"tier": "deferrable", "lasting_minutes": 60.0, "credit_frac": 0.01}}
    selling = base["deal"]["revenue"] | {"ppa": None, "spot": SPOT, "sla_events": counted}
    owing = [base["deal"]["revenue"]["ppa"] | {"volume": None, "baseload": FLAT | x} for x in REMEDIES]
    flat = [base["deal"]["revenue"] | {"ppa": agreed} for agreed in owing]
    others = (
        {"wind": wind | {"curve": knots, "roughness_m": 0.1, "wakes": wakes, "density": density}}
        | {"grid": base["grid"] | {"outage": losses, "ride_through_frac": 0.5}},
        {"wind": wind | {"curve": {"turbine": "V126/3450"}}, "deal": base["deal"] | {"revenue": selling}},
        {"deal": base["deal"] | {"debt": debt}},
        {"deal": base["deal"] | {"debt": debt_behind}},
        {"load": load | HEAT, "deal": base["deal"] | {"revenue": flat[0]}},
        {"wind": base["wind"] | LYING["wind"], "pv": fixed | LYING["pv"]}
        | {"deal": base["deal"] | {"revenue": flat[1]}},
    )
    return [Study.model_validate(base | other) for other in others]


def at(study: Study, name: str) -> Any:
    """The value of a leaf, None where its section is left out."""
    keys = name.split(".")
    return functools.reduce(lambda held, key: held.get(key) if held else None, keys, study.model_dump())


LEAVES = {".".join(key): label for key, label in fields(base_study())}
OTHERS = [  # of each, what the base leaves out
    {name for name in map(".".join, dict(fields(study))) if at(base_study(), name) is None}
    - {name for name in map(".".join, dict(fields(study))) if at(study, name) is None}
    for study in other_studies()
]
WEATHER = {name for name in LEAVES if name.startswith("weather.")}
UNSET = {name for name in LEAVES if at(base_study(), name) is None} - set(CHANGED)
SAPM = {name for name in LEAVES if name.startswith("pv.cell.sapm_")}  # another model's, tried by itself


@pytest.fixture(scope="module")
def base() -> Study:
    return base_study()


@pytest.fixture(scope="module")
def lives(machine, base):
    """Outcomes of a study; energy that has been lived before, bit by bit the same, is not lived again."""

    def outcomes(study: Study) -> dict[str, np.ndarray]:
        run = setup.set_up(study, 1, PATHS, None, machine)
        return compose.lives(run, compose.prepared(run, session.quiet), np.arange(PATHS), session.quiet)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "operate", remembered(simulate.operate))
        yield outcomes


@pytest.fixture(scope="module")
def first(lives, base) -> dict[str, np.ndarray]:
    return lives(base)


def remembered(function):
    """The same pure function, with its results kept by the content of what it is given."""
    kept: dict[str, Any] = {}

    @functools.wraps(function)
    def call(on, plant, threshold, source, calls, progress):
        said = {f.name: getattr(source, f.name) for f in dataclasses.fields(source) if f.name != "mesh"}
        known = hashlib.sha256(type(source).__name__.encode())
        for leaf in jax.tree.leaves((said, plant, threshold, calls)):
            known.update(np.asarray(leaf).tobytes())
        key = known.hexdigest()
        if key not in kept:
            kept[key] = function(on, plant, threshold, source, calls, progress)
        return kept[key]

    return call


@pytest.fixture(scope="module")
def compiled():
    """A list that grows with each program that is compiled."""
    found: list[str] = []

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event.endswith("backend_compile_duration"):
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return found


def changed(study: Study, name: str, value: Any) -> Study:
    values = study.model_dump()
    *above, last = name.split(".")
    functools.reduce(below, above, values)[last] = value
    return Study.model_validate(values)


def value_of(study: Study, name: str) -> Any:
    return functools.reduce(below, name.split("."), study.model_dump())


def below(held: Any, key: str) -> Any:
    """What a section holds by a name, or a list of sections by a number."""
    return held[int(key)] if isinstance(held, tuple) else held[key]


def perturbed(study: Study, name: str) -> Study:
    """The study with another value of one leaf: stated, or a tenth more or less, or one less or more."""
    value, said = value_of(study, name), of_any(name)
    if said in CHANGED:
        return changed(study, name, CHANGED[said])
    if isinstance(value, tuple):
        return changed(study, name, (0.9 * value[0], *value[1:]))
    whole = isinstance(value, int)
    for other in (value - 1, value + 1) if whole else (value * 1.1, value * 0.9, value + 0.1):
        try:
            if other != value:
                return changed(study, name, other)
        except ValidationError:
            continue
    raise AssertionError(f"{name}: no other value is a study")


def of_any(name: str) -> str:
    """A leaf of an item of a list, as it is called where there is one section."""
    return ".".join(part for part in name.split(".") if not part.isdecimal())


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(
        one[name].shape == other[name].shape
        and np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f")
        for name in one
    )


def test_every_branch_is_active(first):
    """Else a leaf might be dead for want of a life that meets it."""
    happens = ("exported_mwh", "genset_mwh", "unserved_compute_h", "tax_m", "reserve_draw_m", "lockup")
    assert [name for name in happens if not first[name].any()] == []
    assert (first["curtailed_by_cause_mwh"][..., [0, 1, 3]] > 0).any(axis=(0, 1)).all()
    assert 0 < np.isfinite(first["default_year"]).sum() < PATHS


def left_out(base: Study) -> set[str]:
    """Leaves without a value here, and with one at another machine."""
    values = {name: value_of(base, name) for name in LEAVES}
    said = {part for name, value in values.items() if value is not None for part in name.split(".")}
    return {name for name, value in values.items() if value is None and name.rpartition(".")[2] in said}


def test_every_section_that_may_be_left_out_is_there():
    walked = set(LEAVES).union(*OTHERS)
    said = {part for name in walked for part in name.split(".")[:-1]}
    assert [name for name in optional(Study) if name not in said] == []


def test_labels_are_these_and_change_no_number(lives, first, base):
    assert {name for name, label in LEAVES.items() if label} == LABELS
    for name in LABELS:
        assert same(first, lives(perturbed(base, name))), name


def test_every_leaf_changes_a_number_and_none_recompiles(lives, first, base, compiled):
    for name in ("load.pue_free", "deal.debt.max_gearing_frac", "prepare.paths"):
        lives(perturbed(base, name))  # small programs that only a second study needs
    dead, costly = [], {}
    aside = LABELS | FIXED | {"climate"} | WEATHER | SAPM | UNSET | left_out(base)
    for name in sorted(set(LEAVES) - aside):
        before = len(compiled)
        if same(first, lives(perturbed(base, name))):
            dead.append(name)
        if len(compiled) > before and name not in SHAPES:
            costly[name] = len(compiled) - before
    assert dead == []
    assert costly == {}


def test_branches_that_exclude_one_another_matter_too(lives, compiled):
    sections = {
        *("wind.icing", "pv.snow", "pv.dust"),
        *("pv.site", "wind.site"),  # test_elsewhere: they change the weather of what names them
        "climate",
        "wind.curve",
        *("deal.revenue.spot", "deal.revenue.ppa.baseload"),
        *(f"deal.debt.{key}" for key in LOAN | BEHIND),
        *(f"load.{key}" for key in HEAT),
    }
    assert UNSET - left_out(base_study()) - WEATHER - sections <= set().union(*OTHERS)
    for study, names in zip(other_studies(), OTHERS, strict=True):
        first = lives(study)
        before = len(compiled)
        for name in sorted(names - SHAPES):
            assert not same(first, lives(perturbed(study, name))), name
        assert len(compiled) == before
        assert [name for name in sorted(names & SHAPES) if same(first, lives(perturbed(study, name)))] == []


def test_the_other_model_s_cells_matter_and_none_recompiles(lives, base, compiled):
    study = changed(base, "pv.cell.model", "sapm")
    first, before = lives(study), len(compiled)
    assert [name for name in sorted(SAPM) if same(first, lives(perturbed(study, name)))] == []
    assert len(compiled) == before


def test_perez_s_sky_matters(lives, first, base):
    assert not same(first, lives(changed(base, "pv.sky", "perez")))


def test_every_leaf_of_a_second_array_and_farm_matters_and_none_recompiles(lives, base, compiled):
    values = base.model_dump()
    two = {key: (values[key], values[key] | {"name": "other"}) for key in ("pv", "wind")}
    study = Study.model_validate(values | two)
    first, before = lives(study), len(compiled)
    names = {".".join(key) for key, label in fields(study) if not label and key[1:2] == ("1",)}
    aside = SHAPES | SAPM | UNSET | left_out(base)
    dead = [
        name
        for name in sorted(names)
        if of_any(name) not in aside and same(first, lives(perturbed(study, name)))
    ]
    assert dead == []
    assert len(compiled) == before
    assert same(first, lives(changed(study, "pv.1.name", "another")))


def test_the_climate_matters(lives, first, base, tmp_path):
    _, site, _ = climates.load("zhongwei")
    climates.save(tmp_path / "other.nc", [(studies.climate(), site)], {})
    assert not same(first, lives(changed(base, "climate", str(tmp_path / "other.nc"))))


def test_the_weather_s_leaves_matter_and_none_recompiles(lives, base, compiled, tmp_path):
    """On a bootstrap of a record. An ensemble instead is a test of `test_sources`."""
    for name, first_hour in (("r", 0), ("other", 8760)):
        # where its sun is in its hour, as means and as moments
        made = whole_record(2, first_hour).assign_attrs(longitude=112.7)
        made.to_netcdf(tmp_path / f"{name}.nc", engine="netcdf4")
    cut = {"source": "bootstrap", "file": str(tmp_path / "r.nc")}
    study = changed(base, "grid.orders.wind_curtailed_frac", 0.02)  # it is calm there at night
    study = Study.model_validate(study.model_dump() | {"climate": None, "weather": cut})
    first = lives(study)
    others = {
        "block_days": 9,
        "window_days": 14,
        "instantaneous": True,
        "file": str(tmp_path / "other.nc"),
        "source": "history",
    }
    assert {f"weather.{key}" for key in others} == WEATHER
    before = len(compiled)
    for key, value in others.items():
        if key == "source":
            assert len(compiled) == before
        assert not same(first, lives(changed(study, f"weather.{key}", value))), key
