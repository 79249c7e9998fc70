"""A country's table, read, checked, and asked for its rates and tests by calendar year."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.schema.law import Rates, TaxLaw
from weather.schema import InputError

KEY = "deal.tax.table"
TABLES = resources.files("engine.finance") / "tables"


class SupplyTest(NamedTuple):
    """A yearly test of own supply. outcome: of `engine.results`, that is held against `wanted`.

    wanted: [year], NaN where the law knows none. at_least: else at most. sources: of the thresholds, as they
    follow one another.
    """

    label: str
    outcome: str
    at_least: bool
    wanted: np.ndarray
    sources: tuple[str, ...]


TESTS = {  # of `SupplyLaw`: label, outcome, whether it is a least
    "self_used_of_generation": ("Self-use of generation", "self_used_frac", True),
    "self_used_of_load": ("Self-use of the load", "green_frac", True),
    "exported_of_generation": ("Export of generation", "exported_frac", False),
    "green_of_centre": ("Green share of the data centre", "green_frac", True),
}


def shipped() -> list[str]:
    return sorted(f.name.removesuffix(".yaml") for f in TABLES.iterdir() if f.name.endswith(".yaml"))


def text(name: str) -> str:
    """Of a shipped table or a file. Raises InputError where there is neither."""
    if name in shipped():
        return (TABLES / f"{name}.yaml").read_text(encoding="utf-8")
    if not Path(name).is_file():
        raise InputError(f"{KEY}: {name}: no such table or file; shipped: {', '.join(shipped())}")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{KEY}: {name}: cannot be read ({error})") from error


def digest(name: str) -> str:
    return hashlib.sha256(text(name).encode()).hexdigest()


def load(name: str) -> TaxLaw:
    """Raises InputError with the first thing that is wrong."""
    try:
        return TaxLaw.model_validate(_tuples(YAML(typ="safe").load(text(name))))
    except YAMLError as error:
        raise InputError(f"{KEY}: {name}: is not YAML ({' '.join(str(error).split())[:80]})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{KEY}: {name}: {key}: {first['msg']}") from error


def rates(law: TaxLaw, what: str, entries: Rates, years: np.ndarray) -> np.ndarray:
    """[year] the rate of each calendar year. Raises InputError for a year that the table does not know."""
    found = _dated(entries, years, np.full(len(years), np.nan))
    missing = years[np.isnan(found)]
    if len(missing):
        raise InputError(
            f"{KEY}: {law.country}'s {what} is not known for {missing[0]}, and the deal needs "
            f"{years[0]} to {years[-1]}"
        )
    return found


def income_tax(law: TaxLaw, regime: str | None, years: np.ndarray) -> np.ndarray:
    """[year] rate of income tax; where a reduced one ends the general one returns."""
    general = rates(law, "income_tax", law.income_tax, years)
    if regime is None:
        return general
    return _dated(chosen(law.regimes, "deal.tax.regime", regime), years, general)


def supply_tests(law: TaxLaw, years: np.ndarray) -> list[SupplyTest]:
    """Of own supply in these calendar years; those alone that the law has for one of them."""
    found = []
    for name, (label, outcome, at_least) in TESTS.items() if law.own_supply is not None else ():
        entries: Rates = getattr(law.own_supply, name)
        wanted = _dated(entries, years, np.full(len(years), np.nan))
        held = tuple(x.source for x in entries if np.isfinite(_dated((x,), years, wanted * np.nan)).any())
        if held:
            found.append(SupplyTest(label, outcome, at_least, wanted, held))
    return found


def _dated(entries: Rates, years: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """[year] the rate of each calendar year that has one, the later entry where two have it."""
    for entry in entries:
        last = np.inf if entry.last_year is None else entry.last_year
        otherwise = np.where((years >= entry.first_year) & (years <= last), entry.frac, otherwise)
    return otherwise


def chosen(named: dict[str, Rates], key: str, name: str) -> Rates:
    if name not in named:
        raise InputError(f"{key}: should be one of {', '.join(named) or 'none'} of the table (got {name!r})")
    return named[name]


def _tuples(value):
    """Lists as the tuples that a frozen section holds."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
