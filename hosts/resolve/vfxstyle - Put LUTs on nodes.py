"""Put the LUT nearest to the look on the first node of every clip."""

import os
import sys

MODULES = ""  # `vfxstyle hosts install` says here where they are, which a script of Resolve is not told
sys.path[:0] = MODULES.split(";")
os.environ.setdefault("VFXSTYLE_COMMAND", "vfxstyle")

import vfxstyle_resolve  # noqa: E402

print("\n".join(vfxstyle_resolve.put_luts(vfxstyle_resolve.resolve_of(globals()))))
