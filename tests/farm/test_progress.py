import os
import pty
import subprocess
import sys

from vfxstyle.farm.progress import Bar, Lines, make_progress
from vfxstyle.pipeline.progress import Clock, Silent


def test_names():
    assert isinstance(make_progress("bar"), Bar)
    assert isinstance(make_progress("none"), Silent)
    assert isinstance(make_progress("auto"), Lines)  # stderr is no terminal under test


def test_lines_tell_every_tenth_and_the_end(capsys):
    with Lines().stage("grade", 25) as step:
        for _ in range(25):
            step()
    told = capsys.readouterr().err.splitlines()
    assert 10 <= len(told) <= 11
    assert told[-1] == "grade: 25/25"


def test_the_bar_shows_on_a_terminal_without_a_size():
    """Under a pseudo-terminal of 0 by 0, as job wrappers make them, the bar must not be blank."""
    lead, follow = pty.openpty()
    code = (
        "import sys; from vfxstyle.farm.progress import Bar\nwith Bar().stage('grade', 2) as step:\n    step(); step()"
    )
    subprocess.run([sys.executable, "-c", code], stderr=follow, check=True, timeout=120)
    shown = os.read(lead, 10_000).decode()
    os.close(lead)
    os.close(follow)
    assert "100%" in shown
    assert "2/2" in shown


def test_the_clock_adds_up_stages_by_name():
    clock = Clock(Silent())
    for name in ("a", "b", "a"):
        with clock.stage(name, 1) as step:
            step()
    assert list(clock.seconds) == ["a", "b"]
    assert all(seconds >= 0 for seconds in clock.seconds.values())
