"""Per-shot looks, measured: ``python -m benchmarks.look DAVIS -o TABLE.md``.

Every edit of ``benchmarks/edits.py`` is made on a few frames of a clip of DAVIS 2016, which are written as 8-bit PNG
beside the clip's JPEG frames. A preset is learnt from them and put on the clip, as the commands do it, and all other
frames are compared with the edit in 8 bits, and before it is rounded: mean CIEDE2000 over the frame, over the subject
(the set's mask), and over a ring 10 px wide round it; and the same without the subject's parts that are thinner than
7 px, such as ropes. How far the edit is from itself in 8 bits is measured too.
Rivals learn from the same frames, the networks among them for as many CPU seconds, and for five times as many. With
``--frame-based`` the same look is put on every frame by itself too. With ``--worst FOLDER`` the frame of each row whose
subject is farthest off is written as a picture: plate and edit above, ours and the error below. Below the table stands
what it means that little of the subject is found again on a frame.

With ``--single FOLDER`` of photographs: one pair in, other pictures out. The edit is made on one picture, a preset is
learnt from that pair, and put on others; the table has the PSNR of each.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.edits import EDITS, edited, unrounded
from benchmarks.image_sets import CPU, at_analysis_size, ungraded_pair, with_after
from benchmarks.image_tables import learnt_preset
from benchmarks.labelled import labelled_clip
from benchmarks.rivals import Grading, Pair, learnt_cube, learnt_grid, learnt_retouch
from vfxstyle import grade, train
from vfxstyle.arrays import AnyArray, BoolArray, FloatArray
from vfxstyle.color import lab_to_linear, linear_to_srgb
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.features.registry import load_backbone
from vfxstyle.looks import fit_transform, transform_lab
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import example_of
from vfxstyle.training.stills import graded_picture

CLIPS = ("horsejump-high", "scooter-black", "paragliding-launch")
"""Clips that are measured: an animal with its rider, a vehicle in traffic, a person on a hillside."""
FRAMES = 30
"""Frames of a clip, from the first on."""
RING = 10
"""Width, in px, of the ring round the subject."""
THIN = 7
"""Width, in px, below which a part of the subject, such as a rope, is left out where thin parts are."""
SINGLE = (2, 7, 12)
"""Which of the wide photographs of a folder are taken: the one that is graded, and those that the look is put on."""
LOST = 0.3
"""Share found again below which frames are counted apart."""
LUT, GRID, RETOUCH = "33-cube LUT", "bilateral grid", "implicit retouch network"
RIVALS = (LUT, GRID, f"{GRID}, 5x", RETOUCH, f"{RETOUCH}, 5x")
"""What learns from the same frames; the last of each network for five times the seconds."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip with the masks of its subject."""

    name: str
    """Name in the set."""
    plates: list[FloatArray]
    """float32 (H, W, 3), sRGB, 0..1."""
    masks: list[FloatArray]
    """float32 (H, W), 0 or 1."""
    folder: Path
    """The frames as a shot, from 1001 on."""

    @classmethod
    def of(cls, davis: Path, name: str, scratch: Path) -> Clip:
        """Read a clip and lay it out as a shot."""
        frames = labelled_clip(davis, name)[:FRAMES]
        folder = scratch / name / "plate"
        folder.mkdir(parents=True)
        for index, frame in enumerate(frames):
            shutil.copy(frame.picture, folder / f"plate.{1001 + index}.jpg")
        labels = [np.asarray(cv2.imread(str(frame.labels), cv2.IMREAD_GRAYSCALE)) for frame in frames]
        masks = [np.asarray(one > 127, np.float32) for one in labels]
        return cls(name, [frame.read()[0] for frame in frames], masks, folder)

    def graded_frames(self, count: int) -> list[int]:
        """Indices of the frames that are graded by hand, evenly spread, none at either end."""
        places = np.linspace(0, len(self.plates) - 1, 2 * count + 1).round().astype(int)
        return [int(place) for place in places[1::2]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean CIEDE2000 from the edit, on the frames that were not graded by hand."""

    frame: float
    """Over the whole frame."""
    subject: float
    """Over the subject."""
    ring: float
    """Over the ring round it."""

    def __str__(self) -> str:
        return f"{self.frame:.2f}, {self.subject:.2f}, {self.ring:.2f}"


def by_frame(
    clip: Clip,
    pictures: Sequence[FloatArray],
    truth: Sequence[FloatArray],
    learnt: Sequence[int],
    *,
    without_thin_parts: bool = False,
) -> dict[int, Figures]:
    """Measure each frame of a graded clip that shows the subject. learnt: indices of those learnt from, left out.

    without_thin_parts: leave out parts of the subject narrower than :data:`THIN`, and what is as near to them as the
    ring is wide.
    """
    rows = {}
    for index, (picture, true) in enumerate(zip(pictures, truth, strict=True)):
        if index in set(learnt) or not clip.masks[index].any():
            continue
        difference = delta_e_2000(lab_of_picture(picture), lab_of_picture(true))
        subject = clip.masks[index] > 0.5
        near = _ring_of(subject)
        if without_thin_parts:
            wide = cv2.morphologyEx(subject.astype(np.uint8), cv2.MORPH_OPEN, _disc(THIN)) > 0
            near = _ring_of(wide) & ~_ring_of(subject & ~wide) & ~subject
            subject = wide
        means = [float(difference[where].mean()) for where in (subject >= 0, subject, near)]
        rows[index] = Figures(*means)
    return rows


def mean_of(rows: Mapping[int, Figures]) -> Figures:
    """The means over frames."""
    return Figures(*(float(np.mean(own)) for own in zip(*(astuple(row) for row in rows.values()), strict=True)))


def _ring_of(subject: BoolArray) -> BoolArray:
    wider = cv2.dilate(subject.astype(np.uint8), _disc(2 * RING + 1)) > 0
    return np.asarray(wider & ~subject)


def _disc(width: int) -> AnyArray:
    """A disc as OpenCV's morphology takes it. width: in px."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))


@dataclass(frozen=True, slots=True)
class Graded:
    """A clip as the commands grade it."""

    pictures: list[FloatArray]
    """float32 (H, W, 3), sRGB, 0..1."""
    seconds: float
    """CPU seconds from command to saved preset."""
    found_again: dict[int, float]
    """By the index of the frame, how much of what is treated apart is found again."""
    look: Path
    """The preset."""


def frame_by_frame(clip: Clip, look: Path) -> list[FloatArray]:
    """The clip graded with ``--frame-based``, float32 (H, W, 3) each, sRGB, 0..1."""
    out = look.parent / "frame-based"
    grade(clip.folder, look, out, format="png", frame_based=True, analysis=clip.folder.parent / "by frame")
    return [_read_png(path) for path in sorted(out.glob("*.png"))]


def ours(clip: Clip, edit: str, truth: Sequence[FloatArray], learnt: Sequence[int]) -> Graded:
    """Learn from the frames that are graded by hand, and grade the clip."""
    place = clip.folder.parent / f"{edit} {len(learnt)}"
    shutil.rmtree(place, ignore_errors=True)
    (place / "by hand").mkdir(parents=True)
    for index in learnt:
        codes = (truth[index][..., ::-1] * 255 + 0.5).astype(np.uint8)
        cv2.imwrite(str(place / "by hand" / f"graded.{1001 + index}.png"), codes)
    preset = place / "look.safetensors"
    start = time.process_time()
    train(None, "look", shot=clip.folder, graded=place / "by hand", output=preset, no_suggest=True)
    seconds = time.process_time() - start
    report = grade(clip.folder, preset, place / "out", format="png", analysis=clip.folder.parent / "analysis")
    pictures = [_read_png(path) for path in sorted((place / "out").glob("*.png"))]
    return Graded(pictures, seconds, {number - 1001: share for number, share in report.found_again.items()}, preset)


def _read_png(path: Path) -> FloatArray:
    codes = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
    return np.asarray(codes[..., 2::-1] / np.iinfo(codes.dtype).max, np.float32)


def rivals(pairs: Sequence[Pair], seconds: float) -> dict[str, Callable[[], Grading]]:
    """What learns from the same pairs, by the names of :data:`RIVALS`. seconds: of CPU, for each network once."""
    learners = (
        lambda: learnt_cube(pairs),
        lambda: learnt_grid(pairs, seconds),
        lambda: learnt_grid(pairs, 5 * seconds),
        lambda: learnt_retouch(pairs, seconds),
        lambda: learnt_retouch(pairs, 5 * seconds),
    )
    return dict(zip(RIVALS, learners, strict=True))


def single_pairs(folder: Path) -> list[str]:
    """Return the table of looks learnt from one pair of photographs, as Markdown lines."""
    read = (np.asarray(cv2.imread(str(path))) for path in sorted(folder.glob("*.png")))
    wide = [picture for picture in read if picture.shape[1] > picture.shape[0]]
    pictures = [at_analysis_size(np.asarray(wide[index][..., ::-1] / 255, np.float32)) for index in SINGLE]
    backbone, settings = load_backbone(TrainSettings().backbone, CPU), TrainSettings()
    example = example_of(
        ungraded_pair(pictures[0]), backbone, settings, settings.superpixels, np.random.default_rng(settings.seed)
    )
    lines = [
        f"PSNR, dB, of {len(pictures) - 1} other pictures",
        "",
        f"| edit of the one pair | plate | one quadratic | {LUT} | ours |",
        "|---|---|---|---|---|",
    ]
    nothing = np.zeros(pictures[0].shape[:2], np.float32)
    for name in ("film", "vignette", "film, vignette"):
        truth = [functools.reduce(lambda one, edit: edited(edit, one, nothing), name.split(", "), p) for p in pictures]
        labs = [lab_of_picture(picture) for picture in (pictures[0], truth[0])]
        preset = learnt_preset([with_after(example, labs[1])], settings)
        phi = fit_transform(labs[0].reshape(-1, 3), labs[1].reshape(-1, 3))
        gradings: list[Grading] = [
            lambda picture: picture,
            functools.partial(_by_transform, phi),
            learnt_cube([(pictures[0], truth[0])]),
            functools.partial(graded_picture, preset=preset, backbone=backbone),
        ]
        cells = [
            ", ".join(f"{_psnr(grading(p), t):.1f}" for p, t in zip(pictures[1:], truth[1:], strict=True))
            for grading in gradings
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def _by_transform(phi: FloatArray, picture: FloatArray) -> FloatArray:
    return linear_to_srgb(lab_to_linear(transform_lab(lab_of_picture(picture), phi)))


def _psnr(picture: FloatArray, truth: FloatArray) -> float:
    return float(-10 * np.log10(((np.clip(picture, 0, 1) - truth) ** 2).mean()))


def main() -> None:
    """Write the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("davis", type=Path, help="DAVIS 2016 folder; with --single a folder of photographs")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Markdown file to write")
    parser.add_argument("--clips", default=",".join(CLIPS))
    parser.add_argument("--edits", default=",".join(EDITS))
    parser.add_argument("--graded", default="3", help="numbers of graded frames, with commas between")
    parser.add_argument("--rivals", action="store_true", help="measure rivals too")
    parser.add_argument("--frame-based", action="store_true", help="grade every frame by itself too")
    parser.add_argument("--worst", type=Path, help="folder for a picture of each row's worst frame")
    parser.add_argument("--single", action="store_true", help="one pair of photographs in, other photographs out")
    arguments = parser.parse_args()
    if arguments.single:
        arguments.output.write_text("\n".join(single_pairs(arguments.davis)) + "\n")
        return
    columns = ["clip", "edit", "graded frames", "plate", "8 bits alone", "ours", "ours, from the edit before rounding"]
    columns += ["ours, thin parts left out", "seconds"]
    columns += ["frame-based"] * arguments.frame_based + list(RIVALS) * arguments.rivals
    lines = [
        f"{len(os.sched_getaffinity(0))} cores; mean CIEDE2000 of frame, subject and ring; CPU seconds from command to "
        "saved preset",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
    ]
    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.clips.split(","):
            clip = Clip.of(arguments.davis, name, Path(scratch))
            for edit in arguments.edits.split(","):
                truth = [edited(edit, plate, mask) for plate, mask in zip(clip.plates, clip.masks, strict=True)]
                for count in map(int, arguments.graded.split(",")):
                    line, own = _row(clip, edit, truth, count, arguments)
                    lines.append(line)
                    found += own
                    arguments.output.write_text("\n".join([*lines, "", *what_is_lost(found)]) + "\n")
                    print(lines[-1], flush=True)


def what_is_lost(found: Sequence[tuple[float, float]]) -> list[str]:
    """Return what error there is where little is found again. found: the share found again and the subject's error."""
    if not found:
        return []
    share, error = np.array(found).T
    lost, worst = share < LOST, error >= np.quantile(error, 0.9)
    inside, outside = (f"{error[own].mean():.2f}" if own.any() else "none" for own in (lost, ~lost))
    among = (lost & worst).sum() / worst.sum()
    return [
        f"Of {len(found)} frames, less than {LOST} of what is treated apart is found again on {lost.sum()}: error on "
        f"the subject {inside}, on the others {outside}; {among:.0%} of the worst tenth of all frames are among them."
    ]


def _row(
    clip: Clip, edit: str, truth: Sequence[FloatArray], count: int, options: argparse.Namespace
) -> tuple[str, list[tuple[float, float]]]:
    """Return a row, and of each frame the share found again and the subject's error."""
    learnt = clip.graded_frames(count)
    graded = ours(clip, edit, truth, learnt)
    plate, rows = by_frame(clip, clip.plates, truth, learnt), by_frame(clip, graded.pictures, truth, learnt)
    exact = [unrounded(edit, plate, mask) for plate, mask in zip(clip.plates, clip.masks, strict=True)]
    floor = mean_of(by_frame(clip, exact, truth, learnt))
    found = [(graded.found_again[index], row.subject) for index, row in rows.items() if index in graded.found_again]
    wide = mean_of(by_frame(clip, graded.pictures, truth, learnt, without_thin_parts=True))
    before_rounding = mean_of(by_frame(clip, graded.pictures, exact, learnt))
    measured = [str(figures) for figures in (mean_of(plate), floor, mean_of(rows), before_rounding, wide)]
    cells = [clip.name, edit, str(count), *measured, f"{graded.seconds:.0f}"]
    if options.worst is not None:
        options.worst.mkdir(parents=True, exist_ok=True)
        worst = max(rows, key=lambda index: rows[index].subject)
        file = options.worst / f"{clip.name} {edit} {count} {1001 + worst}.png"
        cv2.imwrite(str(file), _compared(clip.plates[worst], truth[worst], graded.pictures[worst]))
    if options.frame_based:
        made = frame_by_frame(clip, graded.look)
        cells.append(str(mean_of(by_frame(clip, made, truth, learnt))))
    if options.rivals:
        pairs = [(clip.plates[index], truth[index]) for index in learnt]
        for learn in rivals(pairs, graded.seconds).values():
            grading = learn()
            made = [grading(picture) for picture in clip.plates]
            cells.append(str(mean_of(by_frame(clip, made, truth, learnt))))
    return f"| {' | '.join(cells)} |", found


def _compared(plate: FloatArray, truth: FloatArray, ours: FloatArray) -> AnyArray:
    """Plate and edit above, ours and the error below, black to white for a CIEDE2000 of 0 to 10; BGR codes."""
    error = np.clip(delta_e_2000(lab_of_picture(ours), lab_of_picture(truth)) / 10, 0, 1)
    below = np.concatenate([ours, np.stack([error] * 3, axis=-1)], axis=1)
    picture = np.concatenate([np.concatenate([plate, truth], axis=1), below])
    return np.asarray((picture[..., ::-1] * 255 + 0.5).astype(np.uint8))


if __name__ == "__main__":
    main()
