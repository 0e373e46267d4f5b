"""The last lines of a run."""

from pathlib import Path

from vfxstyle.cli.summaries import grade_summary
from vfxstyle.grading.grade import GradeReport
from vfxstyle.progress import Stage


def test_what_looks_at_the_whole_shot_is_divided_by_all_of_its_frames():
    report = GradeReport(
        output=Path("out"),
        files=(Path("out/a.0007.exr"), Path("out/a.0008.exr")),
        written=(7, 8),
        kept=(),
        shot_frames=40,
        untouched_pixels={},
        found_again={},
        in_doubt={},
        superpixels=90,
        chosen_frames=(7,),
        seconds={Stage.SUPERPIXELS: 10.0, Stage.TRACKS: 8.0, Stage.GRADE: 3.0},
        input_space="a",
        output_space="b",
    )
    lines = [line.split() for line in grade_summary(report).splitlines()]
    assert ["superpixels", "10.00", "0.250"] in lines
    assert ["grade", "3.00", "1.500"] in lines
    assert ["tracks", "8.00", "0.200"] in lines
    assert ["all", "21.00", "1.950"] in lines
