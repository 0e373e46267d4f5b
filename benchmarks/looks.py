"""The shipped looks on clips: ``python -m benchmarks.looks CLIP... [--masks FOLDER] [-o PICTURES]``.

CLIP: a movie or a folder of frames; ``--masks`` names a folder that has one of masks for each clip, as DAVIS 2016 does.
For each look and clip: how chroma and contrast of the subject and of the rest change, pixels at display white and
black, and flicker: the change of the grade from frame to frame along the plate's own flow, Lab, 95th percentile; beside
it that of the nearest grade that cannot flicker, one transform for the subject and one for the rest of all frames: what
texture and errors of the flow make of this measure. With -o the middle frame of each clip is drawn, the plate
beside every look.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks.stability import Clip
from benchmarks.styles import write_jpeg
from vfxstyle import grade, open_shot
from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.looks.library import shipped_folder
from vfxstyle.looks.preset import SUFFIX
from vfxstyle.looks.transform import fit_transform, transform_lab
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.plates.plate import open_plate
from vfxstyle.review.figures import looked_up
from vfxstyle.settings import PlateSettings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "looks.md"
BEGIN, END = "<!-- The table begins: made by benchmarks/looks.py. -->", "<!-- The table ends. -->"
LOOKS = ("golden", "pop-out", "local-xpro", "teal-orange", "bleach-bypass", "cold", "spring")
FRAMES = 12
"""Frames of a clip that are graded, from its middle."""
WHITE, BLACK = 0.995, 0.005
"""Display values from which on, and up to which, a pixel counts as white or black."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a look does to a clip."""

    subject_chroma: float
    """Mean chroma of the subject after over before; 1 where there is no subject."""
    subject_contrast: float
    """Standard deviation of its lightness after over before."""
    rest_chroma: float
    """Mean chroma of the rest after over before."""
    white: float
    """Share of pixels at display white after less before."""
    black: float
    """The same of black."""
    flicker: float
    """95th percentile of the change of the grade along the flow, Lab."""
    steady: float
    """The same of the nearest grade that cannot flicker."""
    change: float
    """Mean L2 in Lab between plate and grade."""


def figures_of(plates: list[FloatArray], grades: list[FloatArray], masks: list[BoolArray]) -> Figures:
    """Measure a graded clip. plates, grades: float32 (H, W, 3), sRGB, 0..1. masks: bool (H, W), of the subject."""
    before, after = ([lab_of_picture(one) for one in pictures] for pictures in (plates, grades))
    inside = np.stack(masks)
    lab_before, lab_after = np.stack(before), np.stack(after)
    chroma = [np.hypot(lab[..., 1], lab[..., 2]) for lab in (lab_before, lab_after)]
    has_subject = bool(inside.any())
    flicker, steady = _flicker(plates, before, [after, _steady(lab_before, lab_after, inside)])
    return Figures(
        float(chroma[1][inside].mean() / chroma[0][inside].mean()) if has_subject else 1.0,
        float(lab_after[..., 0][inside].std() / lab_before[..., 0][inside].std()) if has_subject else 1.0,
        float(chroma[1][~inside].mean() / chroma[0][~inside].mean()),
        float(
            np.mean(
                [(b.min(-1) >= WHITE).mean() - (a.min(-1) >= WHITE).mean() for a, b in zip(plates, grades, strict=True)]
            )
        ),
        float(
            np.mean(
                [(b.max(-1) <= BLACK).mean() - (a.max(-1) <= BLACK).mean() for a, b in zip(plates, grades, strict=True)]
            )
        ),
        flicker,
        steady,
        float(np.linalg.norm(lab_after - lab_before, axis=-1).mean()),
    )


def _steady(before: FloatArray, after: FloatArray, inside: BoolArray) -> list[FloatArray]:
    """One transform from plate to grade for the subject and one for the rest, put on every frame.

    before, after: float32 (F, H, W, 3), CIELab. inside: bool (F, H, W).
    """
    out = before.copy()
    for side in (inside, ~inside):
        if side.any():
            out[side] = transform_lab(before[side], fit_transform(before[side], after[side]))
    return list(out)


def _flicker(plates: list[FloatArray], before: list[FloatArray], grades: list[list[FloatArray]]) -> list[float]:
    """95th percentile of the change along the flow of each of some grades of a clip, CIELab."""
    labels = [np.zeros(plates[0].shape[:2], np.int32)] * len(plates)
    clip = Clip.of(plates, before, labels)
    found = []
    for after in grades:
        added = [b - a for a, b in zip(before, after, strict=True)]
        jumps = [
            np.linalg.norm(now - looked_up(last, back), axis=-1)[visible]
            for (last, now), back, visible in zip(pairwise(added), clip.back, clip.visible, strict=True)
        ]
        found.append(float(np.percentile(np.concatenate(jumps), 95)))
    return found


def frames_of(shot: Path, numbers: tuple[int, ...]) -> list[FloatArray]:
    """The frames of a shot as the analysis sees them, at their own width up to 1280 px; sRGB, 0..1."""
    with open_plate(shot, PlateSettings()) as plate:
        return [plate.picture(plate.shot.read(number), 1280) for number in numbers]


def masks_of(folder: Path | None, clip: str, numbers: tuple[int, ...], shape: tuple[int, int]) -> list[BoolArray]:
    """The subject's masks of a clip; empty ones where it has none."""
    if folder is None or not (folder / clip).is_dir():
        return [np.zeros(shape, np.bool_)] * len(numbers)
    files = {int(path.stem): path for path in (folder / clip).glob("*.png")}
    read = [np.asarray(cv2.imread(str(files[number]), cv2.IMREAD_GRAYSCALE), np.uint8) for number in numbers]
    return [np.asarray(cv2.resize(one, shape[::-1], interpolation=cv2.INTER_NEAREST)) > 127 for one in read]


def put_into_page(lines: list[str], begin: str, end: str) -> None:
    """Put a table into docs/looks.md, between the lines that say where it begins and ends."""
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text(before + "\n".join([begin, "", *lines, "", end]) + rest.split(end)[1])


def main() -> None:
    """Print a table, and draw pictures if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--masks", type=Path, help="folder with a folder of masks for each clip")
    parser.add_argument("--looks", default=",".join(LOOKS))
    parser.add_argument("--write", action="store_true", help="put the table into docs/looks.md")
    parser.add_argument("-o", "--output", type=Path, help="folder for pictures")
    arguments = parser.parse_args()
    lines = [
        "| clip | look | subject: chroma, contrast | rest: chroma | white | black | flicker, steady | change |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for clip in arguments.clips:
        lines += _measure(clip, arguments.looks.split(","), arguments.masks, arguments.output)
    print("\n".join(lines))
    if arguments.write:
        put_into_page(lines, BEGIN, END)


def shipped(look: str) -> Path:
    """The file of a shipped look, whatever looks this user has."""
    return shipped_folder() / f"{look}{SUFFIX}"


def _measure(clip: Path, looks: list[str], masks: Path | None, output: Path | None) -> list[str]:
    """A row of the table for each look."""
    rows = []
    with open_shot(clip) as shot:
        start = max(0, (len(shot) - FRAMES) // 2)
        numbers = shot.frames[start : start + FRAMES]
    plates = frames_of(clip, numbers)
    subject = masks_of(masks, clip.name, numbers, plates[0].shape[:2])
    drawn = [plates[len(plates) // 2]]
    with tempfile.TemporaryDirectory() as scratch:
        for look in looks:
            out = Path(scratch, look)
            grade(clip, shipped(look), out, within=numbers, analysis=Path(scratch, "analysis"), format="png")
            grades = frames_of(out, numbers)
            own = figures_of(plates, grades, subject)
            drawn.append(grades[len(grades) // 2])
            subject_text = f"{own.subject_chroma:.2f}, {own.subject_contrast:.2f}" if subject[0].any() else "–"
            whites = f"{own.white:+.2%} | {own.black:+.2%}"
            flicker = f"{own.flicker:.2f}, {own.steady:.2f}"
            rows.append(
                f"| {clip.stem} | {look} | {subject_text} | {own.rest_chroma:.2f} | {whites} | {flicker} | "
                f"{own.change:.1f} |"
            )
            print(rows[-1], file=sys.stderr, flush=True)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        drawn += [np.zeros_like(drawn[0])] * (-len(drawn) % 2)
        pairs = [np.hstack(drawn[i : i + 2]) for i in range(0, len(drawn), 2)]
        write_jpeg(output / f"{clip.stem}.jpg", np.vstack(pairs))
    return rows


if __name__ == "__main__":
    main()
