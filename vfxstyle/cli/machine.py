"""What this machine has that a job may need."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import av

from tsp import compiled
from vfxstyle._version import __version__
from vfxstyle.color import ColorConfig
from vfxstyle.compiled import kept_kernels
from vfxstyle.errors import ColorError, PresetError
from vfxstyle.features import gpu_fault, gpu_names, pick_device, shot_device
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks import PresetInfo
from vfxstyle.looks.library import installed_presets, shipped_folder, user_folders
from vfxstyle.settings import DEFAULT_BACKBONE
from vfxstyle.shots.formats import PICTURE_EXTENSIONS

_LIBRARIES = (
    "torch",
    "timm",
    "onnxruntime",
    "numba",
    "numpy",
    "opencv-python-headless",
    "OpenImageIO",
    "OpenEXR",
    "opencolorio",
    "av",
    "fileseq",
)
_CODECS = ("prores_ks", "prores", "h264", "hevc", "dnxhd")


def machine_report() -> dict[str, str]:
    """Names and values for people; a part that is broken says so instead of a value."""
    return {
        "vfxstyle": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu cores": str(os.cpu_count()),
        **{name: _version(name) for name in _LIBRARIES},
        "FFmpeg": str(av.ffmpeg_version_info),
        "codecs": ", ".join(f"{name} {_codec(name)}" for name in _CODECS),
        "pictures": ", ".join(sorted(PICTURE_EXTENSIONS)),
        "colour configuration": _colours(),
        "devices": _devices(),
        "--device auto": _automatic(),
        "kernels": kernels(),
        "backbone": _backbone(),
        "presets (user)": ", ".join(map(str, user_folders())),
        "presets (shipped)": str(shipped_folder()),
        "presets installed": ", ".join(_preset(info, path) for info, path, _ in installed_presets()) or "none",
    }


def kernels() -> str:
    """How many compiled kernels a task will find, for which processor, and where."""
    known = kept_kernels()
    count = sum(own.count for own in known)
    if not count:
        return "none yet; compiled on first use, for a minute or more, or now by vfxstyle warm"
    places = ", ".join(str(place) for own in known for place in own.readable if any(place.glob("*/*.nbc")))
    return f"{count} compiled for {compiled.config.CPU_NAME or 'this processor'} in {places}"


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _preset(info: PresetInfo | PresetError, path: Path) -> str:
    return f"{path.stem}: damaged" if isinstance(info, PresetError) else info.name


def _codec(name: str) -> str:
    found = ["read"] * _has_codec(name, "r") + ["write"] * _has_codec(name, "w")
    return "+".join(found) or "missing"


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    try:
        av.Codec(name, mode)
    except ValueError:
        return False
    return True


def _colours() -> str:
    try:
        return ColorConfig.load().name
    except ColorError as error:
        return f"broken ({error})"


def _devices() -> str:
    """The devices, or why there is no GPU among them."""
    fault = gpu_fault()
    if fault:
        return f"cpu; no GPU: {fault}"
    return ", ".join(["cpu", *(f"cuda:{index} ({name})" for index, name in enumerate(gpu_names()))])


def _automatic() -> str:
    """What ``--device auto`` stands for here."""
    return f"shots on {shot_device('auto')}, so that all machines find the same; training on {pick_device('auto')}"


def _backbone() -> str:
    try:
        backbone_class(DEFAULT_BACKBONE).load("cpu")
    except Exception as error:  # a broken installation is what this command is there to report
        return f"{DEFAULT_BACKBONE}: broken ({error})"
    return f"{DEFAULT_BACKBONE}, weights packaged"
