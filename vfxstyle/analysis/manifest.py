"""Manifests of analyses: JSON that carries the version of the format and a hash of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vfxstyle._version import __version__
from vfxstyle.files import write_atomically

MANIFEST = "analysis.json"
ANALYSIS_SCHEMA = 11
"""Version of the analysis' format and of what is computed; raise it when either changes."""


def _digest(values: Mapping[str, Any]) -> str:
    plain = json.loads(json.dumps(values))  # as it will be read: every key a text
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def write_manifest(place: Path, values: Mapping[str, Any]) -> None:
    """Write the manifest of an analysis, with the versions and its own hash. Raises OSError."""
    whole = {"schema": ANALYSIS_SCHEMA, "vfxstyle": __version__, **values}
    write_atomically(place / MANIFEST, json.dumps({**whole, "sha256": _digest(whole)}, indent=1).encode())


def manifest_of(path: Path) -> dict[str, Any]:
    """A manifest; empty where there is none, it is of another version, or it has changed since it was written."""
    try:
        loaded = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(loaded, dict) or loaded.get("schema") != ANALYSIS_SCHEMA:
        return {}
    own = loaded.pop("sha256", "")
    return loaded if own == _digest(loaded) and _is_sound(loaded) else {}


def _is_sound(values: Mapping[str, Any]) -> bool:
    """Whether everything that a manifest says is of the right kind."""
    kinds: dict[str, type[Any]] = {
        "settings": dict,
        "plate": dict,
        "unreadable": dict,
        "labels_sha256": dict,
        "frames": list,
    }
    kinds |= {"chosen_frames": list, "superpixels": int, "identity": str, "plate_folder": str}
    if not all(type(values.get(name, kind())) is kind for name, kind in kinds.items()):
        return False
    try:
        named = [*map(int, values.get("unreadable", ())), *map(int, values.get("labels_sha256", ()))]
    except ValueError:
        return False
    numbers = [*values.get("frames", ()), *values.get("chosen_frames", ()), *named]
    return all(type(number) is int for number in numbers)


def manifests_in(folder: Path) -> list[dict[str, Any]]:
    """The manifests of the analyses in a folder, the newest last."""
    found = []
    for path in folder.glob(f"[!.]*/{MANIFEST}"):
        with suppress(OSError):  # another job may take it away meanwhile
            found.append((path.stat().st_mtime_ns, path.parent.name, manifest_of(path)))
    ordered = sorted(found, key=lambda item: item[:2])
    return [manifest for _, name, manifest in ordered if str(manifest.get("identity", ""))[:16] == name]
