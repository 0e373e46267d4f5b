"""Corrections of a grade that were made by hand: superpixels with a strength, or a look, of their own.

They are kept in a JSON file, by default ``adjust.json`` in the folder of the analysis::

    {"schema": 1, "analysis": "<identity>", "corrections": [
        {"name": "lasso on 1012", "superpixels": "", "frames": {"1012": "12,40-44", "1013": "12"}, "strength": 0.0},
        {"name": "tail", "superpixels": "7", "strength": 1.0, "preset": "cold", "digest": "<hash>"}]}

A correction lies over those before it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.errors import AnalysisError, InputError, OutputError, PresetError
from vfxstyle.files import key_of, write_atomically
from vfxstyle.looks import read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.shots.discover import format_frames, parse_frames

SCHEMA = 1
"""Version of the file."""
FILE = "adjust.json"
"""Its name in the folder of an analysis."""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A change of what a look does to some superpixels."""

    superpixels: tuple[int, ...]
    """Labels, ascending; those on frames that :attr:`frames` says nothing of."""
    frames: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Labels on single frames, where a selection was followed through the shot."""
    strength: float
    """0..1, share of the change that is made; 0 protects."""
    preset: str | None = None
    """The look that they take instead, by name or file; None for the one that the shot is graded with."""
    digest: str = ""
    """Hash of that look."""
    name: str = ""
    """What people call it."""

    def as_json(self) -> dict[str, Any]:
        """The correction as the file has it."""
        own: dict[str, Any] = {"name": self.name, "superpixels": _told(self.superpixels), "strength": self.strength}
        if self.frames:
            own["frames"] = {str(number): _told(labels) for number, labels in sorted(self.frames.items())}
        return own if self.preset is None else own | {"preset": self.preset, "digest": self.digest}

    def on(self, number: int) -> tuple[int, ...]:
        """The superpixels on a frame."""
        return self.frames.get(number, self.superpixels)


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """All corrections of a shot, which belong to one analysis of it."""

    analysis: str
    """Identity of the analysis whose superpixels they name."""
    made: tuple[Correction, ...] = ()
    """In the order in which they lie over each other, the topmost last."""

    def __bool__(self) -> bool:
        return bool(self.made)

    def identity(self, numbers: Sequence[int] | None = None) -> str:
        """Hash of what they do, on some frames or on all; names do not count."""
        if numbers is None:
            return key_of(corrections=[{**own.as_json(), "name": ""} for own in self.made])
        said = [
            {"on": [_told(own.on(number)) for number in numbers], "strength": own.strength, "look": own.digest}
            for own in self.made
        ]
        return key_of(corrections=said)

    @property
    def presets(self) -> tuple[str, ...]:
        """Other looks that superpixels take, each once."""
        return tuple(dict.fromkeys(own.preset for own in self.made if own.preset is not None))

    def check(self, identities: Collection[str]) -> None:
        """Raise :class:`~vfxstyle.errors.AnalysisError` for other superpixels than those of the corrections.

        identities: of analyses into the superpixels that are used; see :func:`identities_of`.
        """
        if self.made and self.analysis not in identities:
            raise AnalysisError(
                "The corrections were made over another analysis of the shot, whose superpixels are not these; name "
                "that one with --analysis and the options it was made with, or correct this one in the review."
            )

    def strengths(self, number: int, labels: LabelArray, look: str | None) -> FloatArray:
        """The strength of a look on some superpixels of a frame, float32 (N,).

        labels: int32 (N,). look: by the name that corrections have for it; None for the one of the shot.
        """
        found = np.full(len(labels), 1 if look is None else 0, np.float32)
        for own in self.made:
            hit = np.isin(labels, np.array(own.on(number), np.int64))
            found[hit] = own.strength if look == own.preset else 0
        return found

    def save(self, path: Path) -> None:
        """Write the file, at once. Raises :class:`~vfxstyle.errors.OutputError`."""
        whole = {"schema": SCHEMA, "analysis": self.analysis, "corrections": [own.as_json() for own in self.made]}
        try:
            write_atomically(path, (json.dumps(whole, indent=1) + "\n").encode())
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}; check its folder.") from error


def read_corrections(path: str | Path, *, checked: bool = True) -> Corrections:
    """Corrections of a file. checked: whether the other looks that they take must be there, as they were.

    Raises :class:`~vfxstyle.errors.InputError` for a file that cannot be used, and
    :class:`~vfxstyle.errors.PresetError` for a look that is not there or has changed.
    """
    try:
        whole = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"Corrections {path} cannot be read: {error}; check the file.") from error
    try:
        if whole["schema"] != SCHEMA:
            raise InputError(f"Corrections {path} are of version {whole['schema']}, and this version reads {SCHEMA}.")
        made = tuple(_correction(values) for values in whole["corrections"])
        if checked:
            made = tuple(_checked(own, path) for own in made)
        return Corrections(analysis=str(whole["analysis"]), made=made)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"Corrections {path} are damaged ({error}); make them again in the review.") from error


def _correction(values: Mapping[str, Any]) -> Correction:
    strength = float(values["strength"])
    if not 0 <= strength <= 1:
        raise ValueError(f"a strength of {strength}")
    return Correction(
        superpixels=_labels(values["superpixels"]),
        frames={int(number): _labels(labels) for number, labels in values.get("frames", {}).items()},
        strength=strength,
        preset=values.get("preset"),
        digest=str(values.get("digest", "")),
        name=str(values.get("name", "")),
    )


def _labels(text: object) -> tuple[int, ...]:
    return parse_frames(str(text)) if text else ()


def _told(labels: tuple[int, ...]) -> str:
    return format_frames(labels) if labels else ""


def _checked(own: Correction, path: str | Path) -> Correction:
    if own.preset is None:
        return own
    digest = read_preset(find_preset(own.preset)).digest
    if own.digest and own.digest != digest:
        raise PresetError(
            f"Corrections {path} take the look '{own.preset}', which is another one here than where they were made; "
            "install that one."
        )
    return replace(own, digest=digest)


def identities_of(wanted: WantedAnalysis) -> set[str]:
    """The identities of an analysis, and of those that are there into the same superpixels."""
    return {wanted.identity, *(other.identity for other in wanted.with_same_superpixels())}
