"""Write the gallery of docs/looks.md: ``python scripts/make_looks_page.py PHOTOGRAPHS CLIPS``.

PHOTOGRAPHS: the collection that the presets were learnt from (see presets/photographs.py), of which six pictures that
were held out of training are shown. CLIPS: a folder of movies, of which two are shown.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.looks import shipped  # noqa: E402 - found by the line before
from presets.gradable import SUBJECT_SHARES  # noqa: E402
from presets.make_presets import DESCRIPTIONS, LIMITS, SHARE_WORDS  # noqa: E402
from presets.photographs import photographs  # noqa: E402
from vfxstyle import grade, load_preset, open_shot  # noqa: E402
from vfxstyle.arrays import FloatArray  # noqa: E402
from vfxstyle.plates.plate import open_plate  # noqa: E402
from vfxstyle.settings import PlateSettings  # noqa: E402

PAGE, IMAGES = ROOT / "docs" / "looks.md", ROOT / "docs" / "images" / "looks"
BEGIN, END = "<!-- The gallery begins: made by scripts/make_looks_page.py. -->", "<!-- The gallery ends. -->"
PICTURES = (
    "lomiri__life_by_Aitzol_Berasategi",
    "oceanic__434614",
    "coco__000000107438",
    "kodak__15",
    "openimages__bird-013",
    "coco__000000519208",
)
CLIPS = {
    "udacity_solidWhiteRight.mp4": ("Udacity, CarND-LaneLines-P1, MIT", 60),
    "intel_car-detection.mp4": ("Intel, sample-videos, CC BY 4.0", 78),
}
SIZE = (320, 214)


def main() -> None:
    """Draw a sheet for the plates and one for each look, and write the page."""
    folder, clips = Path(sys.argv[1]), Path(sys.argv[2])
    by_name = {one.name: one for one in photographs(folder)}
    shots: list[tuple[Path, int]] = [(folder / "photos" / f"{name}.jpg", 0) for name in PICTURES]
    shots += [(clips / name, frame) for name, (_, frame) in CLIPS.items()]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        draw("plates", [shown(shot, frame) for shot, frame in shots])
        for look in DESCRIPTIONS:
            draw(look, [graded(shot, frame, look, Path(scratch)) for shot, frame in shots])
    photographers = [f"{by_name[name].author or by_name[name].source} ({by_name[name].licence})" for name in PICTURES]
    lines = [BEGIN, "", "![The plates](images/looks/plates.jpg)", ""]
    lines += [f"Photographs, none of which a preset's weights have seen: {'; '.join(photographers)}.", ""]
    lines += [f"Clips: {'; '.join(words for words, _ in CLIPS.values())}.", ""]
    for look, text in DESCRIPTIONS.items():
        errors = load_preset(shipped(look)).info.card["errors"]
        share = SUBJECT_SHARES.get(look)
        counted = f", subjects counted as {SHARE_WORDS[share]} of a picture at least" if share else ""
        figures = (
            f"{errors['predicted']:.2f} of a change of {errors['distance']:.2f}; the best single transform of each"
        )
        lines += [f"### {look}", "", f"{text} {LIMITS[look]}", "", f"![{look}](images/looks/{look}.jpg)", ""]
        lines += [
            f"Error on photographs held out, mean L2 in Lab{counted}: {figures} picture {errors['global_oracle']:.2f}.",
            "",
        ]
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + "\n".join(lines) + END + rest.split(END)[1])
    print(PAGE)


def shown(shot: Path, frame: int) -> FloatArray:
    """A frame as the analysis sees it, sRGB. frame: its number in a movie; of a picture the only one."""
    with open_plate(shot, PlateSettings()) as plate:
        number = frame or plate.shot.frames[0]
        return plate.picture(plate.shot.read(number), 640)


def graded(shot: Path, frame: int, look: str, scratch: Path) -> FloatArray:
    """The same after a look; a clip is analysed over ten frames round it."""
    with open_shot(shot) as opened:
        frames: Sequence[int] = range(frame - 5, frame + 5) if frame else opened.frames
    analysis = scratch / f"{shot.stem}_analysis"
    report = grade(
        shot,
        shipped(look),
        scratch / look / shot.stem,
        frames=[frames[len(frames) // 2]],
        within=frames,
        analysis=analysis,
        format="png",
    )
    return shown(report.files[0], 0)


def draw(name: str, pictures: Sequence[FloatArray]) -> None:
    """Write a sheet of two rows."""
    small = [cv2.resize(filled(one), SIZE, interpolation=cv2.INTER_AREA) for one in pictures]
    half = len(small) // 2
    sheet = np.vstack([np.hstack(small[:half]), np.hstack(small[half:])])
    codes = (np.clip(sheet, 0, 1)[..., ::-1] * 255 + 0.5).astype(np.uint8)
    cv2.imwrite(str(IMAGES / f"{name}.jpg"), codes, [cv2.IMWRITE_JPEG_QUALITY, 84])


def filled(picture: FloatArray) -> FloatArray:
    """The middle of a picture that has the shape of a tile."""
    height, width = picture.shape[:2]
    wide, high = min(width, round(height * SIZE[0] / SIZE[1])), min(height, round(width * SIZE[1] / SIZE[0]))
    top, left = (height - high) // 2, (width - wide) // 2
    return picture[top : top + high, left : left + wide]


if __name__ == "__main__":
    main()
