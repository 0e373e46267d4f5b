"""The options of the public functions as keyword arguments that an editor completes and a type checker checks.

A test holds these names and types against the table of options.
"""

from __future__ import annotations

from typing import TypedDict

from vfxstyle.settings.values import Audio, FormatName, Missing, OnError, Overwrite


class _PlateOptions(TypedDict, total=False):
    """Options of every function that reads a plate."""

    input_space: str | None
    ocio: str | None
    layer: str | None
    view: str | None
    max_pixels: int
    superpixels: int | None
    analysis_width: int
    seed: int
    device: str
    missing: Missing


class SuperpixelsOptions(_PlateOptions, total=False):
    """Options of :func:`vfxstyle.handover.superpixels.write_superpixels`."""


class MattesOptions(_PlateOptions, total=False):
    """Options of :func:`vfxstyle.handover.mattes.mattes`."""

    weights: str | None
    section_frames: int | None
    lighting: str
    frame_based: bool
    coverage: float
    on_error: OnError


class ExportOptions(MattesOptions, total=False):
    """Options of :func:`vfxstyle.export`."""

    strength: float


class ShowOptions(MattesOptions, total=False):
    """Options of what shows a grade: :func:`vfxstyle.review.proof.proof`, :func:`vfxstyle.review.report.report`."""

    strength: float
    matte: str | None
    matte_invert: bool
    matte_blur: float
    region: tuple[str, ...]
    rest: float
    adjust: str | None


class AnalyzeOptions(MattesOptions, total=False):
    """Options of :func:`vfxstyle.analyze`."""

    overwrite: Overwrite


class GradeOptions(AnalyzeOptions, ShowOptions, total=False):
    """Options of :func:`vfxstyle.grade`."""

    tokens: str | None
    format: FormatName | None
    output_space: str | None
    compression: str | None
    start_frame: int | None
    padding: int | None
    fps: str | None
    audio: Audio
    memory: float
    write_nuke: bool
    write_review: bool


class TrainOptions(TypedDict, total=False):
    """Options of :func:`vfxstyle.train`."""

    superpixels: int
    analysis_width: int
    input_space: str | None
    ocio: str | None
    epochs: int | None
    held_out: float
    max_pixels: int
    backbone: str
    weights: str | None
    device: str
    seed: int
    description: str
    data_note: str
    any_light: bool
    no_suggest: bool
    matte: str | None
    samples: int
    blocks: tuple[str, ...]
