import os

os.environ.setdefault("VFXSTYLE_COMMAND", "vfxstyle")  # `vfxstyle hosts install` says here where it is
