"""Pages that show pictures: self-contained HTML that opens from a file share, without a network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

import cv2

from vfxstyle.arrays import ByteArray
from vfxstyle.errors import OutputError
from vfxstyle.files import printable, write_atomically

_QUALITY = 90  # of JPEG


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture with its name."""

    name: str
    """What it shows."""
    picture: ByteArray
    """uint8 (H, W, 3), sRGB."""


def data_address(picture: ByteArray, *, quality: int = _QUALITY) -> str:
    """A picture as an address that holds it, a JPEG. picture: uint8 (H, W, 3), sRGB."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(picture, quality=quality)).decode()}"


def jpeg(picture: ByteArray, *, quality: int = _QUALITY) -> bytes:
    """A picture as a JPEG file with whole chroma. picture: uint8 (H, W, 3), sRGB."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return bytes(data)


def asset(name: str) -> str:
    """The text of a style sheet or script of this room."""
    return files("vfxstyle.review").joinpath("assets", name).read_text(encoding="utf-8")


def text(words: object) -> str:
    """Words for HTML."""
    return escape(printable(str(words)))


def wipe(before: str, after: str, name: str) -> str:
    """Two pictures of one size over each other, with a slider. before, after: their addresses."""
    return (
        f'<figure class="wipe"><div class="pictures"><img src="{after}" alt="{text(name)}">'
        f'<img class="before" src="{before}" alt="plate"></div>'
        f'<input type="range" min="0" max="100" value="50" aria-label="wipe between plate and {text(name)}">'
        f"<figcaption>{text(name)}</figcaption></figure>"
    )


def table(rows: Iterable[tuple[str, object]]) -> str:
    """A table of names and values."""
    cells = "".join(f'<tr><th>{text(name)}</th><td class="path">{text(value)}</td></tr>' for name, value in rows)
    return f"<table>{cells}</table>"


def page(title: str, body: str, *, scripts: Sequence[str] = (), head: str = "") -> str:
    """A whole page. scripts: names of assets. head: more of its head."""
    scripted = "".join(f"<script>{asset(name)}</script>" for name in scripts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"{head}<title>{text(title)}</title><style>{asset('page.css')}</style></head>\n<body>{body}{scripted}</body></html>\n"
    )


def write_page(place: Path, content: str) -> None:
    """Write a page, or JSON, at once. Raises :class:`~vfxstyle.errors.OutputError`."""
    try:
        write_atomically(place, content.encode())
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error.strerror or error}; check its folder.") from error


def proof_page(title: str, rows: Iterable[tuple[int, Sequence[Cell]]]) -> str:
    """A page with a row for each frame, and in it a wipe for each look. rows: plate first, then the looks."""
    parts = [f"<h1>{text(title)}</h1>"]
    for number, (plate, *cells) in rows:
        before = data_address(plate.picture)
        wipes = "".join(wipe(before, data_address(cell.picture), cell.name) for cell in cells)
        parts.append(f'<h2>Frame {number}</h2><div class="row">{wipes}</div>')
    return page(title, "\n".join(parts), scripts=("wipe.js",))
