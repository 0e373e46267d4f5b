"""Frame sequences by the names of their files: which belong together, and which frame each one is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.errors import ShotError, UsageError

_TAIL = r"(?P<tail>(?:\.\w*[A-Za-z]\w*)*\.[A-Za-z]\w*)"
_LAST_NUMBER = re.compile(rf"(?P<head>(?:.*\D)?)(?P<digits>\d+){_TAIL}", re.DOTALL)
_FIRST_NUMBER = re.compile(rf"(?P<head>.*?)(?P<digits>\d+){_TAIL}", re.DOTALL)
_PLACE = re.compile(r"#+|@+|%0?\d*d|\$F\d*|\*+|\?+")  # of the frame number in a pattern
_RANGE_INSIDE = re.compile(r"(?:(?:(?<=[._ ])|^)-)?\d+(?:-+\d+(?:[xy:]\d+)?|,-?\d+)+$|(?:(?<=[._ ])|^)-?\d+$")
_FOREIGN_TOKENS = {
    "%V": "a view; name the files of one view (as in shot.left.%04d.exr), or the view in them with --view",
    "%v": "a view; name the files of one view (as in shot.l.%04d.exr), or the view in them with --view",
    "<UDIM>": "a tile of a texture; write the frame number as ####, and hand in the tiles of a texture one by one",
    "<UVTILE>": "a tile of a texture; write the frame number as ####, and hand in the tiles of a texture one by one",
}
_JOINTS = ("", ".", "_", "-")


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """Files of one folder that are the frames of one sequence, or one picture without a number."""

    head: str
    """The part of their names before the frame number; the whole name of a picture without one."""
    tail: str
    """The part after it, with the extension; empty for a picture without a number."""
    padding: int
    """Digits of a frame number."""
    files: dict[int, Path]
    """The file of each frame number, ascending; that of a picture without a number is 1."""
    note: str = ""
    """What a hyphen before the numbers is taken for, where the names alone do not say."""

    @property
    def numbered(self) -> bool:
        """Whether the files have frame numbers in their names."""
        return bool(self.tail)

    @property
    def extension(self) -> str:
        """That of the files, lower case, without the dot."""
        return (self.tail or self.head).rpartition(".")[2].lower()

    @property
    def pattern(self) -> str:
        """``NAME.####.EXT``, which names the sequence in its folder."""
        return f"{self.head}{'#' * self.padding}{self.tail}" if self.numbered else self.head

    @property
    def stem(self) -> str:
        """The name of the frames; that of their folder where files have numbers alone."""
        if not self.numbered:
            return Path(self.head).stem
        return self.head.rstrip("._- ") or next(iter(self.files.values())).resolve().parent.name


@dataclass(frozen=True, slots=True)
class _Numbered:
    path: Path
    digits: str
    tail: str
    negative: bool = False

    @property
    def number(self) -> int:
        return -int(self.digits) if self.negative else int(self.digits)


def sequences_of(paths: Iterable[Path]) -> list[FrameFiles]:
    """The sequences that files of one folder make, in the order of their names.

    The frame number is the last one in a name, or where so no two files belong together, as in ``x.0001.v2.exr``, the
    first one. Extensions that differ in case alone are one. A hyphen before the digits is a minus sign where frames of
    the same name without it are there, or where it follows ``.``, ``_``, another hyphen or nothing; else it is a part
    of the name, so that ``render-0001.png`` is frame 1.
    Raises :class:`~vfxstyle.errors.ShotError` where two files are the same frame of a sequence.
    """
    files = sorted(paths)
    found = _grouped(files, _LAST_NUMBER)
    if len(found) == len(files) > 1:
        by_first = _grouped(files, _FIRST_NUMBER)
        return by_first if len(by_first) == 1 else found
    return found


def _grouped(paths: Iterable[Path], form: re.Pattern[str]) -> list[FrameFiles]:
    """The sequences of files whose names have their frame number where ``form`` finds it."""
    groups: dict[tuple[str, str], list[_Numbered]] = {}
    lone = []
    for path in paths:
        parts = form.fullmatch(path.name)
        if parts is None:
            lone.append(FrameFiles(path.name, "", 4, {1: path}))
        else:
            numbered = _Numbered(path, parts["digits"], parts["tail"])
            groups.setdefault((parts["head"], parts["tail"].lower()), []).append(numbered)
    notes = _with_signs(groups)
    sequences = [_sequence(head, files, notes.get((head, tail), "")) for (head, tail), files in groups.items()]
    return sorted([*sequences, *lone], key=lambda sequence: sequence.pattern)


def _with_signs(groups: dict[tuple[str, str], list[_Numbered]]) -> dict[tuple[str, str], str]:
    """Join negative frames with those of their name. Returns what is to be said of the others, by sequence."""
    notes = {}
    for head, tail in [key for key in groups if key[0].endswith("-")]:
        name = head[:-1]
        proven = (name, tail) in groups
        if proven or name[-1:] in _JOINTS:
            negative = [_Numbered(file.path, file.digits, file.tail, True) for file in groups.pop((head, tail))]
            groups[name, tail] = groups.get((name, tail), []) + negative
            if not proven:
                notes[name, tail] = f"the hyphen in '{negative[0].path.name}' is taken for a minus sign"
        else:
            first = groups[head, tail][0].path.name
            notes[head, tail] = f"the hyphen in '{first}' is taken for a part of the name, not for a minus sign"
    return notes


def _sequence(head: str, numbered: Sequence[_Numbered], note: str) -> FrameFiles:
    files: dict[int, Path] = {}
    for file in sorted(numbered, key=lambda file: file.number):
        if file.number in files:
            raise ShotError(
                f"{files[file.number]} and {file.path.name} are both frame {file.number} of one sequence; keep one "
                "of them in the folder.",
                frames=(file.number,),
            )
        files[file.number] = file.path
    unsigned = [file for file in numbered if not file.negative] or numbered
    return FrameFiles(head, numbered[0].tail, min(len(file.digits) for file in unsigned), files, note)


@dataclass(frozen=True, slots=True)
class SequencePattern:
    """A sequence as a user writes it, in any of fileseq's notations; ``*`` and ``?`` stand for frame numbers too."""

    folder: Path
    """The folder that it is in."""
    head: str
    """The part of the names before the frame number."""
    tail: str
    """The part after it."""
    frames: str
    """The range that it names; empty for all frames on disk."""

    @classmethod
    def parse(cls, text: str, frames: str = "") -> SequencePattern:
        """The pattern in the last component of a path. frames: the range that follows it.

        Raises ValueError if it is none.
        """
        folder, name = Path(text).parent, Path(text).name
        places = list(_PLACE.finditer(name))
        if not places:
            raise ValueError(f"'{name}' has no place for a frame number")
        head, tail = name[: places[-1].start()], name[places[-1].end() :]
        inside = _RANGE_INSIDE.search(head)
        if inside is None:
            return cls(folder, head, tail, frames)
        return cls(folder, head[: inside.start()], tail, frames or inside[0])

    def find(self) -> FrameFiles | None:
        """The sequence on disk that the pattern names, or None. Raises what :func:`sequences_of` raises, and OSError.

        A hyphen is read as :func:`sequences_of` reads it; a pattern with one that is a minus sign names the negative
        frames.
        """
        name = self.head.removesuffix("-")
        form = re.compile(rf"{re.escape(name)}(?P<sign>-*)(?P<digits>\d+)(?P<tail>{re.escape(self.tail)})", re.I)
        groups: dict[tuple[str, str], list[_Numbered]] = {}
        for path in visible_files(self.folder):
            parts = form.fullmatch(path.name)
            if parts is not None and path.name.startswith(name):
                numbered = _Numbered(path, parts["digits"], parts["tail"])
                groups.setdefault((name + parts["sign"], ""), []).append(numbered)
        _with_signs(groups)
        files = groups.get((self.head, ""))
        if files is None and self.head != name:
            files = [file for file in groups.get((name, ""), []) if file.negative]
            return _sequence(name, files, "") if files else None
        return None if files is None else _sequence(self.head, files, "")


def refuse_foreign_tokens(text: str) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` for a path with a token of another program that is no frame number."""
    for token, meaning in _FOREIGN_TOKENS.items():
        if token in text:
            raise UsageError(f"'{token}' in '{text}' stands for {meaning}.")


def visible_files(folder: Path) -> list[Path]:
    """The files of a folder whose names do not begin with a dot, in the order of their names. Raises OSError."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
