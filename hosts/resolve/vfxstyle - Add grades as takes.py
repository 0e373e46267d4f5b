"""Add the grade of every plate of the timeline as a take beside it."""

import os
import sys

MODULES = ""  # `vfxstyle hosts install` says here where they are, which a script of Resolve is not told
sys.path[:0] = MODULES.split(";")
os.environ.setdefault("VFXSTYLE_COMMAND", "vfxstyle")

import vfxstyle_resolve  # noqa: E402

print("\n".join(vfxstyle_resolve.add_takes(vfxstyle_resolve.resolve_of(globals()))))
