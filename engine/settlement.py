"""What comes once in a life: its prices, and the cash that its energy leads to, down to default.

Written for one path; `simulate` maps it over many.
"""

from __future__ import annotations

from engine import world
from engine.deal import Deal
from engine.finance import completion, contracts, waterfall
from engine.finance.debt import Debt
from engine.finance.waterfall import CashFlow
from engine.flows import Totals
from engine.plant import Plant
from engine.world import Market
from weather.random import Stream


def market(plant: Plant, stream: Stream) -> Market:
    """Prices and occupancy of one path, its loan's base rate, and how its construction ends."""
    planned, risks = plant.planned_occupancy, plant.construction
    found = world.market(plant.unknowns, planned, stream, plant.worlds, plant.tenants)
    if plant.base_rate is not None:
        rate = world.base_rate(plant.base_rate, stream, plant.worlds, planned.shape[0])
        found = found._replace(base_rate=rate)
    return found if risks is None else found._replace(completion=completion.drawn(risks, stream))


def settle(deal: Deal, debt: Debt, operations: Totals, market: Market) -> CashFlow:
    """The cash of one path from its energy, `operations` [year, 12] float64 MWh."""
    return waterfall.run(deal, debt, contracts.operations(operations), market)
