"""Make the pictures of the README and of docs/: ``python scripts/make_docs_pictures.py [NAME...]``.

NAME is one of the functions listed in PICTURES; without any, all are made. They show the example shot, Big Buck Bunny,
(c) Blender Foundation, CC BY 3.0, and nothing else. The pictures are JPEG and PNG files of less than 300 kB.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np

from tsp import overlay, segment
from vfxstyle import export, grade, open_shot
from vfxstyle.arrays import DoubleArray, FloatArray, LabelArray
from vfxstyle.color import linear_to_srgb
from vfxstyle.review.review import opened_review

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

REPOSITORY = Path(__file__).resolve().parents[1]
SHOT = REPOSITORY / "examples" / "big_buck_bunny"
IMAGES = REPOSITORY / "docs" / "images"
PRESETS = ("golden", "pop-out", "local-xpro", "teal-orange", "bleach-bypass", "cold", "spring")
CREDIT = "Big Buck Bunny, © Blender Foundation, CC BY 3.0"
DPI = 100
MOST_BYTES = 300_000


def shown(path: Path, frame: int) -> FloatArray:
    """A frame of a scene-linear Rec.709 shot as an sRGB display shows it, float32 (H, W, 3), 0..1."""
    with open_shot(path) as shot:
        return np.clip(linear_to_srgb(shot.read(frame).rgb), 0, 1)


def graded(presets: Sequence[str], frame: int, scratch: Path) -> dict[str, FloatArray]:
    """A frame of the shot with each preset, as :func:`shown` shows it. One analysis serves all presets."""
    pictures = {}
    for preset in presets:
        output = scratch / f"{preset}_{frame}"
        report = grade(SHOT, preset, output, frames=[frame], analysis=scratch / "analysis")
        pictures[preset] = shown(report.files[0], frame)
    return pictures


def save_jpeg(name: str, picture: FloatArray, quality: int = 88) -> None:
    """Write an sRGB picture, float32 (H, W, 3), 0..1, to docs/images."""
    codes = (np.clip(picture, 0, 1)[..., ::-1] * 255 + 0.5).astype(np.uint8)
    cv2.imwrite(str(IMAGES / name), codes, [cv2.IMWRITE_JPEG_QUALITY, quality])


def with_captions(pictures: Sequence[tuple[str, FloatArray]], columns: int, width: int, note: str) -> FloatArray:
    """A sheet of pictures of one size, each with a caption below it, and a note at the foot.

    width: of each picture on the sheet, in px. Returns float32 (H, W, 3), 0..1.
    """
    height = round(width * pictures[0][1].shape[0] / pictures[0][1].shape[1])
    gap, line = 10, 30
    rows = -(-len(pictures) // columns)
    size = (columns * (width + gap) + gap, rows * (height + line) + gap + line)
    figure = plt.figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, facecolor="white")
    places = []
    for index, (caption, _) in enumerate(pictures):
        x, y = gap + index % columns * (width + gap), gap + index // columns * (height + line)
        places.append((x, y))
        figure.text(x / size[0], 1 - (y + height + 6) / size[1], caption, fontsize=11, va="top", color="#222222")
    figure.text(gap / size[0], 8 / size[1], note, fontsize=8, color="#666666")
    sheet = drawn(figure)
    for (x, y), (_, picture) in zip(places, pictures, strict=True):
        sheet[y : y + height, x : x + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return sheet


def drawn(figure: Figure) -> FloatArray:
    """A matplotlib figure as a picture, float32 (H, W, 3), 0..1."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)  # the backend chosen above
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba(), np.float32)[..., :3] / np.float32(255)
    plt.close(figure)
    return pixels


def before_golden_cold(scratch: Path) -> None:
    """The README's picture: the plate, golden and cold."""
    frame = 1024
    looks = graded(("golden", "cold"), frame, scratch)
    sheet = np.hstack([shown(SHOT, frame), looks["golden"], looks["cold"]])
    smaller = cv2.resize(sheet, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    save_jpeg("before_golden_cold.jpg", np.asarray(smaller, np.float32))


def shipped_presets(scratch: Path) -> None:
    """One frame with each of the shipped presets, beside the plate."""
    frame = 1022
    looks = graded(PRESETS, frame, scratch)
    pictures = [("plate", shown(SHOT, frame)), *looks.items()]
    save_jpeg("presets.jpg", with_captions(pictures, 4, 330, f"Frame {frame} of {CREDIT}"), quality=84)


def superpixels_over_time(scratch: Path) -> None:
    """Superpixels of four frames; those that last through all four and move keep one colour each."""
    del scratch
    frames = (1010, 1014, 1018, 1022)
    with open_shot(SHOT) as shot:
        pictures = [np.clip(linear_to_srgb(shot.read(number).rgb), 0, 1) for number in shot.frames]
        first = shot.frames[0]
    maps = list(segment(pictures, 1000))
    labels = [maps[number - first] for number in frames]
    followed = _that_move(labels, pictures[frames[0] - first], least=8.0)
    tiles = []
    for number, label_map in zip(frames, labels, strict=True):
        painted = _painted(pictures[number - first], label_map, followed)
        tiles.append((f"frame {number}", painted[190:630, 80:720]))
    note = f"Filled: superpixels, dark ones left out, that are on all four frames and moved by 8 px or more. {CREDIT}"
    save_jpeg("superpixels_over_time.jpg", with_captions(tiles, 2, 640, note), quality=76)


def _that_move(maps: Sequence[LabelArray], picture: FloatArray, least: float) -> LabelArray:
    """Labels on all of the maps whose centroid moves by ``least`` px from the first to the last.

    picture: the first map's, float32 (H, W, 3), 0..1; superpixels that are nearly black on it are left out.
    """
    lasting = maps[0].reshape(-1)
    for label_map in maps:
        lasting = np.intersect1d(lasting, label_map)
    return np.array(
        [
            label
            for label in lasting.tolist()
            if np.linalg.norm(_centroid(maps[-1], label) - _centroid(maps[0], label)) > least
            and picture[maps[0] == label].mean() > 0.15
        ],
        np.int32,
    )


def _centroid(label_map: LabelArray, label: int) -> DoubleArray:
    return np.asarray(np.argwhere(label_map == label).mean(axis=0), np.float64)


def _painted(picture: FloatArray, label_map: LabelArray, followed: LabelArray) -> FloatArray:
    """The picture at twice its size with thin borders, and the followed superpixels filled with a colour each."""
    large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    labels = np.asarray(cv2.resize(label_map, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST), np.int32)
    for index, label in enumerate(followed):
        colour = np.array(mpl.colormaps["tab20"](index * 7 % 20)[:3], np.float32)
        large[labels == label] = 0.3 * large[labels == label] + 0.7 * colour
    bordered = np.asarray(overlay.borders(large, labels, (0.0, 0.0, 0.0)), np.float32)
    return 0.55 * large + 0.45 * bordered


def lut_residual(scratch: Path) -> None:
    """What ``vfxstyle export`` draws: plate, look, global LUT, and where the LUT falls short."""
    drawing = scratch / "residual.png"
    report = export(
        SHOT,
        "pop-out",
        lut=scratch / "pop-out.cube",
        map_file=drawing,
        analysis=scratch / "analysis",
        frames="1001-1024x3",
    )
    residual = next(iter(report.residuals.values()))
    picture = cv2.imread(str(drawing))
    assert picture is not None  # export has just written it
    sheet = picture[..., ::-1].astype(np.float32) / np.float32(255)
    rows, columns = sheet.shape[0] // 2, sheet.shape[1] // 2
    names = ("plate", "pop-out", "best LUT for it", "difference of the last two (white: CIEDE2000 of 5 and more)")
    tiles = [sheet[y : y + rows, x : x + columns] for y in (0, rows) for x in (0, columns)]
    note = f"CIEDE2000 of the LUT: {residual.mean:.2f} on average, 95 % below {residual.percentile_95:.2f}. {CREDIT}"
    save_jpeg("lut_residual.jpg", with_captions(list(zip(names, tiles, strict=True)), 2, 560, note), quality=84)


def two_passes(scratch: Path) -> None:
    """A drawing of the analysis pass and the grade pass, with what lies between them."""
    del scratch
    figure = plt.figure(figsize=(12.6, 5.7), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1260), ylim=(570, 0))
    axes.axis("off")
    blue, green, grey = "#3b6ea5", "#3f7d3a", "#555555"
    _lane(axes, 20, 46, "ANALYSIS", "once for each shot, in frame order, at analysis resolution", ("#e8f0fa", blue))
    _lane(
        axes,
        380,
        527,
        "GRADE",
        "any frames, in any order, on any machine, at the plate's resolution",
        ("#eaf5e9", green),
    )
    _chain(
        axes,
        (
            "frames in\ndisplay range",
            "optical\nflow",
            "temporal\nsuperpixels",
            "a few\nchosen frames",
            "features by\na network",
        ),
        75,
        blue,
    )
    _chain(
        axes,
        (
            "a transform per\nsuperpixel",
            "smoothed over\nneighbours",
            "blended\nper pixel",
            "applied in\nlinear light",
            "written and\nread back",
        ),
        405,
        green,
    )
    _box(axes, (40, 250), (190, 80), "preset", grey)
    _box(axes, (287, 250), (931, 80), "shot analysis on disk: label maps and features, the same for every preset", grey)
    for x in (629, 1123):
        _arrow(axes, (x, 171), (x, 246), blue)
    for start, end in ((135, 135), (310, 205), (382, 382), (629, 629)):
        _arrow(axes, (start, 334), (end, 401), grey)
    axes.text(396, 352, "label maps", fontsize=10, color=grey, va="center")
    axes.text(256, 352, "features", fontsize=10, color=grey, va="center", ha="right")
    codes = (drawn(figure)[..., ::-1] * 255 + 0.5).astype(np.uint8)
    cv2.imwrite(str(IMAGES / "two_passes.png"), codes, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def review(scratch: Path) -> None:
    """The review page with a selection on the superpixels of a frame; needs Playwright and Chromium on the path."""
    import uvicorn
    from playwright.sync_api import sync_playwright

    with opened_review(SHOT, "golden", analysis=scratch / "analysis") as opened, sync_playwright() as driver:
        server = uvicorn.Server(uvicorn.Config(opened.app(), log_level="error"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [opened.socket]}, daemon=True)
        serving.start()
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1360, "height": 800})
        page.goto(opened.address)
        page.wait_for_selector("#graded[data-path]")
        page.keyboard.press("o")
        page.wait_for_timeout(1500)
        box = page.locator("#sheet").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 0.62 * box["width"], box["y"] + 0.42 * box["height"])
        page.wait_for_selector("#mask:not([hidden])")
        page.wait_for_timeout(1500)
        page.screenshot(path=scratch / "review.png")
        browser.close()
        server.should_exit = True
        serving.join(10)
    read = cv2.imread(str(scratch / "review.png"))
    assert read is not None
    picture = read[..., ::-1].astype(np.float32) / 255
    size = (1200, round(picture.shape[0] * 1200 / picture.shape[1]))
    save_jpeg("review.jpg", np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32))


def _lane(axes: Axes, top: float, line: float, name: str, what: str, colours: tuple[str, str]) -> None:
    fill, edge = colours
    axes.add_patch(
        FancyBboxPatch((20, top), 1220, 170, boxstyle="round,pad=0,rounding_size=10", facecolor=fill, edgecolor="none")
    )
    axes.text(40, line, name, fontsize=13, fontweight="bold", color=edge, va="center")
    axes.text(150, line, what, fontsize=11.5, color="#333333", va="center")


def _chain(axes: Axes, steps: Sequence[str], top: float, colour: str) -> None:
    width, height, pitch = 190, 92, 247
    for index, step in enumerate(steps):
        left = 40 + index * pitch
        _box(axes, (left, top), (width, height), step, colour)
        if index:
            _arrow(axes, (left - pitch + width + 6, top + height / 2), (left - 6, top + height / 2), colour)


def _box(axes: Axes, corner: tuple[float, float], size: tuple[float, float], text: str, edge: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            corner, *size, boxstyle="round,pad=0,rounding_size=8", facecolor="white", edgecolor=edge, linewidth=1.5
        )
    )
    middle = (corner[0] + size[0] / 2, corner[1] + size[1] / 2)
    axes.text(*middle, text, fontsize=12, ha="center", va="center", color="#111111", linespacing=1.4)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, color=colour, linewidth=1.6))


PICTURES: dict[str, Callable[[Path], None]] = {
    make.__name__: make
    for make in (before_golden_cold, shipped_presets, superpixels_over_time, lut_residual, review, two_passes)
}


def main(names: Sequence[str]) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in names or PICTURES:
            PICTURES[name](scratch)
            print(name)
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.stat().st_size:7d} bytes  {path.relative_to(REPOSITORY)}")
        if path.stat().st_size > MOST_BYTES:
            raise SystemExit(f"{path} has more than {MOST_BYTES} bytes; write it smaller.")


if __name__ == "__main__":
    main(sys.argv[1:])
