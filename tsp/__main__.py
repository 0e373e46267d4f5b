"""``python -m tsp SHOT -o FOLDER``: label maps and a table of temporal superpixels (TSPs) of a shot."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from tsp import segment
from tsp.arrays import FloatArray
from tsp.files import InputError, OutputError, TspTable, open_shot, write_label_map, write_png
from tsp.overlay import borders


class _BadInput(click.ClickException):
    exit_code = 3


class _BadOutput(click.ClickException):
    exit_code = 4


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shot", type=click.Path(path_type=Path))
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
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--overlay", is_flag=True, help="Also write pictures with the borders drawn on them.")
def main(shot: Path, output: Path, superpixels: int, seed: int, device: str, overlay: bool) -> None:
    """Segment SHOT into temporal superpixels.

    SHOT is a folder with one sequence of pictures (EXR, DPX, TIFF, PNG, JPEG), or a movie. EXR and other
    floating-point pictures are taken as scene-linear, everything else as sRGB-encoded.

    FOLDER gets NAME.FRAME.exr, one label map a frame (a uint32 channel 'id', in Nuke: other.id), with the shot's
    frame numbers (a movie's count from 1); tsps.csv, a row for each TSP and frame with birth, death, area in px,
    centroid and mean Lab; and with --overlay the pictures overlay/NAME.FRAME.png.
    """
    try:
        _run(shot, output, superpixels, seed, device, overlay)
    except InputError as error:
        raise _BadInput(str(error)) from error
    except OutputError as error:
        raise _BadOutput(str(error)) from error


def _run(shot_path: Path, output: Path, superpixels: int, seed: int, device: str, overlay: bool) -> None:
    shot = open_shot(shot_path)
    if output.resolve() == shot.folder.resolve():
        raise click.UsageError(f"{output} holds the shot itself; choose another folder with -o.")
    pending: deque[tuple[int, FloatArray]] = deque()  # segment may run a few frames behind its input

    def frames() -> Iterator[FloatArray]:
        for number, rgb in shot.read():
            pending.append((number, rgb))
            yield rgb

    table = TspTable()
    try:
        maps = segment(frames(), superpixels, seed=seed, device=device)
    except (RuntimeError, ValueError) as error:  # no such device
        raise click.UsageError(str(error)) from error
    for labels in tqdm(maps, total=shot.length, unit="frame", disable=None):
        number, rgb = pending.popleft()
        write_label_map(output / shot.file_name(number, "exr"), labels)
        if overlay:
            drawn = borders(np.round(rgb * 255).astype(np.uint8), labels)
            write_png(output / "overlay" / shot.file_name(number, "png"), np.asarray(drawn, np.uint8))
        table.add(number, rgb, labels)
    table.write(output / "tsps.csv")
    click.echo(f"{table}, in {output}", err=True)


if __name__ == "__main__":
    main(prog_name="python -m tsp")
