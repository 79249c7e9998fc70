"""A set of gensets hour by hour, unit by unit: who is called, who starts, what the tank gives."""

from __future__ import annotations

import math

from engine.build.fleets import kind
from tests.reference import fleets, plant, random
from weather.random import Purpose

CRUMB = 1e-4  # of a unit


class Set:
    """The machines of one path. section: of the study; kind: of their fleet; tables: of each of its laws
    (accept, alias, start_accept, start_alias); stuck: (accept, alias) of those that do not start by those
    called.
    """

    def __init__(self, section, kind, tables, stuck, names):
        self.section, self.kind, self.tables, self.stuck, self.names = section, kind, tables, stuck, names
        self.running = self.failed = 0
        if section.commitment is not None:
            word = random.words(*names, Purpose.GENSET_START, 0, 0)[0]
            self.failed = plant.drawn(*tables[0][2:], word)
        self.left_mwh = section.tank.full_mwh if section.tank else math.inf
        self.comes_in_h = None  # hours until ordered fuel comes

    def hour(self, year, t, need_mw, capacity_mw, air, unit_mw, dt_h=1.0, part=0):
        """MW made in a part of an hour. capacity_mw: of a set whose units are not counted. air: (C, m/s) of
        the hour. unit_mw: that stand.
        """
        tank = self.section.tank
        if tank and self.comes_in_h is not None and self.comes_in_h <= 0:
            brought = math.inf if tank.refill_mw is None else tank.refill_mw * dt_h
            self.left_mwh = min(self.left_mwh + brought, tank.full_mwh)
            if self.left_mwh == tank.full_mwh:
                self.comes_in_h = None
        if self.section.commitment is None:
            made = min(need_mw, capacity_mw)
        else:
            made = self._made(year, t, need_mw, air, unit_mw, part)
        if tank:
            made = min(made, self.left_mwh / dt_h)
            self.left_mwh -= made * dt_h
            if self.comes_in_h is not None:
                self.comes_in_h -= dt_h
            elif self.left_mwh < tank.order_below_frac * tank.full_mwh:
                self.comes_in_h = tank.lead_h
        return made

    def _made(self, year, t, need_mw, air, unit_mw, part):
        said = self.section.commitment
        if part == 0:
            words = random.words(*self.names, Purpose.GENSET, year, t)
            accept, alias, _, _ = self.tables[fleets.law_of_hour(self.kind, t, *air)]
            self.failed = plant.drawn(accept[self.failed], alias[self.failed], words[0])
        else:
            words = random.words(*self.names, Purpose.GENSET_PART, year, t, substep=part)
        able = round(fleets.available(self.kind._replace(needed=None), self.failed, t) * self.kind.units)
        wanted = 0
        if unit_mw > 0 and self.left_mwh > 0:
            wanted = min(math.ceil(need_mw / unit_mw - CRUMB), able)
        self.running = min(self.running, able)  # of the failed the idle ones come first
        called = 0
        if wanted > self.running:
            called = min(wanted - self.running + said.called_beyond_need, able - self.running)
        accept, alias = self.stuck
        stuck = plant.drawn(accept[called], alias[called], words[1])
        self.failed += stuck
        self.running = min(wanted, self.running + called - stuck)
        least = self.running * said.min_load_frac * unit_mw
        return min(max(need_mw, least), self.running * unit_mw)


def stuck_tables(units):
    """(accept [called][column], alias) of `gensets.Units`."""
    columns = 2 ** int(units.fleet.bits[0])
    entries = [int(x) for x in units.stuck]
    rows = [entries[columns * k : columns * (k + 1)] for k in range(columns)]
    return [[x >> 32 for x in row] for row in rows], [[x & random.MASK for x in row] for row in rows]


def of_plant(study, gensets, names):
    """The set of a study's path, None where neither units nor fuel count. gensets: of the plant."""
    section = study.gensets
    if gensets is None:
        return None
    if gensets.units is None:
        return Set(section, None, None, None, names)
    fleet = gensets.units.fleet
    laws = len(fleet.chain) // 4 ** int(fleet.bits[0])
    tables = [plant.walker_tables(fleet, 0, law) for law in range(laws)]
    return Set(section, kind(section.outage), tables, stuck_tables(gensets.units), names)
