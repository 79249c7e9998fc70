"""Adequacy by hand: a year step by step, the exact capacity table, and every history there can be.

All read a checked `engine.reliability.system.System`; none shares code with the kernels. Units fail and are
repaired one by one, so a fleet's count is binomial wherever its history does not matter.
"""

from __future__ import annotations

from math import comb

import numpy as np

from tests.reference import plant, random
from weather.random import Ensemble, Purpose


def counts(fleets, begin, seed, year, steps):
    """[step][fleet] failed units, as the names of the draws decide. fleets, begin: `outages.Fleets`."""
    size = len(fleets.units)
    known = [(plant.walker_tables(fleets, n), plant.walker_tables(begin, n)) for n in range(size)]
    names = seed, Ensemble.RUN, year
    first = [random.words(*names, Purpose.OUTAGE_START, 0, 0, entity=n // 4)[n % 4] for n in range(size)]
    now = [plant.drawn(*start[2:], word) for (_, start), word in zip(known, first, strict=True)]
    out = []
    for step in range(steps):
        for n, (chain, _) in enumerate(known):
            word = random.words(*names, Purpose.OUTAGE, 0, step, entity=n // 4)[n % 4]
            now[n] = plant.drawn(chain[0][now[n]], chain[1][now[n]], word)
        out.append(list(now))
    return out


def balance(stores, step_h, net, works, socs):
    """(MW unserved, MW to spare, stored energies after) of a step, one store after the other."""
    socs = [e * s.carryover_efficiency for s, e in zip(stores, socs, strict=True)]
    can_take, can_give, full_h, lasts_h = [], [], [], []
    for s, e, up in zip(stores, socs, works, strict=True):
        charge = s.power_mw if s.charge_mw is None else s.charge_mw
        room = (s.energy_mwh - e) / s.charge_efficiency
        there = max(e - s.soc_min_frac * s.energy_mwh, 0.0) * s.discharge_efficiency
        can_take.append(min(charge, room / step_h) if up else 0.0)
        can_give.append(min(s.power_mw, there / step_h) if up else 0.0)
        full_h.append(room / charge if charge else float("inf"))
        lasts_h.append(there / s.power_mw if s.power_mw else 0.0)
    unserved, spare = max(net, 0.0), max(-net, 0.0)
    for i in sorted(range(len(stores)), key=lambda i: -lasts_h[i]):
        given = min(unserved, can_give[i])
        unserved -= given
        can_give[i] -= given
        socs[i] -= given * step_h / stores[i].discharge_efficiency
    for i in sorted(range(len(stores)), key=lambda i: full_h[i]):
        taken = min(spare, can_take[i])
        spare -= taken
        socs[i] += taken * step_h * stores[i].charge_efficiency
    return unserved, spare + sum(can_give), socs


def net_mw(system, sample, step):
    """Load less what is variable, in a sample year."""

    def row(x):
        return x[sample if len(x) > 1 else 0]

    return row(system.load_mw)[step] - sum(row(x)[step] for x in system.variable_mw)


def made_mw(system, failed, step):
    units = zip(system.chains, system.unit_mw, failed, strict=False)  # stores' chains come after the units'
    return sum((chain.machines - k) * mw[step] for chain, mw, k in units)


def lived(system, failed, sample, shift_mw=0.0):
    """(unserved MW, spare MW, [stored MWh]) of each step of a year. failed: [step][machines]."""
    socs = [s.soc0_frac * s.energy_mwh for s in system.stores]
    units, out = len(system.unit_mw), []
    for step, now in enumerate(failed):
        net = net_mw(system, sample, step) + shift_mw - made_mw(system, now, step)
        works = [k == 0 for k in now[units : units + len(system.stores)]]
        unserved, spare, socs = balance(system.stores, system.step_h, net, works, socs)
        out.append((unserved, spare, list(socs)))
    return out


def events(short):
    """Lengths of the runs of steps that are short."""
    lengths, run = [], 0
    for now in [*short, False]:
        if now:
            run += 1
        elif run:
            lengths.append(run)
            run = 0
    return lengths


def failed_share(chain, steps):
    """[step] probability that one machine has failed, from its start on."""
    p, out = chain.failed_at_start, []
    for _ in range(steps):
        p = p * (1.0 - chain.repair) + (1.0 - p) * chain.failure
        out.append(p)
    return out


def capacity_table(machines):
    """{MW: probability} of what works, of (count, MW, probability to have failed)."""
    table = {0.0: 1.0}
    for count, mw, share in machines:
        after: dict = {}
        for made, p in table.items():
            for k in range(count + 1):
                q = comb(count, k) * share**k * (1.0 - share) ** (count - k)
                key = round(made + (count - k) * mw, 9)
                after[key] = after.get(key, 0.0) + p * q
        table = after
    return table


def without_stores(system):
    """Exact ([step] probability of shortage, [step] expected MW unserved), by the table of each step."""
    assert not system.stores
    shares = [failed_share(chain, system.steps) for chain in system.chains]
    known: dict = {}
    lolp, eue = np.zeros(system.steps), np.zeros(system.steps)
    for t in range(system.steps):
        units = zip(system.chains, system.unit_mw, shares, strict=True)
        machines = tuple((c.machines, float(mw[t]), round(p[t], 15)) for c, mw, p in units)
        if machines not in known:
            table = sorted(capacity_table(machines).items())
            known = {machines: (np.array([mw for mw, _ in table]), np.array([p for _, p in table]))}
        mw, p = known[machines]
        for sample in range(system.samples):
            lacking = np.maximum(net_mw(system, sample, t) - mw, 0.0)
            lolp[t] += (p * (lacking > 1e-9)).sum() / system.samples
            eue[t] += (p * lacking).sum() / system.samples
    return lolp, eue


def all_histories(system):
    """Exact moments of a small system with or without stores: every history with its probability.

    -> {name: (mean, variance)} of a year's short steps, events, unserved MWh; and [step] means of shortage,
    unserved MW, spare MW.
    """
    chains = [plant.chain(c.machines, c.failure, c.repair) for c in system.chains]

    def moves(now):
        """[(counts after, probability)]"""
        out = [((), 1.0)]
        for table, k in zip(chains, now, strict=True):
            out = [((*c, j), p * q) for c, p in out for j, q in enumerate(table[k]) if q > 0.0]
        return out

    starts = [((), 1.0)]
    for c in system.chains:
        each = [
            comb(c.machines, k) * c.failed_at_start**k * (1.0 - c.failed_at_start) ** (c.machines - k)
            for k in range(c.machines + 1)
        ]
        starts = [((*s, k), p * q) for s, p in starts for k, q in enumerate(each) if q > 0.0]
    units = len(system.unit_mw)
    sums = {name: [0.0, 0.0] for name in ("short_steps", "events", "unserved_mwh")}
    steps = np.zeros((3, system.steps))

    def walk(step, now, socs, weight, sample, steps_short, runs, mwh, before):
        if step == system.steps:
            for name, value in (("short_steps", steps_short), ("events", runs), ("unserved_mwh", mwh)):
                sums[name][0] += weight * value
                sums[name][1] += weight * value**2
            return
        for after, p in moves(now):
            net = net_mw(system, sample, step) - made_mw(system, after, step)
            works = [k == 0 for k in after[units:]]
            unserved, spare, left = balance(system.stores, system.step_h, net, works, socs)
            short = unserved > 1e-9
            steps[:, step] += weight * p * np.array([short, unserved, spare])
            new = steps_short + short, runs + (short and not before), mwh + unserved * system.step_h
            walk(step + 1, after, left, weight * p, sample, *new, short)

    first = [s.soc0_frac * s.energy_mwh for s in system.stores]
    for sample in range(system.samples):
        for now, p in starts:
            walk(0, now, first, p / system.samples, sample, 0, 0, 0.0, False)
    return {name: (m, s - m**2) for name, (m, s) in sums.items()}, steps
