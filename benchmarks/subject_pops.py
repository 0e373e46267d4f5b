"""Does the subject pop: ``python -m benchmarks.subject_pops CLIP... --masks FOLDER [--write]``.

CLIP: a folder of frames, all of which are graded with ``pop-out``; ``--masks`` names a folder that has one of masks for
each clip, as DAVIS 2016 does. Beside what the look does stands what is meant: its recipe (``presets/recipes.py``) with
the clip's own masks, in ordinary light, which the look is put on in (docs/method.md, section 9.1). Parts of a subject
narrower than :data:`THIN` px are left out: masks have lines a pixel wide, which are finer than superpixels. Pixels that
ordinary light takes beyond white are left out too: the recipes are for pictures. The rest is all that the masks leave,
other people and vehicles too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.looks import frames_of, masks_of, put_into_page, shipped
from presets.photographs import CLASSES
from presets.recipes import pop_out
from vfxstyle import grade, open_shot
from vfxstyle.analysis.lighting import lighting_in
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear
from vfxstyle.plates.picture import lab_of_picture

SUBJECTS: Mapping[str, str] = {
    "blackswan": "animal",
    "horsejump-high": "animal",
    "paragliding-launch": "person",
    "parkour": "person",
}
"""What the masks of clips show; of all others vehicles."""
THIN = 7
"""Width, px, under which a part of a subject is thin."""
NEAR = 1 / 3
"""How far a change may be from the one that is meant, over the latter."""
BEGIN, END = "<!-- Subjects begin: made by benchmarks/subject_pops.py. -->", "<!-- Subjects end. -->"


@dataclass(frozen=True, slots=True)
class Change:
    """What a grade does to a part of a clip, and what is meant."""

    ours: DoubleArray
    """float64 (F,), chroma of each frame, or contrast, after over before."""
    meant: DoubleArray
    """float64 (F,), the same by the recipe."""

    @property
    def near(self) -> float:
        """Share of the frames whose change is within :data:`NEAR` of the one that is meant."""
        return float((np.abs(self.ours - self.meant) <= NEAR * np.abs(self.meant - 1)).mean())

    def __str__(self) -> str:
        return f"{self.ours.mean():.2f}, {self.meant.mean():.2f}"


def chroma(lab: FloatArray) -> float:
    """Mean chroma of colours, float32 (N, 3), CIELab."""
    return float(np.hypot(lab[:, 1], lab[:, 2]).mean())


def contrast(lab: FloatArray) -> float:
    """Standard deviation of the lightness of colours, float32 (N, 3), CIELab."""
    return float(lab[:, 0].std())


def without_thin_parts(mask: BoolArray) -> BoolArray:
    """A mask, bool (H, W), without what is narrower than :data:`THIN` px."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THIN, THIN))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)) > 0


def meant_of(picture: FloatArray, mask: BoolArray, kind: str, lighting: FloatArray) -> FloatArray:
    """A picture by the recipe, whose subject is of a class and whose rest is of one that is none.

    lighting: float32 (3,), of the shot, which is taken out before and put back after.
    """
    ordinary = np.clip(linear_to_srgb(srgb_to_linear(picture) / lighting), 0, 1)
    flat = {name: np.zeros((*mask.shape, 1), np.float32) for name in CLASSES}
    flat[kind], flat["man_made"] = (side.astype(np.float32)[..., None] for side in (mask, ~mask))
    return np.clip(linear_to_srgb(srgb_to_linear(pop_out(ordinary, flat)) * lighting), 0, 1)


def changes_of(
    plates: Sequence[FloatArray],
    grades: Sequence[FloatArray],
    masks: Sequence[BoolArray],
    kind: str,
    lighting: FloatArray,
) -> list[Change]:
    """Changes of the subject's chroma and contrast, of the chroma of the rest, and of the subject with thin parts.

    plates, grades: float32 (H, W, 3), sRGB, 0..1. masks: bool (H, W), each of which shows something. kind: class of the
    subject. lighting: float32 (3,), of the shot.
    """
    found: list[list[tuple[float, float]]] = [[], [], [], []]
    for plate, graded, mask in zip(plates, grades, masks, strict=True):
        before, ours, meant = map(lab_of_picture, (plate, graded, meant_of(plate, mask, kind, lighting)))
        shown = (srgb_to_linear(plate) <= lighting).all(axis=-1)  # of 1 at most in ordinary light
        solid = without_thin_parts(mask) & shown
        measured = (chroma, solid), (contrast, solid), (chroma, ~mask & shown), (chroma, mask & shown)
        for column, (of, inside) in zip(found, measured, strict=True):
            was = of(before[inside])
            column.append((of(ours[inside]) / was, of(meant[inside]) / was))
    return [Change(*np.array(column).T) for column in found]


def row_of(clip: Path, masks: Path) -> str:
    """A row of the table."""
    with open_shot(clip) as shot:
        numbers = shot.frames
    plates = frames_of(clip, numbers)
    subject = masks_of(masks, clip.name, numbers, plates[0].shape[:2])
    if not all(without_thin_parts(mask).any() for mask in subject):
        raise ValueError(f"{masks} shows no subject of {clip.name} on some frame.")
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "graded")
        analysis = Path(scratch, "analysis")
        grade(clip, shipped("pop-out"), out, analysis=analysis, format="png")
        lighting = lighting_in(AnalysisFolder(analysis))
        changes = changes_of(plates, frames_of(out, numbers), subject, SUBJECTS.get(clip.name, "vehicle"), lighting)
    cells = [clip.name, str(len(numbers))]
    for change in changes[:3]:
        cells += [str(change), f"{change.near:.0%}"]
    return "| " + " | ".join([*cells, str(changes[3])]) + " |"


def main() -> None:
    """Print a table, and put it into docs/looks.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--masks", type=Path, required=True, help="folder with a folder of masks for each clip")
    parser.add_argument("--write", action="store_true", help="put the table into docs/looks.md")
    arguments = parser.parse_args()
    lines = [
        "| clip | frames | subject: chroma, meant | frames near | its contrast, meant | frames near | "
        "rest: chroma, meant | frames near | subject with thin parts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for clip in arguments.clips:
        lines.append(row_of(clip, arguments.masks))
        print(lines[-1], file=sys.stderr, flush=True)
    print("\n".join(lines))
    if arguments.write:
        put_into_page(lines, BEGIN, END)


if __name__ == "__main__":
    main()
