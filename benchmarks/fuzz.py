"""Fuzzing our own parsers with coverage: ``python -m benchmarks.fuzz preset|manifest|range [-runs=200000] [FOLDER]``.

Needs atheris (``pip install atheris``). What follows the name goes to libFuzzer; FOLDER keeps inputs that reach
something new. Ends at the first input that raises what users must not see.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["vfxstyle.looks.preset", "vfxstyle.analysis.manifest", "fileseq", "json"]):
    from tests import parsers  # tests do the same with fewer inputs

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "big_buck_bunny"
GOLDEN = parsers.PresetParts((ROOT / "presets" / "golden.safetensors").read_bytes())
MANIFEST = {
    "settings": {}, "frames": [1001], "chosen_frames": [1001], "superpixels": 1, "labels_sha256": {"1001": ""},
    "unreadable": {"1002": ""}, "plate_folder": "/", "plate": {"a.exr": {"size": 1, "mtime_ns": 1, "sha256": ""}},
}  # fmt: skip


def read_preset(data: bytes) -> None:
    """Read a preset with these metadata."""
    parsers.read_preset_file(GOLDEN.saying(data.decode(errors="replace")))


def read_manifest(data: bytes) -> None:
    """Read a manifest of these values, with the right hash of itself if it is one at all."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        values = None
    parsers.read_manifest(parsers.signed(values) if isinstance(values, dict) else data, EXAMPLE)


def read_range(data: bytes) -> None:
    """Read a frame range."""
    parsers.read_range(data.decode(errors="replace"))


TARGETS = {
    "preset": (read_preset, json.dumps(GOLDEN.said)),
    "manifest": (read_manifest, json.dumps(MANIFEST)),
    "range": (read_range, "1001-1100x2,1150"),
}
"""What reads each kind of text, and a good one to begin with."""


def main() -> None:
    """Fuzz one parser."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    target, good = TARGETS[sys.argv.pop(1)]
    seed = parsers.SCRATCH / "seed"
    seed.write_text(good)
    atheris.Setup([*sys.argv, f"-seed_inputs={seed}"], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
