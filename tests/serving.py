"""A review that answers, for tests that ask it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from helpers import QUICK

from vfxstyle.review.review import opened_review
from vfxstyle.review.server import ReviewServer


@contextmanager
def serving(shot: Path, preset: str, **options: Any) -> Iterator[ReviewServer]:
    """A review that answers, in a thread."""
    with opened_review(shot, preset, **{**QUICK, **options}) as review:
        server = uvicorn.Server(uvicorn.Config(review.app(), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [review.socket]}, daemon=True)
        thread.start()
        try:
            yield review
        finally:
            server.should_exit = True
            thread.join(10)
