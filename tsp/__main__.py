"""``python -m tsp CLIP -o FOLDER``: label maps and a table of the temporal superpixels of an array or of pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import cv2
import numpy as np
from tqdm import tqdm

from tsp import segment
from tsp.arrays import FloatArray, LabelArray
from tsp.files import Clip, InputError, OutputError, open_clip, write_whole
from tsp.overlay import borders
from tsp.table import TspTable


class _BadInput(click.ClickException):
    exit_code = 3


class _BadOutput(click.ClickException):
    exit_code = 4


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where to write.",
)
@click.option(
    "--superpixels", type=click.IntRange(min=1), default=1000, show_default=True, help="Requested in a frame."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--overlay", is_flag=True, help="Also write pictures with the borders drawn on them.")
def main(clip: Path, output: Path, superpixels: int, seed: int, device: str, overlay: bool) -> None:
    """Segment CLIP into temporal superpixels.

    CLIP is an array, .npy with uint8 or float32 (T, H, W, 3), or a folder with one sequence of 8-bit or 16-bit
    pictures (PNG, JPEG, TIFF); both are taken as sRGB-encoded RGB. For EXR, DPX, movies and other colour spaces use:
    vfxstyle superpixels.

    FOLDER gets NAME.FRAME.npy, one label map a frame, int32 (H, W), with the frame numbers of the pictures (an array's
    count from 0); tsps.csv, a row for each superpixel and frame with birth, death, area in px, centroid and mean Lab;
    and with --overlay the pictures overlay/NAME.FRAME.png.
    """
    try:
        opened = open_clip(clip)
        if output.resolve() == opened.folder.resolve():
            raise click.UsageError(f"{output} holds the clip itself; choose another folder with -o.")
        frames, maps = _segmented(opened, superpixels, seed, device)
        table = _write_maps(opened, output, frames, maps, overlay=overlay)
        write_whole(output / "tsps.csv", table.write)
    except InputError as error:
        raise _BadInput(str(error)) from error
    except OutputError as error:
        raise _BadOutput(str(error)) from error
    click.echo(f"{table.frames} frames, {table.superpixels} superpixels, in {output}", err=True)


def _segmented(clip: Clip, superpixels: int, seed: int, device: str) -> tuple[deque[FloatArray], Iterator[LabelArray]]:
    """The label maps of a clip, and the frames that have been read and have no label map yet, oldest first."""
    pending: deque[FloatArray] = deque()

    def frames() -> Iterator[FloatArray]:
        for rgb in clip.frames:
            pending.append(rgb)
            yield rgb

    try:
        return pending, segment(frames(), superpixels, seed=seed, device=device)
    except (RuntimeError, ValueError) as error:  # a device that does not exist or is not present
        raise click.UsageError(str(error)) from error


def _write_maps(
    clip: Clip, output: Path, frames: deque[FloatArray], maps: Iterator[LabelArray], *, overlay: bool
) -> TspTable:
    """Write the label map of every frame, and its picture with borders if asked; returns the table of superpixels."""
    table = TspTable()
    steps = tqdm(maps, total=len(clip.numbers), unit="frame", disable=None)
    for number, name, labels in zip(clip.numbers, clip.names, steps, strict=True):
        rgb = frames.popleft()
        write_whole(output / f"{name}.npy", partial(np.save, arr=labels))
        if overlay:
            _write_overlay(output / "overlay" / f"{name}.png", rgb, labels)
        table.add(number, rgb, labels)
    return table


def _write_overlay(path: Path, rgb: FloatArray, labels: LabelArray) -> None:
    drawn = np.round(borders(rgb, labels) * 255).astype(np.uint8)
    png = cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))[1].tobytes()
    write_whole(path, lambda file: file.write(png))


if __name__ == "__main__":
    main(prog_name="python -m tsp")
