"""``python -m vfxstyle``."""

from vfxstyle.cli import run

if __name__ == "__main__":
    run()
