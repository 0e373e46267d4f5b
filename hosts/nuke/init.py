import os

os.environ.setdefault("VFXSTYLE_COMMAND", "")  # the command, where it is not the one that installed this
