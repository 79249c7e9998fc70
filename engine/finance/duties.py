"""Duties of a year: certificates for the green energy that it lacks, and what failed tests of self-use cost.

A year is an operating year, and settles in its last month. Green is what the site used and neither bought nor
made by fuel. Self-use is what sun and wind gave and was neither curtailed nor exported, over what they could
have given at the bus, as the notice on direct supply counts it (NDRC and NEA 2025, no. 650: of available
generation). What follows from a failed test no published rule says: here the exemption of self-used
energy from transmission charges and levies is lost for that year. Left out: a loss of the exemption for good,
and tests by months.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class GreenDuty(NamedTuple):
    """[year]. required: share of the site's energy. certificate_per_mwh: nominal, without VAT."""

    required: jax.Array
    certificate_per_mwh: jax.Array


class DirectSupply(NamedTuple):
    """of_generation, exported: [] shares of generation. of_consumption: [year]. levy_per_kwh,
    excess_export_per_kwh: [year], nominal, without VAT."""

    of_generation: jax.Array
    of_consumption: jax.Array
    exported: jax.Array
    levy_per_kwh: jax.Array
    excess_export_per_kwh: jax.Array


class Year(NamedTuple):
    """MWh [year]. served: site energy. green: of it, from its own sun and wind. generation: what these could
    have given at the bus. self_used: of it, neither curtailed nor exported; both None where none asks."""

    served: jax.Array
    green: jax.Array
    exported: jax.Array
    generation: jax.Array | None = None
    self_used: jax.Array | None = None


class Owed(NamedTuple):
    """Million [year], None where the deal has no such duty."""

    certificates: jax.Array | None = None
    levy: jax.Array | None = None
    excess_export: jax.Array | None = None


def owed(duty: GreenDuty | None, direct: DirectSupply | None, year: Year) -> Owed:
    found = Owed()
    if duty is not None:
        found = found._replace(certificates=duty.certificate_per_mwh * missing_mwh(duty, year) / 1e6)
    if direct is None:
        return found
    return found._replace(
        levy=direct.levy_per_kwh * levied_mwh(direct, year) * 1e3 / 1e6,
        excess_export=direct.excess_export_per_kwh * excess_mwh(direct, year) * 1e3 / 1e6,
    )


def missing_mwh(duty: GreenDuty, year: Year) -> jax.Array:
    """[year] green energy that is bought as certificates."""
    return jnp.maximum(duty.required * year.served - year.green, 0.0)


def fails(terms: DirectSupply, year: Year) -> jax.Array:
    """[year] whether a test of self-use fails."""
    self_used, generation = _asked(year.self_used), _asked(year.generation)
    return (self_used < terms.of_generation * generation) | (year.green < terms.of_consumption * year.served)


def levied_mwh(terms: DirectSupply, year: Year) -> jax.Array:
    """[year] self-used energy that the levy falls on."""
    return jnp.where(fails(terms, year), year.green, 0.0)


def excess_mwh(terms: DirectSupply, year: Year) -> jax.Array:
    """[year] exported beyond what is allowed."""
    return jnp.maximum(year.exported - terms.exported * _asked(year.generation), 0.0)


def _asked(energy: jax.Array | None) -> jax.Array:
    assert energy is not None, "tests of direct supply ask for generation and its self-use"
    return energy
