"""What a grade will take: time, memory and room on disk, from figures that were measured.

The figures are of docs/speed.md and the bundled example, on one core of x86-64: they say which order a job is of, not
what it will be on another machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vfxstyle.grading.plan import GradePlan
from vfxstyle.settings.values import DEFAULT_MEMORY
from vfxstyle.shots import OutputFormat

_MEGAPIXEL = 1e6
_SUPERPIXELS, _FEATURES, _GRADE = 1.3, 6.7, 0.21  # CPU seconds a megapixel of analysis picture, or of plate
_START = 2.0  # CPU seconds of a process
_CHOSEN = 0.3  # of the frames, which the network sees; at least one
_OF_A_FRAME, _OF_A_CHOSEN_FRAME = 0.1e6, 10e6  # bytes of an analysis, at 640 px
_BYTES = {  # of a pixel, as written
    OutputFormat.EXR: 3.9,
    OutputFormat.PNG: 5.0,
    OutputFormat.TIFF: 6.0,
    OutputFormat.DPX: 4.0,
}
_BYTES_OF_MOVIES = 0.7
_LIBRARIES, _PER_PIXEL, _AT_ONCE = 1100, 64, 8  # MiB, bytes, frames


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left to do will take."""

    cpu_seconds: float
    """Seconds of one core; wall seconds are these over the cores, at best."""
    memory_bytes: int
    """At most, of one process."""
    disk_bytes: int
    """Results and analysis."""

    def as_json(self) -> dict[str, float]:
        """For scripts."""
        return asdict(self)


def estimate(plan: GradePlan, todo: Sequence[int], *, analysed: bool, memory: float = DEFAULT_MEMORY) -> Estimate:
    """What a plan takes. todo: frames to write. analysed: whether the analysis is there. memory: GiB for frames."""
    info, frames = plan.shot.info, len(todo)
    size, views = info.width * info.height, 1 + len(plan.others)
    if not frames:
        return Estimate(0.0, 0, 0)
    seconds = _START + frames * views * _GRADE * size / _MEGAPIXEL
    disk = frames * _bytes_of(plan, todo[0])
    if not analysed:
        length, chosen = len(plan.shot), max(1, math.ceil(len(plan.shot) * _CHOSEN))
        shrunk = min(1.0, plan.settings.analysis_width / info.width)
        analysis = size * shrunk**2 / _MEGAPIXEL
        seconds += views * (length * _SUPERPIXELS + chosen * _FEATURES) * analysis
        disk += views * (length * _OF_A_FRAME + chosen * _OF_A_CHOSEN_FRAME)
    taken = memory_of_frames(info.width, info.height, views, room=memory) * 2**20
    return Estimate(round(seconds, 3), taken, round(disk))


def _bytes_of(plan: GradePlan, number: int) -> float:
    """Bytes of a result; EXR keeps all the channels of its plate, so it is about as large."""
    info = plan.shot.info
    if plan.format.is_movie:
        return info.width * info.height * _BYTES_OF_MOVIES
    plain = info.width * info.height * _BYTES[plan.format]
    plate = plan.shot.file_of(number)
    is_exr = plan.format is OutputFormat.EXR and plate.suffix.lower() == ".exr"
    return max(plain, plate.stat().st_size) if is_exr else plain


def memory_of_frames(
    width: int, height: int, views: int = 1, *, room: float = DEFAULT_MEMORY, one_by_one: bool = False
) -> int:
    """Memory that a process takes at most, in MiB, rounded up to a quarter of a GiB.

    What libraries take, and frames under way (:mod:`vfxstyle.grading.render`), of which one always goes: eight, or as
    many as fit into the room that is the default, and whatever a larger room holds. Measured: 1.2 GiB at 640x360
    (benchmarks/processes.py), 1.5 GiB at 4096x2160 and 2.5 GiB at 8192x4320 (docs/speed.md).
    room: GiB for frames under way. one_by_one: of an analysis, which has one frame at a time.
    """
    frame = width * height * _PER_PIXEL / 2**20
    most = min(room * 1024, _AT_ONCE * frame * views) if room <= DEFAULT_MEMORY else room * 1024
    under_way = frame if one_by_one else max(most, frame * views)
    return math.ceil((_LIBRARIES + under_way) / 256) * 256
