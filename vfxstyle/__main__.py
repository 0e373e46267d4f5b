"""``python -m vfxstyle``."""

from vfxstyle.cli import main

if __name__ == "__main__":
    main()
