"""Flags of earlier versions are taken still, and say what they are called now."""

import pytest
from click.testing import CliRunner

from vfxstyle.cli import cli


def parsed(*words):
    """Parameters that a command gets from the command line, and what it said while reading them."""
    runner, seen = CliRunner(), {}
    command = cli.commands[words[0]]
    words = list(words[1:])
    if words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]

    def run(**chosen):
        seen.update(chosen)

    callback, command.callback = command.callback, run
    try:
        result = runner.invoke(command, words)
    finally:
        command.callback = callback
    assert result.exit_code == 0, result.output
    return seen, result.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (["analyze", "s", "--part", "2/8"], ["analyze", "s", "--shard", "2/8"], "--part is called --shard now"),
        (["analyze", "s", "--part=2/8"], ["analyze", "s", "--shard=2/8"], "--part is called --shard now"),
        (
            ["analyze", "s", "--stage", "segments"],
            ["analyze", "s", "--stage", "superpixels"],
            "--stage segments is called --stage superpixels now",
        ),
        (
            ["grade", "s", "--preset", "p", "--stage", "frames", "-f", "1-3"],
            ["grade", "s", "--preset", "p", "--prepare", "-f", "1-3"],
            "--stage frames is called --prepare now",
        ),
        (
            ["grade", "s", "--preset", "p", "--stage=all"],
            ["grade", "s", "--preset", "p"],
            "--stage all is not needed any more",
        ),
        (
            ["farm", "template", "s", "--preset", "p", "-o", "job", "--parts", "3"],
            ["farm", "template", "s", "--preset", "p", "-o", "job", "--shards", "3"],
            "--parts is called --shards now",
        ),
    ],
)
def test_an_old_flag_means_the_new_one(old, new, told):
    wanted, silence = parsed(*new)
    assert silence == ""
    assert parsed(*old) == (wanted, f"{told}\n")


def test_old_flags_are_not_in_the_help():
    for command, flag in (("grade", "--stage"), ("analyze", "--part"), ("analyze", "segments")):
        assert flag not in CliRunner().invoke(cli.commands[command], ["--help"]).output


def test_other_words_that_look_like_an_old_flags_value_stay():
    seen, told = parsed("analyze", "segments", "--stage", "features")
    assert (seen["shot"], seen["stage"], told) == ("segments", "features", "")
