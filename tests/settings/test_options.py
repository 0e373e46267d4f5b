"""The table of options: what is made from it agrees with it."""

import subprocess
import sys
from types import NoneType
from typing import get_args, get_type_hints

import pytest
from helpers import REPOSITORY

from vfxstyle.cli import cli
from vfxstyle.errors import UsageError
from vfxstyle.farm.tasks import arguments_of
from vfxstyle.settings import AnalysisSettings, GradeSettings, GradeTarget, Run, ShotSettings, TrainSettings, keywords
from vfxstyle.settings.table import Decides, check_known, options_of, pick

TABLES = (GradeSettings, GradeTarget, Run, TrainSettings)
KEYWORDS = {
    "grade": (keywords.GradeOptions, (GradeSettings, Run)),
    "analyze": (keywords.AnalyzeOptions, (ShotSettings, Run)),
    "export": (keywords.ExportOptions, (GradeSettings, Run)),
    "mattes": (keywords.MattesOptions, (GradeSettings, Run)),
    "proof": (keywords.ShowOptions, (GradeSettings, Run)),
    "report": (keywords.ShowOptions, (GradeSettings, Run)),
    "review": (keywords.ShowOptions, (GradeSettings, Run)),
    "superpixels": (keywords.SuperpixelsOptions, (ShotSettings, Run)),
}
OTHERS = {
    "ocio": "ocio://default",
    "fps": "24",
    "device": "cpu",
    "compression": "dwaa:45",
    "coverage": 0.5,
    "padding": 6,
    "lighting": "ordinary",
}


def another_value(own):
    """A value that is allowed and not the default."""
    if own.name in OTHERS:
        return OTHERS[own.name]
    if own.choices:
        return next(choice for choice in own.choices if choice != own.default)
    if own.repeated:
        return ("one=0.5", "two=1")
    return {bool: True, int: (own.default or 64) + 1, float: 0.25, str: "x"}[own.kind]


@pytest.mark.parametrize("command", KEYWORDS)
def test_keyword_arguments_are_the_options_of_a_command(command):
    typed, tables = KEYWORDS[command]
    own = {name for table in tables for name in (option.name for option in options_of(table, command))}
    assert set(get_type_hints(typed)) == own
    for table in tables:
        hints = get_type_hints(table)
        for option in options_of(table, command):
            assert get_type_hints(typed)[option.name] == hints[option.name], option.name


def test_keyword_arguments_of_training_are_all_its_settings():
    assert get_type_hints(keywords.TrainOptions) == {
        name: hint
        for name, hint in get_type_hints(TrainSettings).items()
        if name in {option.name for option in options_of(TrainSettings)}
    }


@pytest.mark.parametrize("table", TABLES)
def test_every_option_says_what_it_is(table):
    for option in options_of(table):
        assert option.help.endswith("."), option.name
        assert isinstance(option.decides, Decides)
        optional = NoneType in get_args(get_type_hints(table)[option.name])
        assert option.default is not None or (optional and option.default_text), option.name


def test_a_farm_task_is_told_every_option_that_its_command_takes():
    """A new option reaches the tasks of a farm, and comes out of the command line as it went in."""
    settings = GradeSettings(**{own.name: another_value(own) for own in options_of(GradeSettings)})
    run = Run(**{own.name: another_value(own) for own in options_of(Run)})
    words = [*arguments_of(settings, run, "grade")]
    chosen = cli.commands["grade"].make_context("grade", ["shot", "--preset", "p", *words]).params
    assert pick(GradeSettings, chosen) == settings
    assert pick(Run, {own.name: chosen[own.name] for own in options_of(Run)}) == run
    words = [*arguments_of(settings, run, "analyze")]
    chosen = cli.commands["analyze"].make_context("analyze", ["shot", *words]).params
    for own in options_of(ShotSettings):
        assert chosen[own.name] == getattr(settings, own.name), own.name
    assert "--strength" not in words


def test_defaults_are_left_out_of_a_task():
    assert arguments_of(GradeSettings(), Run(), "grade") == ()


def test_what_decides_the_analysis_is_in_its_identity():
    assert {own.name for own in options_of(GradeSettings) if own.decides is Decides.ANALYSIS} == {
        own.name for own in options_of(AnalysisSettings)
    }


def test_only_what_a_grade_is_decides_results():
    """The key of an output is made of a grade's settings and of its plan, so nothing else may decide it."""
    assert {own.decides for own in options_of(Run)} == {Decides.NOTHING}
    assert {own.decides for own in options_of(GradeTarget)} == {Decides.PLAN}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 1.5}, r"strength is 1\.5; it must be 0 to 1\."),
        ({"coverage": 0}, "coverage is 0; it must be above 0, and at most 1"),
        ({"missing": "ignore"}, "missing is 'ignore'; it must be one of error, skip, hold"),
        ({"fps": "fast"}, "fps is 'fast'; write 24, 23.976 or 24000/1001"),
        ({"max_pixels": 0}, "max pixels is 0; it must be at least 1."),
    ],
)
def test_values_that_an_option_cannot_have_are_named(options, message):
    with pytest.raises(UsageError, match=message):
        GradeSettings(**options)


def test_unknown_keywords_are_refused_like_those_of_a_function():
    with pytest.raises(TypeError, match=r"no option 'strenght'; the options are .*strength"):
        check_known({"strenght": 1}, keywords.GradeOptions)


def test_the_documented_table_of_options_is_current():
    script = [sys.executable, str(REPOSITORY / "scripts" / "make_option_docs.py"), "--check"]
    ran = subprocess.run(script, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
