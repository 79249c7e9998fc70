"""Philox4x32-10 and the naming of draws in plain Python integers.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011), table 2.
"""

from __future__ import annotations

from scipy.special import ndtri

MASK = 2**32 - 1


def philox(counter, key):
    """Ten rounds over four counter words with two key words."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b = (right >> 32) ^ b ^ k, right & MASK
        c, d = (left >> 32) ^ d ^ m, left & MASK
        k, m = (k + 0x9E3779B9) & MASK, (m + 0xBB67AE85) & MASK
    return a, b, c, d


def counter(ensemble, index, purpose, year, time, entity=0, draw=0, substep=0):
    """The four counter words of some names: each name has bits of its own."""
    name = ensemble * 2**30 + purpose * 2**24 + entity * 2**8 + year
    return time, index, name, substep * 2**16 + draw


def words(seed, ensemble, index, purpose, year, time, entity=0, draw=0, substep=0):
    """Four words of 32 bits for these names."""
    names = counter(ensemble, index, purpose, year, time, entity, draw, substep)
    return philox(names, (seed % 2**32, seed // 2**32))


def uniform(word):
    """The middle of one of 2**23 equal parts of (0, 1)."""
    return (word // 2**9 + 0.5) / 2**23


def normals(*names, **more):
    """Four standard normals for these names."""
    return [float(ndtri(uniform(word))) for word in words(*names, **more)]
