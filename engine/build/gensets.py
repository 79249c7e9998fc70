"""The section of gensets -> a set of machines, where it says that their units or their fuel count."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from scipy.stats import binom

from engine import chains, outages
from engine.build.fleets import kind
from engine.build.typed import f32
from engine.gensets import Gensets, Tank, Units
from engine.schema.fleet import Commitment, FuelTank
from engine.schema.fleet import Gensets as Section


def gensets(section: Section) -> Gensets | None:
    """None where the set follows the need as one machine whose fuel has no end."""
    if section.commitment is None and section.tank is None:
        return None
    units = _units(section, section.commitment) if section.commitment else None
    return Gensets(units, _tank(section.tank) if section.tank else None)


def _units(section: Section, said: Commitment) -> Units:
    fleet, failing = section.outage.units, said.start_failure_frac
    called = np.arange(fleet + 1)
    law = binom.pmf(called[None, :], called[:, None], failing)
    return Units(
        fleet=outages.fleets([kind(section.outage)]),
        unit_mw=f32(section.unit_mw),
        min_frac=f32(said.min_load_frac),
        beyond=f32(said.called_beyond_need),
        stuck=jnp.asarray(chains.tables(law).ravel()),
    )


def _tank(said: FuelTank) -> Tank:
    rate = np.inf if said.refill_mw is None else said.refill_mw
    return Tank(f32(said.full_mwh), f32(said.order_below_frac * said.full_mwh), f32(said.lead_h), f32(rate))
