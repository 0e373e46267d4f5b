"""How many cores this process may use."""

from __future__ import annotations

import os

VARIABLE = "OMP_NUM_THREADS"
"""Environment variable by which a farm tells a task how many threads it may run."""


def cores() -> int:
    """Threads that compute at once: what ``$OMP_NUM_THREADS`` says, else the cores that the process may run on."""
    said = os.environ.get(VARIABLE, "").partition(",")[0].strip()
    return int(said) if said.isdecimal() and int(said) > 0 else len(os.sched_getaffinity(0))
