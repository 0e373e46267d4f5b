"""Time and steadiness of a grade: ``python benchmarks/grade.py SHOT [SHOT ...] [--preset golden]``.

Writes Markdown to stdout. For each shot, in one run: wall seconds of each stage, the floor (reading and writing
the same frames untouched, through the same reader and writer), their ratio, and how steady the look is: for each
temporal superpixel, how far its mean change (graded minus plate, CIELab) differs from one frame to the next.
Seconds depend on the machine and its load; the ratio to the floor depends less on them.
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
from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.color import ColorConfig
from vfxstyle.plates.picture import analysis_picture, lab_of_picture
from vfxstyle.plates.spaces import Light, input_space, output_space
from vfxstyle.progress import Stage
from vfxstyle.shots import OutputFormat, Shot
from vfxstyle.shots.writing import ImageSink, PictureStyle
from vfxstyle.superpixels.tables import table_of

WIDTH = 640
STAGES = (Stage.SUPERPIXELS, Stage.FEATURES, Stage.TRANSFORMS, Stage.GRADE)


def floor_seconds(shot_path: str, folder: Path) -> float:
    """Return the seconds to read every frame and write it as EXR, with only the colour space changed in between."""
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


def light_of(shot: Shot) -> Light:
    """Return how the shot's values become light."""
    config = ColorConfig.load()
    return Light.of(config, input_space(config, shot.info.color_tag, shot.path, None).space)


def steadiness(shot_path: str, graded_path: Path, analysis: AnalysisFolder) -> DoubleArray:
    """Return how far each superpixel's mean change differs from one frame to the next, float64 (N,), Lab units."""
    differences = []
    last: dict[int, FloatArray] = {}
    with open_shot(shot_path) as plate, open_shot(graded_path) as graded:
        for number in plate.frames:
            before, after = (
                lab_of_picture(analysis_picture(shot.read(number), light_of(shot), WIDTH)) for shot in (plate, graded)
            )
            changes, _ = table_of(analysis.read_labels(number), after - before)
            now = dict(zip(changes.labels.tolist(), changes.colours, strict=True))
            differences += [np.linalg.norm(now[label] - last[label]) for label in now.keys() & last.keys()]
            last = now
    return np.array(differences, np.float64)


def row_of(path: str, preset: str) -> str:
    """Grade a shot and return its row of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "graded"
        report = grade(path, preset, out, analysis_width=WIDTH)
        floor = floor_seconds(path, Path(scratch) / "floor")
        differences = steadiness(path, out, AnalysisFolder(out / ".vfxstyle"))
    frames = len(report.written)
    with open_shot(path) as shot:
        cells = [shot.name, frames, f"{shot.info.width}x{shot.info.height}"]
    cells += [report.superpixels, f"{len(report.chosen_frames) / frames:.0%}"]
    cells += [f"{report.seconds[stage] / frames:.3f}" for stage in STAGES]
    cells += [
        f"{sum(report.seconds.values()):.1f}",
        f"{floor / frames:.3f}",
        f"{report.seconds[Stage.GRADE] / floor:.1f}",
    ]
    cells += [f"{np.median(differences):.2f}, {np.percentile(differences, 95):.2f}, {differences.max():.1f}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shots", nargs="+")
    parser.add_argument("--preset", default="golden")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, preset {arguments.preset}, analysis {WIDTH} px wide\n")
    print("| shot | frames | size | superpixels | network saw | " + " | ".join(f"{s} s/frame" for s in STAGES), end="")
    print(" | all s | floor s/frame | grade / floor | change a frame: median, 95 %, largest (Lab) |")
    print("|---|" + "---|" * 12)
    for path in arguments.shots:
        print(row_of(path, arguments.preset), flush=True)


if __name__ == "__main__":
    main()
