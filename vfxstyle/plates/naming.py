"""Where results go by a template: names in braces stand for parts of the plate's path, the plate and the look.

::

    --tokens "{seq}/{shot}/plate/{version}"      what the folders of a plate's path are called
    -o "{root}/{seq}/{shot}/grade/{preset}/{plate}_{preset}.####.exr"
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vfxstyle.errors import UsageError

OWN_TOKENS = {
    "plate": "the plate's name",
    "preset": "the name of the look",
    "root": "the folder before what --tokens describes, or the one that the plate lies in",
}
"""Tokens that there always are, and what they stand for. ``{frame}`` is one of file names."""
_TOKEN = re.compile(r"\{([A-Za-z_]\w*)\}")
_EXTENSION = re.compile(r"\.[A-Za-z]\w*$")
_FRAME = re.compile(r"\{frame(?::0?(\d+)d?)?\}|(#+)|%0?(\d*)d|\$F(\d*)")


@dataclass(frozen=True, slots=True)
class FrameNames:
    """How the files of frames are called, where the user says it."""

    before: str
    """What comes before the number."""
    digits: int | None
    """Least digits of it; None for those of the plate."""
    after: str
    """What comes after it, the extension included."""

    @property
    def extension(self) -> str:
        """The extension, lower case, without its dot."""
        return self.after.rpartition(".")[2].lower()

    def of(self, number: int, digits: int) -> str:
        """The name of a frame. digits: of the plate's numbers."""
        sign = "-" if number < 0 else ""
        return f"{self.before}{sign}{abs(number):0{self.digits or digits}d}{self.after}"


def is_template(output: str | Path | None) -> bool:
    """Whether an output has tokens in it, or says how the files of frames are called."""
    return output is not None and bool(_TOKEN.search(str(output)) or frame_names(Path(output)))


def frame_names(output: Path) -> FrameNames | None:
    """What an output says about the files of frames; None where it is a folder or a movie."""
    found = list(_FRAME.finditer(output.name))
    if not found or not _EXTENSION.search(output.name[found[-1].end() :]):  # else it is a name with such a sign in it
        return None
    if len(found) > 1:
        raise UsageError(f"The output {output} has the frame number {len(found)} times; once is enough.")
    (mark,) = found
    digits = len(mark[2]) if mark[2] else int(mark[1] or mark[3] or mark[4] or 0)
    return FrameNames(output.name[: mark.start()], digits or None, output.name[mark.end() :])


def folder_of(output: str | Path) -> Path:
    """The folder of frames, or the movie, of an output without tokens."""
    path = Path(output)
    return path.parent if frame_names(path) else path


def tokens_of(path: Path, plate: str, preset: str, pattern: str | None) -> dict[str, str]:
    """What each token stands for.

    path: the shot as the user names it. plate, preset: names. pattern: of folders of that path, such as
    ``{seq}/{shot}/plate/{version}``, or, without a slash, of the plate's name, such as ``{shot}_{element}``.
    Raises :class:`~vfxstyle.errors.UsageError` where the pattern does not fit.
    """
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - without . and .., and with links as they are named
    folders = whole.parts if path.is_dir() else (*whole.parent.parts, plate)
    tokens = {"plate": plate, "preset": preset, "root": str(Path(*folders[:-1]))}
    if pattern is None:
        return tokens
    parts = [part for part in pattern.split("/") if part]
    if not _TOKEN.search(pattern) or set(_TOKEN.sub("", pattern)) & {"{", "}"}:
        raise UsageError(f"tokens is '{pattern}'; write names in braces, as in {{seq}}/{{shot}}/plate/{{version}}.")
    strange = sorted(set(_TOKEN.findall(pattern)) & {*OWN_TOKENS, "frame"})
    if strange:
        raise UsageError(f"tokens is '{pattern}', but {{{strange[0]}}} is given already; choose another name.")
    if "/" not in pattern:
        found = re.fullmatch(_expression(parts), plate)
        if found is None:
            raise UsageError(f"The plate's name '{plate}' does not fit --tokens '{pattern}'; change the pattern.")
        return tokens | found.groupdict()
    for start in range(len(folders) - len(parts), -1, -1):  # the last place that fits
        found = re.fullmatch(_expression(parts), "/".join(folders[start : start + len(parts)]))
        if found is not None:
            root = str(Path(*folders[:start])) if start else ""
            return tokens | {"root": root} | found.groupdict()
    raise UsageError(f"The path {whole} does not fit --tokens '{pattern}'; change the pattern or the path.")


def _expression(parts: list[str]) -> str:
    seen: set[str] = set()

    def group(name: str) -> str:
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>[^/]+?)"

    pieces = [_TOKEN.split(part) for part in parts]
    return "/".join(
        "".join(group(piece) if index % 2 else re.escape(piece) for index, piece in enumerate(own)) for own in pieces
    )


def filled(output: str, tokens: Mapping[str, str]) -> str:
    """A template with its tokens replaced; the frame number of file names stays.

    Raises :class:`~vfxstyle.errors.UsageError` for a token that is not known, and for a value that would lead to
    another folder.
    """

    def value_of(found: re.Match[str]) -> str:
        name = found[1]
        if name == "frame":
            return found[0]
        if name not in tokens:
            near = get_close_matches(name, tokens, 1)
            hint = f"did you mean {{{near[0]}}}? " if near else ""
            known = ", ".join(f"{{{own}}}" for own in tokens)
            raise UsageError(
                f"The output has the token {{{name}}}, which nothing stands for; {hint}there are {known}, and --tokens "
                "gives more."
            )
        value = tokens[name]
        if name != "root" and (value in ("", ".", "..") or "/" in value):
            raise UsageError(f"The token {{{name}}} is '{value}' here, which is no name of a folder or file.")
        return value

    return _TOKEN.sub(value_of, output)


def telling_apart(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Tokens that are not the same for two plates."""
    return [name for name in one if one[name] != other.get(name) and name != "root"]
