"""What reads things that anybody may have written; for hypothesis in the tests, and for ``benchmarks/fuzz.py``.

Each takes what is to be read, uses everything of it that the tool would, and raises only what the tool tells users.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import PresetError, UsageError
from vfxstyle.looks import read_info, read_preset
from vfxstyle.looks.cards import model_card
from vfxstyle.shots import format_frames, open_shot, parse_frames

SCRATCH = Path(tempfile.mkdtemp(prefix="vfxstyle-parsers-"))
"""Folder of this process."""
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


def read_preset_file(data: bytes) -> bool:
    """Load a preset and print its card; whether it could be used."""
    path = SCRATCH / "any.safetensors"
    path.write_bytes(data)
    try:
        assert model_card(read_info(path)).encode()
        return read_preset(path).inputs > 0
    except PresetError:
        return False


class PresetParts:
    """A good preset in its two parts, to be put together with something changed."""

    def __init__(self, data: bytes) -> None:
        size = struct.unpack("<Q", data[:8])[0]
        self.header: dict[str, Any] = json.loads(data[8 : 8 + size])
        """Tensors by name, and ``__metadata__``."""
        self.tensors = data[8 + size :]
        """Their bytes."""

    @property
    def said(self) -> dict[str, Any]:
        """What it says of itself."""
        return dict(json.loads(self.header["__metadata__"]["vfxstyle.preset"]))

    def saying(self, text: str) -> bytes:
        """The same tensors in a file that says ``text`` of itself."""
        return self.packed({**self.header, "__metadata__": {"vfxstyle.preset": text}})

    def packed(self, header: Any) -> bytes:
        """A file with another header."""
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + self.tensors


def read_manifest(data: bytes, plate: Path) -> list[int]:
    """Ask an analysis with this manifest everything that is asked of one; the frames that it says are chosen."""
    folder = SCRATCH / "analysis"
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / ("0" * 16)
    place.mkdir(parents=True)
    (place / "analysis.json").write_bytes(data)
    analysis = AnalysisFolder(folder)
    assert all(isinstance(number, int) for number in (*analysis.unreadable, *analysis.chosen))
    assert isinstance(analysis.stored_settings, list)
    assert isinstance(analysis.known_plate(plate), dict)
    assert not analysis.has_features()
    with open_shot(plate) as shot:
        assert not analysis.is_segmented(shot)  # it has no label maps
    return analysis.chosen


def signed(values: Any) -> bytes:
    """A manifest with the hash of itself that it must carry."""
    whole = {"schema": ANALYSIS_SCHEMA, "identity": "0" * 64, **values}
    text = json.dumps(json.loads(json.dumps(whole)), sort_keys=True)
    return json.dumps({**whole, "sha256": hashlib.sha256(text.encode()).hexdigest()}).encode()


def read_range(text: str) -> tuple[int, ...]:
    """The frames of a range, which written out again give the same; none where it is refused."""
    try:
        numbers = parse_frames(text)
    except UsageError:
        return ()
    assert numbers == tuple(sorted(set(numbers)))
    assert numbers
    assert parse_frames(format_frames(numbers)) == numbers
    return numbers
