"""The server of the review page: on this machine only, for whoever has the token of its address."""

from __future__ import annotations

import itertools
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import cv2
import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vfxstyle.arrays import ByteArray
from vfxstyle.errors import ChangedError, UsageError, VfxStyleError
from vfxstyle.review.following import Selection
from vfxstyle.review.pages import asset
from vfxstyle.review.session import Asked, Session

HOST = "127.0.0.1"
MOST_BYTES = 4 * 2**20
"""Of what a page may send at once."""
_SELECTIONS = 100  # that are kept
_POINTS = 20_000  # of a lasso
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_ASSETS = {"page.css": "text/css", "review.css": "text/css", "review.js": "text/javascript"}
Answer = Callable[[Request], Awaitable[Response]]


class ReviewServer:
    """Serves a session. The token is part of every address, and there is no other way in."""

    def __init__(self, session: Session, port: int = 0) -> None:
        """port: 0 for any that is free. Raises OSError for one that is taken."""
        self.session = session
        self._selections: dict[int, Selection] = {}
        self._numbers = itertools.count()
        self.token = secrets.token_urlsafe(24)
        self.socket = socket.create_server((HOST, port))
        self.port: int = self.socket.getsockname()[1]

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def serve(self) -> None:
        """Answer until the process is interrupted."""
        import uvicorn

        config = uvicorn.Config(self.app(), log_level="error", lifespan="on", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[self.socket])

    def close(self) -> None:
        """Give the port back."""
        self.socket.close()

    def app(self) -> Starlette:
        """The application."""
        session = self.session
        pages = {
            "/": self._page,
            "/{name:str}.{kind:str}": self._asset,
            "/plate/{frame:int}.png": lambda r: _png(session.plate(r.path_params["frame"], full=_flag(r, "full"))),
            "/graded/{frame:int}.png": self._graded,
            "/borders/{frame:int}.png": lambda r: _png(session.borders(r.path_params["frame"])),
            "/groups/{frame:int}.png": lambda r: _png(session.group_picture(r.path_params["frame"], _preset(r))),
            "/state": lambda r: JSONResponse(session.state()),
            "/command": lambda r: JSONResponse({"command": session.command(_preset(r), _share(r))}),
        }
        actions: dict[str, Callable[[dict[str, Any]], Any]] = {
            "/pick": self._pick,
            "/lasso": self._lasso,
            "/mask": self._mask,
            "/correct": self._correct,
            "/remove": lambda sent: session.history.remove(int(sent["index"])),
            "/undo": lambda sent: session.history.undo(),
            "/redo": lambda sent: session.history.redo(),
            "/save": lambda sent: session.save(),
            "/mend": lambda sent: session.mend(),
            "/send": lambda sent: {"file": str(session.regrading.send(int(sent["frame"])))},
            "/train": lambda sent: session.regrading.train(),
        }
        routes = [Route(f"/{self.token}{path}", self._answering(made)) for path, made in pages.items()]
        routes += [
            Route(f"/{self.token}{path}", self._acting(done), methods=["POST"]) for path, done in actions.items()
        ]

        @asynccontextmanager
        async def until_closed(_: Starlette) -> Any:
            session.prepare()
            yield
            session.close()

        return Starlette(routes=routes, lifespan=until_closed)

    def _is_ours(self, request: Request) -> bool:
        """Whether a request is to this very server, and from its own page where it says from where it is."""
        own = {f"{HOST}:{self.port}", f"localhost:{self.port}"}
        origin = request.headers.get("origin")
        return request.headers.get("host") in own and (origin is None or origin in {f"http://{name}" for name in own})

    def _answering(self, made: Callable[[Request], Response]) -> Answer:
        """Answer with a page or a picture."""

        async def answer(request: Request) -> Response:
            if not self._is_ours(request):
                return _refused(403, "This page is for the review on this machine only.")
            return await self._guarded(made, request)

        return answer

    def _acting(self, done: Callable[[dict[str, Any]], Any]) -> Answer:
        """Do what a page asks for, and answer with the state afterwards or with what comes of it."""

        async def answer(request: Request) -> Response:
            if not self._is_ours(request) or request.headers.get("origin") is None:
                return _refused(403, "Only the page of the review itself may change it.")
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > MOST_BYTES:
                    return _refused(413, "That is too much at once.")
            return await self._guarded(lambda sent: self._result(done(sent)), _parsed(body))

        return answer

    def _result(self, result: Any) -> Response:
        if isinstance(result, Response):
            return result
        return JSONResponse(self.session.state() if result is None else result)

    async def _guarded(self, made: Callable[[Any], Response], given: Any) -> Response:
        """What is made of a request, or the reason why not; nothing that is asked ends the server."""
        try:
            response = await run_in_threadpool(made, given)
        except (LookupError, TypeError, ValueError, OverflowError):
            response = _refused(400, "The page asked for something that is not understood; load it again.")
        except ChangedError as error:
            self.session.mend()
            response = _refused(409, f"{error} It is being made anew.")
        except UsageError as error:
            response = _refused(404, str(error))
        except VfxStyleError as error:
            response = _refused(422, str(error))
        response.headers.update(_HEADERS)
        return response

    def _page(self, _: Request) -> Response:
        return Response(asset("review.html"), media_type="text/html")

    def _graded(self, request: Request) -> Response:
        asked = _asked(request)
        answer = _png(self.session.graded(asked))
        self.session.look_ahead(asked)
        return answer

    def _asset(self, request: Request) -> Response:
        name = f"{request.path_params['name']}.{request.path_params['kind']}"
        if name not in _ASSETS:
            return _refused(404, "There is no such file.")
        return Response(asset(name), media_type=_ASSETS[name])

    def _pick(self, sent: dict[str, Any]) -> dict[str, Any]:
        place = float(sent["x"]), float(sent["y"])
        if not all(0 <= part <= 1 for part in place):
            raise ValueError("a place outside the picture")
        found = self.session.at(int(sent["frame"]), place, str(sent["preset"]), group=bool(sent.get("group")))
        return self._selected(found, sent)

    def _lasso(self, sent: dict[str, Any]) -> dict[str, Any]:
        outline = [(float(x), float(y)) for x, y in sent["outline"][:_POINTS]]
        if len(outline) < 3 or not np.isfinite(outline).all():
            raise ValueError("no outline")
        places = [(_part(x), _part(y)) for x, y in outline]
        return self._selected(self.session.lassoed(int(sent["frame"]), places), sent)

    def _correct(self, sent: dict[str, Any]) -> None:
        strength = float(sent["strength"])
        if not 0 <= strength <= 1:
            raise ValueError("a strength outside 0..1")
        preset = sent.get("preset")
        self.session.correct(
            self._selection(sent),
            strength,
            None if preset is None else str(preset),
            str(sent.get("name", ""))[:200],
        )

    def _mask(self, sent: dict[str, Any]) -> Response:
        number = int(sent["frame"])
        return _png(self.session.mask(number, self._selection(sent).on(number)))

    def _selection(self, sent: dict[str, Any]) -> Selection:
        return self._selections[int(sent["selection"])]

    def _selected(self, selection: Selection, sent: dict[str, Any]) -> dict[str, Any]:
        """Keep a selection, joined to an earlier one where that is asked for; the page names it by its number."""
        if sent.get("selection") is not None:
            selection = self._selection(sent).joined(selection, without=bool(sent.get("without")))
        own = next(self._numbers)
        self._selections[own] = selection
        self._selections.pop(own - _SELECTIONS, None)
        return {"selection": own, "count": len(selection.on(int(sent["frame"])))}


def _part(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status_code=status, headers=_HEADERS)


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name) == "1"


def _preset(request: Request) -> str:
    return request.query_params["preset"]


def _share(request: Request) -> float:
    strength = float(request.query_params.get("strength", "1"))
    if not 0 <= strength <= 1:
        raise ValueError("a strength outside 0..1")
    return strength


def _asked(request: Request) -> Asked:
    return Asked(
        frame=request.path_params["frame"],
        preset=_preset(request),
        strength=_share(request),
        full=_flag(request, "full"),
        quick=_flag(request, "quick"),
    )


def _png(picture: ByteArray) -> Response:
    """A picture as a PNG, quickly: it only goes to this machine. picture: uint8 (H, W, 3 or 4)."""
    order = cv2.COLOR_RGB2BGR if picture.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, order), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return Response(bytes(data), media_type="image/png")
