"""Quality and speed of the temporal superpixels: ``python benchmarks/tsp.py DAVIS_FOLDER [options]``.

Writes two Markdown tables: a row for each clip, size and requested number of superpixels, with rows of means; and our
means over the published implementation's, over the clips and sizes for which its figures are known. DAVIS_FOLDER is
the DAVIS 2016 data set (JPEGImages/480p, Annotations/480p); REFERENCE holds label maps of the published
implementation (CLIP.npz), which are scored in the same way where frames and size are theirs.

Figures of two methods can only be compared at as many superpixels a frame. Where the published implementation's
count is known, K is changed, at most four times, until ours is within 2 %; the column "K asked" says to what. E per
pixel is always under the published settings for the requested K.

How the figures are taken:

- Quality: tsp.metrics, CIELab (D65), flow by DIS; E per pixel: tsp.energy.Evaluator, in nats.
- CPU seconds a frame: of the whole process, all threads, flow handed in, over ten frames from the seventh on, after
  everything is compiled. Before each of these frames scikit-image's slic(frame, n_segments=K, compactness=10) runs
  on it in the same process; its CPU seconds are taken off and serve as the yardstick, because seconds alone do not
  carry from machine to machine.
- Wall seconds a frame: flow estimated on the way, the same frames, a second run without SLIC beside it.
- Peak memory: a process of its own that reads, segments and forgets frame after frame; Python and libraries included.
- Frames: the share that the greedy choice needs to show every superpixel, or that share of the clip's volume, and the
  least that any choice needs to show every superpixel (an integer programme).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this file has the library's name and would hide it

import cv2
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from skimage.segmentation import slic

from tsp import DISFlow, segment
from tsp.arrays import BoolArray, ByteArray, FloatArray, LabelArray
from tsp.energy import Evaluator
from tsp.metrics import Scores, score
from tsp.settings import Settings
from vfxstyle.superpixels.frame_choice import choose_frames

# The published implementation: SPs/frame, life, EV2D, EV3D, UE3D, SA3D, UE2D, boundary recall, share of frames that the
# greedy choice needs, CPU seconds over SLIC's. Flow by DIS, first 30 frames, default settings; None where not measured.
PUBLISHED_FIGURES = {
    ("blackswan", "480x270", 1000): (1364, 14.4, 0.942, 0.931, 0.582, 0.979, 0.182, 0.981, 1.0, 10.0),
    ("parkour", "480x270", 1000): (1381, 11.5, 0.937, 0.930, 1.729, 0.961, 0.325, 0.992, 1.0, 9.1),
    ("car-shadow", "480x270", 1000): (1352, 14.0, 0.965, 0.955, 0.648, 0.979, 0.142, 0.983, 1.0, 10.0),
    ("blackswan", "854x480", 1000): (1268, 14.6, 0.913, 0.897, 0.715, 0.972, 0.194, 0.877, None, 8.6),
    ("parkour", "854x480", 1000): (1321, 12.4, 0.901, 0.885, 2.132, 0.891, 0.307, 0.890, None, 10.0),
    ("car-shadow", "854x480", 1000): (1226, 14.2, 0.941, 0.930, 0.718, 0.968, 0.151, 0.814, None, 9.1),
    ("blackswan", "480x270", 3000): (3816, 9.8, 0.961, 0.956, 0.245, 0.984, 0.094, 1.00, None, 21.0),
    ("parkour", "480x270", 3000): (3889, 8.8, 0.956, 0.951, 0.600, 0.977, 0.174, 1.00, None, 21.0),
}
FIGURES = ("per_frame", "life", "ev_2d", "ev_3d", "ue_3d", "sa_3d", "ue_2d", "boundary_recall", "greedy", "cpu_ratio")
MATCHED = 0.02

TIMED = slice(6, 16)  # past the first frame, which is grown from a grid, and past the fill of the look-ahead


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    clip: str
    width: int
    height: int
    superpixels: int

    def __str__(self) -> str:
        return f"{self.clip} {self.width}x{self.height} K={self.superpixels}"


@dataclass(frozen=True)
class Clip:
    frames: ByteArray  # (T, H, W, 3), RGB
    masks: BoolArray  # (T, H, W)
    lab: FloatArray  # (T, H, W, 3)
    flows: list[FloatArray]  # T - 1 times (H, W, 2)


def figure(heading: str, style: str) -> Any:
    return field(default=None, metadata={"heading": heading, "style": style})


@dataclass
class Row:
    """One row of the table; what was not measured stays None."""

    clip: str = field(metadata={"heading": "clip", "style": ""})
    size: str = field(metadata={"heading": "size", "style": ""})
    requested: int = field(metadata={"heading": "K", "style": ""})
    asked: int | None = field(metadata={"heading": "K asked", "style": ".0f"})
    method: str = field(metadata={"heading": "method", "style": ""})
    per_frame: float | None = figure("SPs/frame", ".0f")
    superpixels: float | None = figure("superpixels", ".0f")
    life: float | None = figure("life", ".1f")
    life_by_volume: float | None = figure("life by volume", ".1f")
    ev_2d: float | None = figure("EV2D", ".3f")
    ev_3d: float | None = figure("EV3D", ".3f")
    ue_3d: float | None = figure("UE3D", ".3f")
    ue_3d_object: float | None = figure("UE3D object", ".3f")
    sa_3d: float | None = figure("SA3D", ".3f")
    sa_3d_object: float | None = figure("SA3D object", ".3f")
    ue_2d: float | None = figure("UE2D", ".3f")
    boundary_recall: float | None = figure("BR2D (2 px)", ".3f")
    compactness: float | None = figure("compactness", ".3f")
    border_share: float | None = figure("border pixels", ".1%")
    energy: float | None = figure("E/px", ".3f")
    cpu: float | None = figure("CPU s/frame, no flow", ".3f")
    cpu_ratio: float | None = figure("/ SLIC", ".2f")
    wall: float | None = figure("wall s/frame, with flow", ".3f")
    wall_ratio: float | None = figure("/ SLIC", ".2f")
    peak: float | None = figure("peak MiB", ".0f")
    greedy: float | None = figure("frames, greedy", ".0%")
    exact: float | None = figure("frames, least", ".0%")
    most: float | None = figure("for 99.5 %", ".0%")
    bulk: float | None = figure("for 99 %", ".0%")


def read_picture(file: Path, flags: int) -> ByteArray:
    """An 8-bit picture as OpenCV reads it: BGR (H, W, 3), or grey (H, W)."""
    picture = cv2.imread(str(file), flags)
    if picture is None:
        raise SystemExit(f"{file} is not a picture that can be read.")
    return np.asarray(picture, np.uint8)


def read_frames(folder: Path, case: Case, count: int) -> Iterator[ByteArray]:
    """The clip's first frames, uint8 (H, W, 3), RGB."""
    files = sorted((folder / "JPEGImages" / "480p" / case.clip).glob("*.jpg"))[:count]
    if len(files) < count:
        raise SystemExit(f"{case.clip} has {len(files)} frames in {folder}, not {count}.")
    for file in files:
        picture = read_picture(file, cv2.IMREAD_COLOR)
        resized = cv2.resize(picture, (case.width, case.height), interpolation=cv2.INTER_AREA)
        yield np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), np.uint8)


def read_masks(folder: Path, case: Case, count: int) -> Iterator[BoolArray]:
    for file in sorted((folder / "Annotations" / "480p" / case.clip).glob("*.png"))[:count]:
        mask = read_picture(file, cv2.IMREAD_GRAYSCALE)
        yield cv2.resize(mask, (case.width, case.height), interpolation=cv2.INTER_NEAREST) > 127


def load_clip(folder: Path, case: Case, count: int) -> Clip:
    frames = np.stack(list(read_frames(folder, case, count)))
    floats = [frame / np.float32(255) for frame in frames]
    dis = DISFlow()
    return Clip(
        frames,
        np.stack(list(read_masks(folder, case, count))),
        np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2LAB) for frame in floats]),
        [dis(first, second) for first, second in pairwise(floats)],
    )


def run_slic(frame: ByteArray, superpixels: int) -> None:
    slic(frame, n_segments=superpixels, compactness=10)


def warm_up(clip: Clip) -> None:
    """Compile everything, so that no timing meets the compiler."""
    run_slic(clip.frames[0], 100)
    for flow in (None, clip.flows[:3]):
        for _ in segment(clip.frames[:4], 100, flow=flow):
            pass


def fed(
    frames: ByteArray, marks: list[float], clock: Callable[[], float], before: Callable[[int], None]
) -> Iterator[ByteArray]:
    """The frames; ``marks`` gets the time at which each was asked for, then that of the end.

    Work on a frame is what lies between two requests, however far the labels run behind their frames.
    """
    for index, frame in enumerate(frames):
        marks.append(clock())
        before(index)
        yield frame
    marks.append(clock())


def timed_frames(frames: ByteArray) -> range:
    return range(len(frames))[TIMED]


def segment_beside_slic(clip: Clip, superpixels: int) -> tuple[LabelArray, float, float]:
    """Label maps of the clip, and CPU seconds a frame: ours without flow, and SLIC's."""
    marks: list[float] = []
    yardstick: list[float] = []
    timed = timed_frames(clip.frames)

    def slic_first(index: int) -> None:
        if index in timed:
            start = time.thread_time()  # SLIC has one thread; ours may go on with its work in others meanwhile
            run_slic(clip.frames[index], superpixels)
            yardstick.append(time.thread_time() - start)

    frames = fed(clip.frames, marks, time.process_time, slic_first)
    labels = np.stack(list(segment(frames, superpixels, flow=clip.flows)))
    ours = marks[timed.stop] - marks[timed.start] - sum(yardstick)
    return labels, ours / len(timed), sum(yardstick) / len(timed)


def wall_seconds(clip: Clip, superpixels: int) -> float:
    """Wall seconds a frame, flow included."""
    marks: list[float] = []
    timed = timed_frames(clip.frames)
    frames = fed(clip.frames[: timed.stop], marks, time.perf_counter, lambda index: None)
    for _ in segment(frames, superpixels):
        pass
    return (marks[timed.stop] - marks[timed.start]) / len(timed)


def peak_memory(arguments: argparse.Namespace, case: Case, asked: int) -> float:
    """Peak resident memory of a process that segments the clip, in MiB."""
    command = [sys.executable, __file__, str(arguments.davis), "--frames", str(arguments.frames)]
    command += ["--clips", case.clip, "--sizes", f"{case.width}x{case.height}"]
    command += ["--superpixels", str(asked), "--peak-memory"]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def print_peak_memory(folder: Path, case: Case, count: int) -> None:
    """What the process of its own does."""
    for _ in segment(read_frames(folder, case, count), case.superpixels):
        pass
    status = Path("/proc/self/status").read_text()  # what getrusage gives begins with the parent's memory
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def energy_per_pixel(clip: Clip, labels: LabelArray, superpixels: int) -> float:
    """E of the label maps with the published settings, in nats per pixel; larger is better."""
    height, width = labels.shape[1:]
    published = Settings(
        num_superpixels=superpixels,
        beta=-10.0,
        deltap_scale=0.001,
        deltaa_scale=100.0,
        colour_var=height * width / 18768,
    )
    evaluator = Evaluator(height, width, published)
    flows = [None, *clip.flows]
    return sum(evaluator.add(*frame) for frame in zip(labels, clip.lab, flows, strict=True)) / labels.size


def least_frames(present: Sequence[LabelArray]) -> int:
    """The fewest frames that together show every superpixel: set cover, solved exactly."""
    every = np.unique(np.concatenate(present))
    shown = np.unique(np.stack([np.isin(every, frame) for frame in present], axis=1), axis=0)
    result = milp(
        np.ones(len(present)),
        constraints=LinearConstraint(shown.astype(float), lb=1),
        integrality=np.ones(len(present)),
        bounds=Bounds(0, 1),
    )
    if not result.success:
        raise SystemExit(f"The integer programme was not solved: {result.message}")
    return round(float(result.fun))


def measured(row: Row, clip: Clip, labels: LabelArray) -> Row:
    """Fill in what follows from the label maps alone."""
    scores: Scores = score(labels, clip.lab, clip.masks)
    ue_3d, sa_3d, ue_2d = scores.undersegmentation_3d, scores.segmentation_accuracy_3d, scores.undersegmentation_2d
    assert ue_3d is not None  # these three are None only without masks
    assert sa_3d is not None
    assert ue_2d is not None
    row.per_frame, row.superpixels = scores.superpixels_per_frame, scores.superpixels
    row.life, row.life_by_volume = scores.mean_life, scores.life_by_volume
    row.ev_2d, row.ev_3d = scores.explained_variation_2d, scores.explained_variation_3d
    row.ue_3d, row.ue_3d_object = ue_3d.mean, ue_3d.objects
    row.sa_3d, row.sa_3d_object = sa_3d.mean, sa_3d.objects
    row.ue_2d, row.boundary_recall = ue_2d.mean, scores.boundary_recall
    row.compactness, row.border_share = scores.compactness, scores.border_share
    row.energy = energy_per_pixel(clip, labels, row.requested)
    present = [np.unique(frame) for frame in labels]
    areas = [np.unique(frame, return_counts=True)[1] for frame in labels]
    row.greedy, row.most, row.bulk = (
        len(choose_frames(present, areas, coverage=share).chosen) / len(labels) for share in (1.0, 0.995, 0.99)
    )
    row.exact = least_frames(present) / len(labels)
    return row


def row_of(case: Case, method: str) -> Row:
    return Row(case.clip, f"{case.width}x{case.height}", case.superpixels, None, method)


def key_of(case: Case) -> tuple[str, str, int]:
    return case.clip, f"{case.width}x{case.height}", case.superpixels


def matching_superpixels(case: Case, clip: Clip) -> int:
    """The K that gives as many superpixels a frame as the published implementation makes, if that is known."""
    asked = case.superpixels
    if key_of(case) not in PUBLISHED_FIGURES:
        return asked
    target = PUBLISHED_FIGURES[key_of(case)][0]
    for _ in range(4):
        counts = [len(np.unique(labels)) for labels in segment(clip.frames, asked, flow=clip.flows)]
        if abs(np.mean(counts) / target - 1) <= MATCHED:
            break
        asked = round(asked * target / float(np.mean(counts)))
    return asked


def our_row(arguments: argparse.Namespace, case: Case, clip: Clip) -> Row:
    asked = matching_superpixels(case, clip)
    labels, cpu, yardstick = segment_beside_slic(clip, asked)
    row = measured(row_of(case, "tsp"), clip, labels)
    row.asked = asked
    row.cpu, row.cpu_ratio = cpu, cpu / yardstick
    row.wall = wall_seconds(clip, asked)
    row.wall_ratio = row.wall / yardstick
    row.peak = peak_memory(arguments, case, asked)
    return row


def published_row(reference: Path, case: Case, clip: Clip) -> Row | None:
    """The published implementation's label maps, if they were made from exactly these frames for this K."""
    file = reference / f"{case.clip}.npz"
    if not file.is_file() or case.superpixels != 1000:
        return None
    with np.load(file, allow_pickle=False) as stored:
        labels, digest = stored["labels"], str(stored["frames_sha256"])
    if labels.shape != clip.masks.shape or hashlib.sha256(clip.frames.tobytes()).hexdigest() != digest:
        return None
    return measured(row_of(case, "published"), clip, labels)


def mean_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """The mean over clips for each size, K and method that has several."""
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.size, row.requested, row.method), []).append(row)
    for (size, requested, method), members in groups.items():
        mean = Row(f"mean of {len(members)}", size, requested, None, method)
        for column in fields(Row)[5:]:
            values = [getattr(row, column.name) for row in members]
            if None not in values:
                setattr(mean, column.name, sum(values) / len(values))
        if len(members) > 1:
            yield mean


def comparison(rows: Sequence[Row]) -> str:
    """Our means and the published implementation's, over the rows for which both are known."""
    lines = ["| mean | rows | ours | published | ours / published |", "|---|---|---|---|---|"]
    headings = {column.name: column.metadata["heading"] for column in fields(Row)}
    headings["cpu_ratio"] = "CPU s/frame, no flow, / SLIC"
    for index, name in enumerate(FIGURES):
        pairs: list[tuple[float, float]] = []
        for row in rows:
            published = PUBLISHED_FIGURES.get((row.clip, row.size, row.requested))
            known = published[index] if published else None
            if row.method == "tsp" and known is not None:
                pairs.append((getattr(row, name), known))
        if pairs:
            ours, theirs = np.mean(pairs, axis=0)
            lines.append(f"| {headings[name]} | {len(pairs)} | {ours:.4g} | {theirs:.4g} | {ours / theirs:.3f} |")
    return "\n".join(lines) + "\n"


def table(rows: Sequence[Row]) -> str:
    def cells(row: Row) -> Iterator[str]:
        for column in fields(Row):
            value = getattr(row, column.name)
            yield "" if value is None else format(value, column.metadata["style"])

    lines = [[column.metadata["heading"] for column in fields(Row)], ["---"] * len(fields(Row))]
    lines += [list(cells(row)) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def machine(frames: int) -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}; first {frames} frames of each clip.\n"


def clips_in(folder: Path) -> list[str]:
    pictures, masks = ({p.name for p in (folder / part / "480p").glob("*")} for part in ("JPEGImages", "Annotations"))
    if not pictures & masks:
        raise SystemExit(f"{folder} holds no clips; hand in the folder with JPEGImages/480p and Annotations/480p.")
    return sorted(pictures & masks)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("davis", type=Path, metavar="DAVIS_FOLDER")
    parser.add_argument("--reference", type=Path, help="folder with the published implementation's label maps")
    parser.add_argument("--frames", type=int, default=30, help="of each clip, at least 8")
    parser.add_argument("--sizes", nargs="+", default=["480x270", "854x480"])
    parser.add_argument("--superpixels", nargs="+", type=int, default=[1000, 3000])
    parser.add_argument("--clips", nargs="+", help="default: all")
    parser.add_argument("-o", "--output", type=Path, help="Markdown file; default: stdout")
    parser.add_argument("--peak-memory", action="store_true", help="only segment the first case and print MiB")
    arguments = parser.parse_args()
    if arguments.frames < 8:
        parser.error("--frames must be at least 8")
    return arguments


def cases_of(arguments: argparse.Namespace) -> Iterator[Case]:
    for size in arguments.sizes:
        width, height = map(int, size.split("x"))
        for superpixels in arguments.superpixels:
            for clip in arguments.clips or clips_in(arguments.davis):
                yield Case(clip, width, height, superpixels)


def main() -> None:
    arguments = parsed()
    cases = list(cases_of(arguments))
    if arguments.peak_memory:
        print_peak_memory(arguments.davis, cases[0], arguments.frames)
        return
    warm_up(load_clip(arguments.davis, cases[0], 4))
    rows: list[Row] = []
    for case in cases:
        print(case, file=sys.stderr, flush=True)
        clip = load_clip(arguments.davis, case, arguments.frames)
        rows.append(our_row(arguments, case, clip))
        if arguments.reference and (published := published_row(arguments.reference, case, clip)):
            rows.append(published)
    text = machine(arguments.frames) + "\n" + table([*rows, *mean_rows(rows)]) + "\n" + comparison(rows)
    if arguments.output:
        arguments.output.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
