"""Time and steadiness of a grade: ``python benchmarks/grade.py SHOT [SHOT ...] [--preset golden]``.

Writes Markdown to stdout. For each shot, in one run: wall seconds of each stage, the floor (reading and writing
the same frames untouched, through the same reader and writer), their ratio, and how steady the look is: for each
temporal superpixel, how far its mean change (graded minus plate, CIELab) moves from one frame to the next.
Seconds depend on the machine and its load; the ratio to the floor travels better.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

import numpy as np

from vfxstyle import grade, open_shot
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.color import ColorConfig
from vfxstyle.plates.picture import analysis_picture, lab_of_picture
from vfxstyle.plates.spaces import Light, input_space, output_space
from vfxstyle.shots import OutputFormat
from vfxstyle.shots.writing import ImageSink, PictureStyle

WIDTH = 640


def floor_seconds(shot_path: str, folder: Path) -> float:
    """Read every frame and write it as EXR, with no more than the change of colour space in between."""
    start = time.perf_counter()
    config = ColorConfig.load()
    with open_shot(shot_path) as shot:
        targets = {number: folder / f"floor.{number:04d}.exr" for number in shot.frames}
        plate = input_space(config, shot.info.color_tag, shot.path, None).space
        result = output_space(config, OutputFormat.EXR, plate, None)
        change = config.between(plate, result)
        sink = ImageSink(folder, targets, PictureStyle(format=OutputFormat.EXR, space=result, tag=True, stamps={}))
        for frame in shot:
            sink.write(frame if change.is_identity else replace(frame, rgb=change.apply(frame.rgb)))
    return time.perf_counter() - start


def light_of(shot) -> Light:
    config = ColorConfig.load()
    return Light.of(config, input_space(config, shot.info.color_tag, shot.path, None).space)


def steadiness(shot_path: str, graded_path: Path, analysis: AnalysisFolder) -> np.ndarray:
    """Frame-to-frame movement of each superpixel's mean change, in CIELab units."""
    movements, last = [], {}
    with open_shot(shot_path) as plate, open_shot(graded_path) as graded:
        for number in plate.frames:
            before, after = (
                lab_of_picture(analysis_picture(shot.read(number), light_of(shot), WIDTH)) for shot in (plate, graded)
            )
            names, rows = np.unique(analysis.read_labels(number), return_inverse=True)
            change = (after - before).reshape(-1, 3)
            areas = np.bincount(rows.reshape(-1))
            means = np.stack([np.bincount(rows.reshape(-1), change[:, c]) / areas for c in range(3)], axis=1)
            now = dict(zip(names.tolist(), means, strict=True))
            movements += [np.linalg.norm(now[k] - last[k]) for k in now.keys() & last.keys()]
            last = now
    return np.array(movements)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shots", nargs="+")
    parser.add_argument("--preset", default="golden")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, preset {arguments.preset}, analysis {WIDTH} px wide\n")
    stages = ("superpixels", "features", "transforms", "grade")
    print("| shot | frames | size | TSPs | network saw | " + " | ".join(f"{s} s/frame" for s in stages), end="")
    print(" | all s | floor s/frame | grade / floor | look moves a frame: median, 95 %, largest (Lab) |")
    print("|---|" + "---|" * 12)
    for path in arguments.shots:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "graded"
            report = grade(path, arguments.preset, out, analysis_width=WIDTH)
            floor = floor_seconds(path, Path(scratch) / "floor")
            moves = steadiness(path, out, AnalysisFolder(out / ".vfxstyle"))
            frames = len(report.written)
            with open_shot(path) as shot:
                size = f"{shot.info.width}x{shot.info.height}"
                name = shot.name
        cells = [name, frames, size, report.superpixels, f"{len(report.chosen_frames) / frames:.0%}"]
        cells += [f"{report.seconds[stage] / frames:.3f}" for stage in stages]
        cells += [f"{sum(report.seconds.values()):.1f}", f"{floor / frames:.3f}"]
        cells += [f"{report.seconds['grade'] / floor:.1f}"]
        cells += [f"{np.median(moves):.2f}, {np.percentile(moves, 95):.2f}, {moves.max():.1f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
