"""What a run says of its plate before it begins."""

from __future__ import annotations

from collections.abc import Sequence

from vfxstyle.plates.plate import Plate
from vfxstyle.progress import Clock
from vfxstyle.shots import format_frames


def announce_plate(plate: Plate, frames: Sequence[int], clock: Clock) -> None:
    """Say what is assumed of a plate. frames: those that are used."""
    info = plate.shot.info
    layer = f", {info.layer}" if info.layer else ""
    clock.note(f"plate: {info.width}x{info.height}, frames {format_frames(tuple(frames))}, {plate.space}{layer}")
    if plate.space.source.startswith("default"):
        clock.note("  the plate has no tag of its colour space; name it with --input-space if this is not it")
    for note in info.notes:
        clock.note(f"  {note}")
