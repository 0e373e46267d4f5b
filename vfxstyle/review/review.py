"""The review: a page in the browser on which a shot is looked at and put right by hand."""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.plates.announce import announce_plate
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.progress import Progress
from vfxstyle.review.session import WIDTH, Session
from vfxstyle.review.shown import ShowRequest, shown
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.keywords import ShowOptions
from vfxstyle.settings.table import check_known, pick

if TYPE_CHECKING:
    from vfxstyle.review.server import ReviewServer


@contextmanager
def opened_review(
    shot: str | Path,
    preset: str,
    *,
    port: int = 0,
    output: str | None = None,
    within: Frames = None,
    analysis: str | Path | None = None,
    progress: Progress | None = None,
    **options: Unpack[ShowOptions],
) -> Iterator[ReviewServer]:
    """Open a shot with a look for review; a shot that has not been analysed is analysed first.

    port: of this machine that the page is served on; 0 for any that is free. output: where the grade goes that the page
    gives the command of. The rest is as in :func:`vfxstyle.grade`.
    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    check_known(options, ShowOptions)
    _check_installed()
    from vfxstyle.review.server import ReviewServer

    run, settings = Run.of(options, progress), pick(GradeSettings, options)
    request = ShowRequest(
        shot=shot,
        presets=(preset,),
        target=GradeTarget(output=output, within=frame_numbers(within), analysis=analysis),
        settings=replace(settings, strength=1.0),
    )
    with shown(request, None, run, width=WIDTH, quick=False) as view:
        announce_plate(view.plan.plate, view.frames, run.clock)
        view.look(preset)
        session = Session(view, preset, strength=settings.strength)
        try:
            server = ReviewServer(session, port)
        except OSError as error:
            raise ResourceError(f"Port {port} of this machine is taken; leave --port out for a free one.") from error
        try:
            yield server
        finally:
            session.close()
            server.close()


def serve(server: ReviewServer, *, browser: bool) -> None:
    """Answer until the process is interrupted. browser: whether the page is opened.

    The browser is given a file that only this user can read, and that leads to the page: what a command is started with
    can be read by everybody on the machine, and the page's address has the token in it.
    """
    with tempfile.TemporaryDirectory(prefix="vfxstyle-review-") as folder:  # made for this user alone
        if browser:
            leads = Path(folder) / "review.html"
            leads.write_text(f'<meta http-equiv="refresh" content="0; url={server.address}">')
            webbrowser.open(leads.as_uri())
        with suppress(KeyboardInterrupt):  # which is how a review ends
            server.serve()


def _check_installed() -> None:
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"The review needs {' and '.join(missing)}; install it with pip install '.[review]' in the folder of the "
            "sources."
        )
