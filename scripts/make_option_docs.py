"""Write docs/grade.md, the table of all options, from the command line itself: ``python scripts/make_option_docs.py``.

With ``--check`` nothing is written, and the exit code says whether the page is current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from vfxstyle.cli import cli
from vfxstyle.settings import GradeSettings, GradeTarget, Run, TrainSettings
from vfxstyle.settings.table import options_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "grade.md"
OPENING = """# Options

<!-- Made by scripts/make_option_docs.py from the table of options in vfxstyle/settings; do not edit. -->

`grade`, `analyze`, `train` and `export` are Python functions too, and their options keyword arguments with underscores:
`--output-space` is `grade(..., output_space=...)`. Two have other names: `--continue` is `start`, and `--map` is
`map_file`. What belongs to the command line alone is no argument: the dry run, logging, threads, the show file,
`--proof`, `--report`, `--handles` (which `grade_timeline` takes), and `--to` and `--tokens` of `export`. Ranges of
frames are written as in `1001-1100x2,1150`.

`-o` is where a command writes. On a farm `--to` is where the tasks will write, because `-o` of `farm template` is the
job bundle. `-n` prints the plan and reads no pixels of the plate. The folder of an analysis is named by a hash of the
plate's files; where the shot has not been analysed it is not known yet, so `*` stands for it, and all frames are listed
as to be made.
"""
COMMANDS = {
    "grade": "Put a look on a shot: a folder of frames, a pattern, a movie, one picture, or an `.otio` timeline.",
    "analyze": "Make the analysis of a shot beforehand, whole or in stages; [the analysis on disk](analysis.md).",
    "train": "Learn a look from before/after pairs, or from a few graded frames of one shot; [looks](look.md).",
    "export": "Write the best global LUT or CDL for a look on a shot, with what it lacks.",
    "mattes": "Write superpixels, and groups that a look treats alike, as Cryptomatte files.",
    "superpixels": "Write label maps and a table of a shot's temporal superpixels; [superpixels](tsp.md).",
    "proof": "Frames under several looks on one sheet; [see it, put it right](review.md).",
    "report": "What a grade does to a shot, with pictures and figures; [see it, put it right](review.md).",
    "review": "Look at a shot in the browser and correct it; [see it, put it right](review.md).",
    "warm": "Compile everything now, at installation; [install](install.md).",
}
GROUPS = {
    "presets": {"sheet": "Every installed look on a picture of yours."},
    "config": {"show": "Every option on a shot, and where its value comes from; [shows](shows.md)."},
}
FARM = {
    "template": "Write an Open Job Description bundle; [farms](farm.md).",
    "deadline": "Send jobs to Deadline 10.",
    "opencue": "Send a job to OpenCue.",
    "run": "Run the tasks here, or on a Dask cluster.",
    "status": "How far every shot is.",
}


def page() -> str:
    """The whole page."""
    sections = [OPENING]
    for name, text in COMMANDS.items():
        if name in cli.commands:
            sections.append(f"## vfxstyle {name}\n\n{text}\n\n" + "\n".join(_table(cli.commands[name])) + "\n")
    farm = cli.commands["farm"]
    assert isinstance(farm, click.Group)
    shared = {own.name for table in (GradeSettings, Run) for own in options_of(table, "grade")}
    for group, own in GROUPS.items():
        commands = cli.commands[group]
        assert isinstance(commands, click.Group)
        for name, text in own.items():
            table = "\n".join(_table(commands.commands[name]))
            sections.append(f"## vfxstyle {group} {name}\n\n{text}\n\n{table}\n")
    sections.append(
        "## vfxstyle farm\n\nAll of these take the options of `grade`, except `-o` (they have `--to`), `--analysis`, "
        "`--within`,\n`--prepare`, `--start-frame`, `--proof` and `--report`.\n"
    )
    for name, text in FARM.items():
        table = "\n".join(_table(farm.commands[name], without=shared))
        sections.append(f"### vfxstyle farm {name}\n\n{text}\n\n{table}\n")
    return "\n".join(sections)


def _table(command: click.Command, without: set[str] | frozenset[str] = frozenset()) -> Iterator[str]:
    yield "| option | meaning | default |"
    yield "|---|---|---|"
    defaults = {
        own.name: own.default_text
        for table in (GradeSettings, GradeTarget, Run, TrainSettings)
        for own in options_of(table)
    }
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden and parameter.name not in without:
            yield f"| {_flags(parameter)} | {_meaning(parameter)} | {_default(parameter, defaults)} |"


def _flags(option: click.Option) -> str:
    return ", ".join(f"`{flag}`" for flag in option.opts)


def _meaning(option: click.Option) -> str:
    text = (option.help or "").partition(" [default: ")[0]
    if isinstance(option.type, click.Choice):
        text += f" One of {', '.join(f'`{choice}`' for choice in option.type.choices)}."
    return text.replace("|", "\\|")


def _default(option: click.Option, defaults: dict[str, str]) -> str:
    if option.required:
        return "required"
    _, marked, text = (option.help or "").partition(" [default: ")
    if marked:
        return text.removesuffix("]")
    if option.is_flag or not isinstance(option.default, (int, float, str)) or option.default == "":
        return defaults.get(option.name or "", "")
    return f"`{option.default}`"


def main() -> None:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text() != text:
            sys.exit(f"{PAGE} is not current; run python scripts/make_option_docs.py")
        return
    PAGE.write_text(text)
    print(PAGE)


if __name__ == "__main__":
    main()
