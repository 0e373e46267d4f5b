"""Every table of the paper, on data that can be had: ``python -m benchmarks.tables -o TABLES.md ...``.

FOLDERS are labelmefacade and camvid, ``--davis`` the DAVIS 2016 data set. Tables I, II and Fig. 12 are in
``benchmarks/image_tables.py``, those of clips (III, IV, stability, per shot) in ``benchmarks/video_tables.py``. What is
measured is written to the file after each table, so that hours are not lost.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from benchmarks.context_rivals import table_of_rivals
from benchmarks.image_sets import LEARNT, PICTURES, extract_all_variants, read_set
from benchmarks.image_tables import few_pairs, figure_twelve, table_one, table_two
from benchmarks.styles import LOCAL_STYLES, STYLES
from benchmarks.video_tables import video_tables
from vfxstyle.features.extract import extract_features
from vfxstyle.settings import TrainSettings

CLIPS = ("blackswan", "parkour", "car-shadow")


def listed(text: str) -> list[str]:
    """Return the words of a list with commas between."""
    return [word for word in text.split(",") if word]


def parsed_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="labelmefacade and camvid folders")
    parser.add_argument("--davis", type=Path, help="DAVIS 2016 folder, for the tables of clips")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Markdown file to write")
    parser.add_argument("--tables", type=listed, default=["1", "2", "12"], help="of pictures: 1, 2, 12, few, rivals")
    parser.add_argument("--styles", type=listed, default=list(STYLES), help="styles of table I")
    parser.add_argument("--ablation-styles", type=listed, default=list(LOCAL_STYLES), help="styles of table II")
    parser.add_argument("--rival-styles", type=listed, default=["pop-out", "local-xpro", "golden"], help="of rivals")
    parser.add_argument(
        "--set-size", type=int, nargs=2, default=[LEARNT, PICTURES - LEARNT], help="pictures learnt from, and tested on"
    )
    parser.add_argument("--rows", choices=["all", "paper"], default="all", help="rows of table II for its first style")
    parser.add_argument("--clip-tables", type=listed, default=["3", "4"], help="of clips: 3, 4")
    parser.add_argument("--clips", type=listed, default=list(CLIPS), help="clips of DAVIS")
    parser.add_argument("--clip-styles", type=listed, default=["pop-out", "local-xpro", "golden"])
    parser.add_argument("--few-styles", type=listed, default=["pop-out"], help="styles learnt from 1 and 3 frames too")
    parser.add_argument("--vgg", action="store_true", help="time VGG-16 too, with random weights")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def image_tables(folder: Path, arguments: argparse.Namespace, settings: TrainSettings) -> Iterator[list[str]]:
    """Yield the requested tables of a set of pictures."""
    all_rows = arguments.rows == "all"
    needs_variants = ("2" in arguments.tables and all_rows) or "rivals" in arguments.tables
    extraction = extract_all_variants if needs_variants else extract_features
    images = read_set(folder, settings, extraction, *arguments.set_size)
    if "1" in arguments.tables:
        yield table_one(images, settings, arguments.styles)
    if "rivals" in arguments.tables:
        yield table_of_rivals(images, settings, arguments.rival_styles)
    if "2" in arguments.tables:
        yield table_two(images, settings, arguments.ablation_styles, every_row=all_rows)
    if "12" in arguments.tables:
        yield figure_twelve(images, settings, "pop-out")
    if "few" in arguments.tables:
        yield from (few_pairs(images, settings, style) for style in ("pop-out", "golden"))


def all_tables(arguments: argparse.Namespace, settings: TrainSettings) -> Iterator[list[str]]:
    """Yield every requested table as Markdown lines."""
    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    yield [f"{platform.processor() or platform.machine()}, {threads} threads", ""]
    for folder in arguments.folders:
        yield from image_tables(folder, arguments, settings)
    if arguments.davis:
        yield video_tables(
            arguments.davis,
            tables=arguments.clip_tables,
            clips=arguments.clips,
            styles=arguments.clip_styles,
            few_styles=arguments.few_styles,
            vgg=arguments.vgg,
            settings=settings,
        )


def main() -> None:
    """Write the tables."""
    arguments = parsed_arguments()
    lines: list[str] = []
    for table in all_tables(arguments, TrainSettings(device="cpu", seed=arguments.seed)):
        lines += table
        arguments.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
