"""What a machine can do at most: bytes copied and operations done in a nanosecond, all cores, measured.

    python -m benchmarks.ceiling

On a CPU by C loops (STREAM's copy and triad over arrays far larger than any cache; chains of operations in
registers), on a GPU by small JAX programs.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.loops import build

FLOATS = 2**26  # of an array, 256 MiB
STEPS = 2_000_000
CHAINS, LANES = 8, 16  # as in ceiling.c
REPEATS = 5
KERNEL_STEPS = 512  # of the GPU's arithmetic, for each float of an array


class Ceiling(NamedTuple):
    """All per nanosecond, of the whole machine. copy, triad: bytes read and written. plain, fused: float32
    operations, a fused multiply-add being one. products: of 32-bit integers, 64 bits wide."""

    copy: float
    triad: float
    plain: float
    fused: float
    products: float

    def least_ns(self, bytes_: float, plain: float, fused: float, products: float) -> float:
        """The time that this work takes at least, where memory and arithmetic overlap perfectly.

        Kinds of operations are added up: a core that runs two kinds side by side may do a little better.
        """
        bandwidth = max(self.copy, self.triad)
        arithmetic = plain / self.plain + fused / self.fused + products / self.products
        return max(bytes_ / bandwidth, arithmetic)


def _best(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Nanoseconds of the fastest run, after one that warms up."""
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - began)
    return min(times)


def cpu(floats: int = FLOATS, steps: int = STEPS) -> Ceiling:
    """By ceiling.c, on all cores that this process may use."""
    c = build("ceiling.c")
    for name in ("fused", "plain", "products"):
        getattr(c, name).restype = ctypes.c_double
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    to, a, b = (np.ones(floats, np.float32) for _ in range(3))
    at = [ctypes.c_void_p(x.ctypes.data) for x in (to, a, b)]
    n, work = ctypes.c_size_t(floats), (ctypes.c_int(threads), ctypes.c_long(steps))
    one, zero = ctypes.c_float(1.0), ctypes.c_float(0.0)
    vectors = threads * steps * CHAINS
    return Ceiling(
        copy=8 * floats / _best(lambda: c.copy(*at[:2], n)),
        triad=12 * floats / _best(lambda: c.triad(*at, n)),
        plain=vectors * LANES / _best(lambda: c.plain(*work, one, zero)),
        fused=vectors * LANES / _best(lambda: c.fused(*work, one, zero)),
        products=vectors
        * c.products_at_once()
        / _best(lambda: c.products(*work, ctypes.c_uint32(0xD2511F53))),
    )


def gpu(floats: int = 2**28) -> Ceiling:
    """By JAX programs on the first device: an array through memory, chains of operations on each float."""
    import jax
    import jax.numpy as jnp

    x = jnp.ones(floats, jnp.float32)
    y = jnp.ones(floats, jnp.float32)
    small = jnp.ones(2**24, jnp.float32)
    words = jnp.arange(2**24, dtype=jnp.uint32)

    def timed(function, *args) -> float:
        ready = jax.jit(function).lower(*args).compile()
        return _best(lambda: jax.block_until_ready(ready(*args)))

    def chain(step, x):
        for k in range(KERNEL_STEPS):
            x = step(x, k)
        return x

    def product(x, _):
        wide = x.astype(jnp.uint64) * jnp.uint64(0xD2511F53)
        return (wide >> jnp.uint64(32)).astype(jnp.uint32) ^ wide.astype(jnp.uint32)

    done = KERNEL_STEPS * small.size
    # 1 + 2**-20 and 2**-20 are exact, so that no step is folded into its neighbour
    e = np.float32(2.0**-20)
    return Ceiling(
        copy=8 * floats / timed(lambda x: -x, x),
        triad=12 * floats / timed(lambda a, b: a + np.float32(3.0) * b, x, y),
        plain=done / timed(lambda x: chain(lambda x, k: x * (1 + e) if k % 2 else jnp.abs(x) + e, x), small),
        fused=done / timed(lambda x: chain(lambda x, _: x * (1 + e) + e, x), small),
        products=done / timed(lambda x: chain(product, x), words),
    )


def main() -> None:
    found = cpu()
    print(f"copy {found.copy:.1f} GB/s, triad {found.triad:.1f} GB/s")
    print(f"plain {found.plain:.1f}, fused {found.fused:.1f}, products {found.products:.1f} Gop/s")


if __name__ == "__main__":
    main()
