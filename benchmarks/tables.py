"""Every table of the paper, on data that can be had: ``python -m benchmarks.tables -o TABLES.md ...``.

FOLDERS are labelmefacade and camvid, ``--davis`` the DAVIS 2016 data set. Tables I, II and Fig. 12 are in
``benchmarks/image_tables.py``, those of clips (III, IV, stability, per shot) in ``benchmarks/video_tables.py``. What is
measured is written to the file after each set, so that hours are not lost.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

from benchmarks.image_tables import figure_twelve, read_set, table_one, table_two
from benchmarks.styles import LOCAL_STYLES, STYLES
from benchmarks.video_tables import video_tables
from vfxstyle.settings import TrainSettings

CLIPS = ("blackswan", "parkour", "car-shadow")


def listed(text: str) -> list[str]:
    """The words of a list with commas between."""
    return [word for word in text.split(",") if word]


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="labelmefacade and camvid folders")
    parser.add_argument("--davis", type=Path, help="DAVIS 2016 folder, for the tables of clips")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Markdown file to write")
    parser.add_argument("--tables", type=listed, default=["1", "2", "12"], help="of pictures: 1, 2, 12")
    parser.add_argument("--styles", type=listed, default=list(STYLES), help="styles of table I")
    parser.add_argument("--ablation-styles", type=listed, default=list(LOCAL_STYLES), help="styles of table II")
    parser.add_argument("--rows", choices=["all", "paper"], default="all", help="rows of table II for its first style")
    parser.add_argument("--clip-tables", type=listed, default=["3", "4"], help="of clips: 3, 4")
    parser.add_argument("--clips", type=listed, default=list(CLIPS), help="clips of DAVIS")
    parser.add_argument("--clip-styles", type=listed, default=["pop-out", "local-xpro", "golden"])
    parser.add_argument("--few-styles", type=listed, default=["pop-out"], help="styles learnt from 1 and 3 frames too")
    parser.add_argument("--vgg", action="store_true", help="time VGG-16 too, with weights that mean nothing")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings = TrainSettings(device="cpu", seed=arguments.seed)
    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    lines = [f"{platform.processor() or platform.machine()}, {threads} threads", ""]
    all_ways = "2" in arguments.tables and arguments.rows == "all"
    for folder in arguments.folders:
        images = read_set(folder, settings, arguments.seed, all_ways=all_ways)
        if "1" in arguments.tables:
            lines += table_one(images, settings, arguments.styles)
            arguments.output.write_text("\n".join(lines))
        if "2" in arguments.tables:
            lines += table_two(images, settings, arguments.ablation_styles, every_row=all_ways)
            arguments.output.write_text("\n".join(lines))
        if "12" in arguments.tables:
            lines += figure_twelve(images, settings, "pop-out")
        arguments.output.write_text("\n".join(lines))
    if arguments.davis:
        lines += video_tables(
            arguments.davis,
            tables=arguments.clip_tables,
            clips=arguments.clips,
            styles=arguments.clip_styles,
            few_styles=arguments.few_styles,
            vgg=arguments.vgg,
            settings=settings,
        )
        arguments.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
