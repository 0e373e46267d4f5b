"""Memory of a process of ours: what is freed is used again, rather than given back and asked for anew at each frame."""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # of malloc.h
_NEVER = 2**31 - 1  # bytes


def keep_freed_memory() -> None:
    """Let the C library keep freed memory, of any size, in one heap; nothing where it is not glibc.

    Pictures are larger than what glibc keeps: it asks the system for each and gives it back, and the system clears it
    every time (a tenth of the grade of a 4096x2160 frame). Heaps of threads are no larger than 64 MiB, and what does
    not fit is asked for anew as before; so all threads share the one that has no limit.
    It is the whole process that changes, so only commands that go through frames do it. Where the environment says how
    memory is allocated (``MALLOC_``..., ``GLIBC_TUNABLES``), it is left so.
    """
    asked = any(name.startswith("MALLOC_") for name in os.environ) or "GLIBC_TUNABLES" in os.environ
    if asked or not sys.platform.startswith("linux"):
        return
    change = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if change is not None:
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER)):
            change(parameter, value)
