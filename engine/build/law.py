"""A country's table of taxes, read, checked, and asked for its rates by calendar year."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.schema.law import Rates, TaxLaw
from weather.schema import InputError

KEY = "deal.tax.table"
TABLES = resources.files("engine.finance") / "tables"


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
    found = np.full(len(years), np.nan)
    for entry in entries:
        last = np.inf if entry.last_year is None else entry.last_year
        found = np.where((years >= entry.first_year) & (years <= last), entry.frac, found)
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
    found = general
    for entry in chosen(law.regimes, "deal.tax.regime", regime):
        last = np.inf if entry.last_year is None else entry.last_year
        found = np.where((years >= entry.first_year) & (years <= last), entry.frac, found)
    return found


def chosen(named: dict[str, Rates], key: str, name: str) -> Rates:
    if name not in named:
        raise InputError(f"{key}: should be one of {', '.join(named) or 'none'} of the table (got {name!r})")
    return named[name]


def _tuples(value):
    """Lists as the tuples that a frozen section holds."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
