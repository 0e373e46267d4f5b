"""Write the table of docs/files.md from the kinds of files that the tests make: ``python scripts/make_files_docs.py``.

With ``--check`` nothing is written, and the exit code says whether the page is current.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from vfxstyle.shots import OutputFormat  # noqa: E402

KINDS = importlib.import_module("kinds_of_files").KINDS
PAGE = ROOT / "docs" / "files.md"
BEGIN, END = "<!-- The table begins: made by scripts/make_files_docs.py. -->", "<!-- The table ends. -->"
WRITTEN = {
    OutputFormat.EXR: "EXR, linear light: half or float as the plate, or half",
    OutputFormat.TIFF: "TIFF, 16 bits; float for linear light",
    OutputFormat.PNG: "PNG, 16 bits",
    OutputFormat.DPX: "DPX of the plate's 10, 12 or 16 bits; else 10",
    OutputFormat.PRORES_422: "ProRes 422, 10 bits",
    OutputFormat.PRORES_422_HQ: "ProRes 422 HQ, 10 bits",
    OutputFormat.PRORES_4444: "ProRes 4444, 10 bits",
}


def page() -> str:
    """The whole page with the table in its place."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    read = [f"| {kind.files} | {kind.result} | {_difference(kind.within, kind.on_average)} |" for kind in KINDS]
    written = [
        f"| `{own.value}` | {text} | {'kept' if own.carries_alpha else 'left out'} |" for own, text in WRITTEN.items()
    ]
    table = ["| read | what comes of it | largest difference, where 1 is white |", "|---|---|---|", *read, ""]
    table += ["| `--format` | written | alpha |", "|---|---|---|", *written]
    return before + BEGIN + "\n\n" + "\n".join(table) + "\n\n" + END + after


def _difference(within: float, on_average: float | None) -> str:
    """The bound that the test holds a kind to."""
    if on_average is not None:
        return f"{on_average:g} on average"
    return "none" if within <= 1e-6 else f"{within:.2g} at most"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(page() != PAGE.read_text())
    PAGE.write_text(page())
    print(PAGE)
