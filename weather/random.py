"""Random numbers as functions of names: Philox4x32-10 with the names as its counter.

The key is the seed. The four counter words are: hour in the year (or day, for what changes by the
day); index (path, world or library year); ensemble (2 bits), purpose (6), entity (16), year (8);
sub-step (16) and draw (16). Integer arithmetic only, so the words are the same on every backend and
in NumPy. No draw has a state, an order or a neighbour.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

from __future__ import annotations

import enum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# 64-bit integers hold Philox's products and money is float64; whoever draws or pays comes by here.
jax.config.update("jax_enable_x64", True)

MAX_ENTITY, MAX_DRAW, MAX_YEAR, MAX_INDEX = 2**16, 2**16, 2**8, 2**32


class Ensemble(enum.IntEnum):
    """What an index counts. Two ensembles never share a draw."""

    RUN = 0
    PREPARE = 1
    LIBRARY = 2
    WORLD = 3


class Purpose(enum.IntEnum):
    """What a draw is for. Two purposes never share a draw; numbers are never reused."""

    WEATHER_START = 0
    WEATHER_DAY = 1
    WEATHER_HOUR = 2
    WEATHER_LEVEL = 3
    OUTAGE_START = 4
    OUTAGE = 5
    ORDER = 6
    ORDER_LEVEL = 7
    MARKET_LEVEL = 8
    MARKET_YEAR = 9
    LIBRARY_YEAR = 10
    BLOCK = 11
    WEATHER_QUARTER = 12
    ORDER_START = 13
    GENSET_START = 14
    GENSET = 15
    RIDE_THROUGH = 16
    TENANT = 17
    GENSET_PART = 20
    CONSTRUCTION = 24
    BASE_RATE = 28
    MOIST_START = 32
    MOIST = 33
    FALLS = 34
    SPOT = 40
    SPOT_START = 41


class Stream(NamedTuple):
    """The names that a path's draws share.

    seed: [2] uint32, low word first. ensemble: [] uint32. index: [] uint32, the path (or world).
    """

    seed: jax.Array
    ensemble: jax.Array
    index: jax.Array  # type: ignore[assignment]  # tuple.index is not used


def seed_words(seed: int) -> jax.Array:
    """A seed of 0 to 2**64 - 1 as the two words of a key."""
    return jnp.asarray([seed & 0xFFFFFFFF, seed >> 32], jnp.uint32)


def stream(seed: int, ensemble: Ensemble, index) -> Stream:
    """The names of the draws of these paths (or worlds, or library years), an array of their numbers."""
    return Stream(seed_words(seed), jnp.uint32(ensemble), jnp.asarray(index, jnp.uint32))


def world(of: Stream, worlds: jax.Array) -> Stream:
    """The stream of a path's world: `path mod worlds`.

    Worlds of the run and of the preparation differ by their seed.
    """
    return Stream(of.seed, jnp.uint32(Ensemble.WORLD), of.index % worlds.astype(jnp.uint32))


def philox(counter: tuple, key: tuple) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Philox4x32-10: four counter words and two key words (uint32) -> four words."""
    return tuple(word.astype(jnp.uint32) for word in _rounds(counter, key))  # type: ignore[return-value]


def _rounds(counter: tuple, key: tuple) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The ten rounds; each word is the lower half of a uint64, whose upper half holds rubbish.

    Words stay in 64-bit lanes between the products: taking them out and in again took twice as long.
    """
    c0, c1, c2, c3 = (c.astype(jnp.uint64) for c in counter)
    k0, k1 = key
    for _ in range(10):
        product0, product1 = _multiply(0xD2511F53, c0), _multiply(0xCD9E8D57, c2)
        high0, high1 = product0 >> jnp.uint64(32), product1 >> jnp.uint64(32)
        c0, c1 = high1 ^ (c1 ^ k0.astype(jnp.uint64)), product1
        c2, c3 = high0 ^ (c3 ^ k1.astype(jnp.uint64)), product0
        k0, k1 = k0 + jnp.uint32(0x9E3779B9), k1 + jnp.uint32(0xBB67AE85)
    return c0, c1, c2, c3


def _multiply(a: int, b: jax.Array) -> jax.Array:
    return jnp.uint64(a) * (b & jnp.uint64(0xFFFFFFFF))


def pairs(
    stream: Stream, purpose: Purpose, year, time, entity=0, draw=0, substep=0
) -> tuple[jax.Array, jax.Array]:
    """The four words of these names in two uint64; `year`, `time`, `entity`, `draw` may be arrays.

    In pairs, because XLA's CPU backend repeats the ten rounds for each array that leaves them. Who scans
    over draws passes pairs to the scan and takes them apart inside.
    """
    _check(entity, draw, substep)
    names = (jnp.asarray(x).astype(jnp.uint32) for x in (year, time, entity, draw, substep))
    year, time, entity, draw, substep = names
    name = (stream.ensemble << 30) | jnp.uint32(purpose << 24) | (entity << 8) | year
    counter = jnp.broadcast_arrays(time, stream.index, name, (substep << 16) | draw)
    w0, w1, w2, w3 = _rounds(tuple(counter), (stream.seed[0], stream.seed[1]))
    return _pack(w0, w1), _pack(w2, w3)


def _check(entity, draw, substep) -> None:
    """Refuse names that would spill into another's bits; years and paths are bounded by the loader."""
    for name, value, end in (
        ("entity", entity, MAX_ENTITY),
        ("draw", draw, MAX_DRAW),
        ("substep", substep, MAX_DRAW),
    ):
        if isinstance(value, int) and not 0 <= value < end:
            raise ValueError(f"{name} is {value}, wanted 0 to {end - 1}")


def taken_apart(pairs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The four words of a call."""
    return *unpack(pairs[0]), *unpack(pairs[1])


def words(*names, **more) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Four uint32 words for the names of `pairs`."""
    return taken_apart(pairs(*names, **more))


def unpack(pair: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The two words of a pair."""
    return (pair >> jnp.uint64(32)).astype(jnp.uint32), pair.astype(jnp.uint32)


def _pack(high: jax.Array, low: jax.Array) -> jax.Array:
    return (high << jnp.uint64(32)) | (low & jnp.uint64(0xFFFFFFFF))


def uniform(word: jax.Array) -> jax.Array:
    """float32 strictly between 0 and 1, by the upper 23 bits."""
    return ((word >> jnp.uint32(9)).astype(jnp.float32) + jnp.float32(0.5)) * jnp.float32(2.0**-23)


def normal(word: jax.Array) -> jax.Array:
    """Standard normal float32 by the inverse of the distribution, to 1e-6; at most 5.3 in magnitude.

    With u the uniform and v = 4 u (1 - u), `z = (2 u - 1) p(log v)`: the quotient of the exact inverse and
    2 u - 1 is smooth in log v over all of its range, so one polynomial serves middle and tails, without
    the branches and root of the usual inverse error function: less arithmetic, and thirty times as near to
    the truth (7e-7 against 2e-5 at worst). Polynomials: Chebyshev fits of our own, measured on every word.
    """
    u = uniform(word)
    bits = lax.bitcast_convert_type(u * (4.0 - 4.0 * u), jnp.int32) - jnp.int32(_ROOT_HALF)
    exponent = (bits >> 23).astype(jnp.float32)
    mantissa = lax.bitcast_convert_type((bits & jnp.int32(0x7FFFFF)) + jnp.int32(_ROOT_HALF), jnp.float32)
    m = mantissa - 1.0  # v = 2**exponent * (1 + m), m around 0
    log_v = exponent * jnp.float32(np.log(2.0)) + m * _polynomial(_LOG, m)
    return (2.0 * u - 1.0) * _polynomial(_INVERSE, log_v * jnp.float32(-2.0 / _MAX_LOG) - 1.0)


def _polynomial(coefficients: tuple[float, ...], x: jax.Array) -> jax.Array:
    """Horner's scheme, the constant first among the coefficients."""
    value = jnp.float32(coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * x + jnp.float32(c)
    return value


_ROOT_HALF = 0x3F3504F3  # the bits of sqrt(1/2): mantissas are taken from there to sqrt(2)
_MAX_LOG = 15.249238  # of -log v, at the smallest uniform
_LOG = (  # log(1 + m) / m
    1.0000009536743164,
    -0.5000114440917969,
    0.33314675092697144,
    -0.24908289313316345,
    0.20491759479045868,
    -0.1868075132369995,
    0.11931054294109344,
)
_INVERSE = (  # z / (2 u - 1) over -log v, its range taken to -1 (middle) .. 1 (tails)
    3.669193983078003,
    1.9436955451965332,
    -0.43897077441215515,
    0.16182853281497955,
    -0.0362447164952755,
    -0.03406791388988495,
    0.06168027222156525,
    -0.05548420548439026,
    0.040488675236701965,
    -0.02247384563088417,
    -0.014187483116984367,
    0.03709230571985245,
    -0.013970957137644291,
    -0.009895110502839088,
    0.0060204691253602505,
)


def normals(stream: Stream, purpose: Purpose, year, time, entity=0, draw=0) -> tuple[jax.Array, ...]:
    """Four standard normals for these names, each of the names' broadcast shape."""
    return tuple(normal(word) for word in words(stream, purpose, year, time, entity, draw))
