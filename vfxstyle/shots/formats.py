"""File formats: the pictures and movies that are read, and the formats that graded frames are written in."""

from __future__ import annotations

from enum import Enum

PICTURE_EXTENSIONS = frozenset({"exr", "dpx", "cin", "tif", "tiff", "png", "jpg", "jpeg"})
"""File name extensions (lower case, without the dot) of files that hold one frame."""
MOVIE_EXTENSIONS = frozenset(
    [
        "mov",
        "qt",
        "mp4",
        "m4v",
        "3gp",
        "mkv",
        "webm",
        "mxf",
        "avi",
        "ts",
        "mts",
        "m2ts",
        "mpg",
        "mpeg",
        "m2v",
        "vob",
        "flv",
        "y4m",
        "gif",
        "ogv",
        "wmv",
        "dv",
        "mj2",
    ]
)
"""File name extensions (lower case, without the dot) by which movies in a folder are known; FFmpeg reads others too."""


class OutputFormat(Enum):
    """A file format that graded frames are written in."""

    EXR = "exr"
    TIFF = "tiff"
    PNG = "png"
    DPX = "dpx"
    PRORES_422 = "prores422"
    PRORES_422_HQ = "prores422hq"
    PRORES_4444 = "prores4444"

    @property
    def is_movie(self) -> bool:
        """Whether all frames go into one file."""
        return self.value.startswith("prores")

    @property
    def extension(self) -> str:
        """File name extension, without the dot."""
        return "mov" if self.is_movie else {"tiff": "tif"}.get(self.value, self.value)

    @property
    def carries_alpha(self) -> bool:
        """Whether the format has room for an alpha channel."""
        return self not in (OutputFormat.PRORES_422, OutputFormat.PRORES_422_HQ)


def default_format(*, movie: bool, has_alpha: bool) -> OutputFormat:
    """EXR for frames; ProRes 422 HQ for a movie, 4444 if it has alpha."""
    if not movie:
        return OutputFormat.EXR
    return OutputFormat.PRORES_4444 if has_alpha else OutputFormat.PRORES_422_HQ


SHEET_SUFFIXES = (".proof.png", "_proof.png")
"""Ends of the names of contact sheets, of a grade and of ``proof``: they may lie beside frames, and are none."""
