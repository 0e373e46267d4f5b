"""Settings of the three ways through the house. Importing this is cheap: the command line does it first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from vfxstyle.errors import UsageError
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.rates import exact_rate

Method = Literal["temporal", "graph"]
Overwrite = Literal["never", "changed", "always"]
Missing = Literal["error", "skip", "hold"]
OnError = Literal["stop", "skip"]
Audio = Literal["copy", "none"]
Stage = Literal["all", "segments", "features", "transforms"]
GradeStage = Literal["all", "frames"]
FormatName = Literal["exr", "tiff", "png", "dpx", "prores422", "prores422hq", "prores4444"]

DEFAULT_SUPERPIXELS = 1000
"""Temporal superpixels requested in a frame of a shot."""
DEFAULT_STILL_SUPERPIXELS = 7000
"""Graph-based superpixels requested in a still."""
DEFAULT_ANALYSIS_WIDTH = 640
DEFAULT_BACKBONE = "efficientnet-lite0"
DEFAULT_GROUPS = 8
DEFAULT_HANDLES = 8
DEFAULT_CHUNK = 10
"""Frames of a farm's task: its start takes about as long as a few frames of HD."""
DEFAULT_RETRIES = 3
"""Times that a task is tried again after it was killed or lacked something."""
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d+)?)$")


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


def _check_shared(superpixels: int | None, analysis_width: int, device: str, seed: int) -> None:
    _check(0 <= seed < 2**32, f"seed is {seed}; it must be 0 to 4294967295.")
    _check(superpixels is None or 1 <= superpixels <= 100_000, f"superpixels is {superpixels}; it must be 1 to 100000.")
    _check(64 <= analysis_width <= 4096, f"analysis width is {analysis_width} px; it must be 64 to 4096.")
    _check(bool(_DEVICE.match(device)), f"device is '{device}'; it must be auto, cpu, cuda or cuda:N.")


def parse_rate(text: str) -> Fraction:
    """Frames per second of ``24``, ``23.976`` or ``24000/1001``. Raises :class:`~vfxstyle.errors.UsageError`."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"fps is '{text}'; write 24, 23.976 or 24000/1001.") from error
    _check(0 < rate <= 1000, f"fps is '{text}'; it must be above 0, and at most 1000.")
    return rate if "/" in text or rate.denominator == 1 else exact_rate(float(rate))


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    _check(value is None or value in choices, f"{name} is '{value}'; it must be one of {', '.join(choices)}.")


def _check_output(settings: GradeSettings) -> None:
    _check_choice("missing", settings.missing, get_args(Missing))
    _check_choice("on_error", settings.on_error, get_args(OnError))
    _check_choice("audio", settings.audio, get_args(Audio))
    padding = settings.padding
    _check(padding is None or 1 <= padding <= 20, f"padding is {padding}; it must be 1 to 20.")
    if settings.fps is not None:
        parse_rate(settings.fps)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """How a shot is analysed. Two analyses with the same settings of the same plate are the same."""

    superpixels: int = DEFAULT_SUPERPIXELS
    """Requested superpixels in a frame."""
    method: Method = "temporal"
    """Temporal superpixels, or graph-based ones of each frame by itself."""
    analysis_width: int = DEFAULT_ANALYSIS_WIDTH
    """Width of the analysis picture, in px."""
    backbone: str = DEFAULT_BACKBONE
    """Network that the features come from."""
    weights: str = ""
    """SHA-256 of the network's weight file, where no package carries the weights."""
    seed: int = 0
    """Seed of everything random."""
    coverage: float = 1.0
    """Share of the clip's volume whose superpixels the network sees; the others follow a neighbour of like colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeSettings:
    """How a shot is graded."""

    format: FormatName | None = None
    """Output format; None takes EXR for frames and ProRes for a movie."""
    strength: float = 1.0
    """0..1, share of the change that is made."""
    superpixels: int | None = None
    """Requested superpixels in a frame; None takes 1000 temporal ones of a shot, 7000 graph-based ones of a still."""
    frame_based: bool = False
    """Whether every frame is analysed by itself, as a still, without time: the paper's baseline."""
    analysis_width: int = DEFAULT_ANALYSIS_WIDTH
    """Width of the analysis picture, in px."""
    device: str = "auto"
    """Where networks run: auto, cpu, cuda or cuda:N."""
    weights: str | None = None
    """Weight file of the preset's backbone, where no package carries the weights; None takes where it lies."""
    overwrite: Overwrite = "changed"
    """What happens to frames that are there already."""
    seed: int = 0
    """Seed of everything random."""
    coverage: float = 1.0
    """Share of the clip's volume whose superpixels the network sees; the others follow a neighbour of like colour."""
    input_space: str | None = None
    """OpenColorIO name of the plate's space; None takes what the files say."""
    output_space: str | None = None
    """OpenColorIO name of the result's space; None takes the plate's, linear for EXR, Rec.709 for a movie of light."""
    ocio: str | None = None
    """OpenColorIO configuration; None takes ``$OCIO``, or the library's ACES studio configuration."""
    layer: str | None = None
    """Layer of EXR files to grade; None takes the main one."""
    view: str | None = None
    """View of EXR files to grade; None takes the file's default."""
    compression: str | None = None
    """Compression of EXR out, as in ``dwaa:45``; None takes the plate's."""
    start_frame: int | None = None
    """Number of the first frame out; None keeps the plate's numbers."""
    padding: int | None = None
    """Digits of a frame number in a file name; None keeps the plate's."""
    missing: Missing = "error"
    """What happens to frames that a sequence lacks."""
    on_error: OnError = "stop"
    """What happens to frames that cannot be read."""
    fps: str | None = None
    """Frames per second out, ``24`` or ``24000/1001``; None takes the plate's."""
    audio: Audio = "copy"
    """What happens to a movie's sound when a movie is made of it."""
    max_pixels: int = DEFAULT_MAX_PIXELS
    """Pixels that a picture of the plate may have; more are refused before memory is taken."""
    write_nuke: bool = False
    """Whether a Nuke script with plate, grade and a wipe is written beside the result."""

    def __post_init__(self) -> None:
        _check(0 <= self.strength <= 1, f"strength is {self.strength}; it must be 0 to 1.")
        _check_output(self)
        _check(0 < self.coverage <= 1, f"coverage is {self.coverage}; it must be above 0, and at most 1.")
        _check_choice("format", self.format, get_args(FormatName))
        _check_choice("overwrite", self.overwrite, get_args(Overwrite))
        _check(self.max_pixels >= 1, f"max_pixels is {self.max_pixels}; it must be at least 1.")
        _check_shared(self.superpixels, self.analysis_width, self.device, self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How a preset is trained."""

    superpixels: int = DEFAULT_SUPERPIXELS
    """Superpixels learnt from of a picture, of each of the two ways to cut it."""
    analysis_width: int = DEFAULT_ANALYSIS_WIDTH
    """Width that wider pictures are brought to, in px."""
    samples: int = 10
    """Pixels sampled from each superpixel."""
    epochs: int | None = None
    """Passes over all superpixels; None takes 24, and more for few pairs, until they make as many steps as many do."""
    held_out: float = 0.15
    """Share of the pairs kept from training to choose the best epoch and to measure it; 10 pairs or more."""
    backbone: str = DEFAULT_BACKBONE
    """Network that the features come from."""
    weights: str | None = None
    """Weight file of the backbone, where no package carries the weights; None takes where it lies."""
    blocks: tuple[str, ...] = ()
    """Blocks of the feature vector; by default all. Fewer are for measuring what each contributes."""
    device: str = "auto"
    """Where networks run: auto, cpu, cuda or cuda:N."""
    seed: int = 0
    """Seed of everything random."""
    description: str = ""
    """One line about the look, stored in the preset."""
    data_note: str = ""
    """Where the pairs come from and under which licence, stored in the preset."""
    input_space: str | None = None
    """OpenColorIO name of the pictures' space; None takes what each file says."""
    ocio: str | None = None
    """OpenColorIO configuration; None takes ``$OCIO``, or the library's ACES studio configuration."""
    max_pixels: int = DEFAULT_MAX_PIXELS
    """Pixels that a picture may have; more are refused before memory is taken."""

    def __post_init__(self) -> None:
        _check(self.max_pixels >= 1, f"max_pixels is {self.max_pixels}; it must be at least 1.")
        _check(self.samples >= 1, f"samples is {self.samples}; it must be at least 1.")
        _check(self.epochs is None or self.epochs >= 1, f"epochs is {self.epochs}; it must be at least 1.")
        _check(0 <= self.held_out <= 0.5, f"held_out is {self.held_out}; it must be 0 to 0.5.")
        _check_shared(self.superpixels, self.analysis_width, self.device, self.seed)
