"""Memory that is used again: what is read for a device lies where the device takes it without a copy."""

from __future__ import annotations

import math
import mmap
import weakref
from collections import defaultdict

import numpy as np


class Buffers:
    """Arrays of the host, whose memory comes back when the last array on it is gone.

    New pages cost as much as the copying into them, and more on a virtual machine. Memory begins with a
    page, and XLA's CPU client takes an array where it lies if that begins with 64 bytes; an array of the
    device then counts as one on the memory. As much is kept as was ever in use together, until `Buffers`
    goes.
    """

    def __init__(self) -> None:
        self._free: defaultdict[int, list[mmap.mmap]] = defaultdict(list)

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array of any content. Safe to call from threads."""
        count = math.prod(shape)
        size = count * np.dtype(dtype).itemsize
        free = self._free[size]
        try:
            memory = free.pop()
        except IndexError:
            memory = _pages(size)
        array = np.frombuffer(memory, dtype, count)
        weakref.finalize(array, free.append, memory).atexit = False
        return array.reshape(shape)


def _pages(size: int) -> mmap.mmap:
    """New pages, large ones where the system has them: a fault for each 2 MiB and not for each 4 KiB."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
