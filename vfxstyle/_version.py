"""The version, in one place and cheap to import."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("vfxstyle")
except PackageNotFoundError:  # used from a source tree that is not installed
    __version__ = "0.1.0"
