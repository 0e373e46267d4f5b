"""ProRes: what a grade of a movie costs, and how well frames are kept: ``python benchmarks/prores.py [--frames 12]``.

Writes Markdown to stdout. From one 1920x1080 ProRes 422 HQ movie (the bundled example, enlarged, with grain), in one
run, in turns, medians of ``--rounds``:

* floor: decoded and encoded again by FFmpeg's libraries, ``-c:v prores_ks``, as many threads as there are cores;
* lut3d: the same with ``-vf lut3d`` and a 33-cube between;
* grade: ``grade`` to a movie over an analysis that is there, from opening the plate to the last record.

And the PSNR of natural frames through ProRes, by our writer and by the same encoder with a correct command line.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

import av
import av.filter
import numpy as np

from benchmarks.io import EXAMPLE, Cost, costing, make_plate, print_costs, write_cube
from vfxstyle import grade, open_shot
from vfxstyle.arrays import FloatArray
from vfxstyle.cli.allocator import keep_freed_memory
from vfxstyle.color import ColorConfig
from vfxstyle.shots import Frame, OutputFormat, Window
from vfxstyle.shots.prores import PROFILES, MovieStyle, ProResSink

SIZE = 1920, 1080


def through_ffmpeg(movie: Path, out: Path, cube: Path | None) -> None:
    """Decode a ProRes 422 HQ movie and encode it again, with a cube on every frame if there is one.

    As ``-vf lut3d=CUBE -c:v prores_ks -profile:v hq`` does, with the filter's own conversions to and from RGB.
    """
    with av.open(str(movie)) as source, av.open(str(out), "w") as target:
        video = source.streams.video[0]
        video.thread_type, video.codec_context.thread_count = "AUTO", 0
        stream = target.add_stream("prores_ks", rate=video.average_rate)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv422p10le"
        stream.codec_context.options = {"profile": "hq", "vendor": "apl0"}
        stream.codec_context.thread_type, stream.codec_context.thread_count = "AUTO", 0
        graph = None if cube is None else _graph_of_cube(video, cube)
        for frame in source.decode(video):
            if graph is None:
                target.mux(stream.encode(frame))
                continue
            graph.push(frame)
            graded = graph.pull()
            assert isinstance(graded, av.VideoFrame)
            target.mux(stream.encode(graded))
        target.mux(stream.encode(None))


def _graph_of_cube(video: av.VideoStream, cube: Path) -> av.filter.Graph:
    graph = av.filter.Graph()
    steps = [
        graph.add_buffer(template=video),
        graph.add("lut3d", f"file={cube}:interp=tetrahedral"),
        graph.add("format", "yuv422p10le"),
        graph.add("buffersink"),
    ]
    for one, two in itertools.pairwise(steps):
        one.link_to(two)
    graph.configure()
    return graph


def costs(frames: int, rounds: int, preset: str) -> None:
    """Print what frames cost."""
    found: dict[str, list[Cost]] = {"floor": [], "lut3d": [], "grade": []}
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        cube, movie, analysis = place / "look.cube", place / "plate.mov", place / "analysis"
        write_cube(cube)
        make_plate(place / "plate", SIZE, frames)
        grade(place / "plate", preset, movie, strength=0, format="prores422hq")
        grade(movie, preset, place / "first.mov", frames="1", analysis=analysis)
        for turn in range(rounds):
            ways: dict[str, Callable[[Path], object]] = {
                "floor": partial(through_ffmpeg, movie, cube=None),
                "lut3d": partial(through_ffmpeg, movie, cube=cube),
                "grade": partial(grade, movie, preset, analysis=analysis),
            }
            for name, way in ways.items():
                with costing(found[name]):
                    way(place / f"{name}{turn}.mov")
    print(f"## ProRes 422 HQ to ProRes 422 HQ, {SIZE[0]}x{SIZE[1]}, {frames} frames\n")
    print_costs(found, frames, over="lut3d", called="lut3d")


def through_our_writer(pictures: Sequence[FloatArray], path: Path, output_format: OutputFormat) -> None:
    """Write pictures as the grade does. pictures: float32 (H, W, 3), Rec.709 display, 0..1."""
    style = MovieStyle(
        format=output_format,
        space=ColorConfig.load().space("g24_rec709_display"),
        frame_rate=Fraction(25),
        pixel_aspect=Fraction(1),
        with_alpha=False,
    )
    sink = ProResSink(path, style)
    for index, rgb in enumerate(pictures):
        window = Window(0, 0, rgb.shape[1], rgb.shape[0])
        sink.write(Frame(index, "made", rgb, window, window))
    sink.close()


def through_the_command_line(pictures: Sequence[FloatArray], path: Path, profile: str, pixel_format: str) -> None:
    """Write as ``-vf scale=...:out_color_matrix=bt709 -c:v prores_ks -profile:v`` drives the same encoder."""
    height, width = pictures[0].shape[:2]
    graph = _scaling_graph(width, height, pixel_format)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.options = {"profile": profile, "vendor": "apl0"}
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1
        for index, rgb in enumerate(pictures):
            codes = np.rint(np.clip(rgb, 0, 1) * 65535).astype(np.uint16)
            picture = av.VideoFrame.from_ndarray(codes, format="rgb48le")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            graph.push(picture)
            scaled = graph.pull()
            assert isinstance(scaled, av.VideoFrame)
            scaled.pts, scaled.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(scaled))
        container.mux(stream.encode(None))


def _scaling_graph(width: int, height: int, pixel_format: str) -> av.filter.Graph:
    """Return the filter that turns R'G'B' into limited-range Rec.709 of a pixel format."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb48le"), time_base=Fraction(1, 25))
    flags = "bicubic+accurate_rnd+full_chroma_int"
    scale = graph.add("scale", f"in_range=full:out_range=tv:out_color_matrix=bt709:flags={flags}")
    steps = [source, scale, graph.add("format", pixel_format), graph.add("buffersink")]
    for one, two in itertools.pairwise(steps):
        one.link_to(two)
    graph.configure()
    return graph


def psnr(path: Path, pictures: Sequence[FloatArray]) -> float:
    """Return the peak signal-to-noise ratio of a movie against the pictures put into it, dB of R'G'B'."""
    with open_shot(path) as shot:
        errors = [np.mean((np.clip(f.rgb, 0, 1) - p) ** 2) for f, p in zip(shot, pictures, strict=True)]
    return float(-10 * np.log10(np.mean(errors)))


def kept(frames: int = 6) -> None:
    """Print the PSNR of natural frames through ProRes, ours and the same encoder's by a correct command line."""
    config = ColorConfig.load()
    to_display = config.from_working(config.space("g24_rec709_display"))
    with open_shot(EXAMPLE) as shot, tempfile.TemporaryDirectory() as place:
        pictures = [np.clip(to_display.apply(shot.read(n).rgb), 0, 1) for n in shot.frames[:frames]]
        print("\n## ProRes at the default quality, PSNR in dB of R'G'B'\n")
        print("| | this writer | the same encoder, correct command line |\n|---|---|---|")
        for output_format, (profile, pixel_format) in PROFILES.items():
            ours, theirs = Path(place) / "ours.mov", Path(place) / "theirs.mov"
            through_our_writer(pictures, ours, output_format)
            through_the_command_line(pictures, theirs, profile, pixel_format)
            print(f"| {output_format.value} | {psnr(ours, pictures):.2f} | {psnr(theirs, pictures):.2f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", default="golden")
    options = parser.parse_args()
    keep_freed_memory()  # as grade does
    costs(options.frames, options.rounds, options.preset)
    kept()


if __name__ == "__main__":
    main()
