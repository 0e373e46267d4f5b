"""Make the shipped presets: ``python presets/make_presets.py LABELMEFACADE``.

LABELMEFACADE is the folder of the labelmefacade set (cvjena/labelmefacade), with ``images/`` and ``labels/``.
For each recipe this writes after-pictures into a temporary folder of pairs, trains a preset on them as
``vfxstyle train`` does, and saves it with its model card beside this script. The photographs stay out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from recipes import RECIPES

from vfxstyle.pipeline.cards import model_card
from vfxstyle.pipeline.pairs import find_pairs
from vfxstyle.pipeline.progress import Clock
from vfxstyle.pipeline.settings import TrainSettings
from vfxstyle.pipeline.train import describe_plates, fit_preset, sample_colours
from vfxstyle.style import read_info, save_preset

HERE = Path(__file__).resolve().parent
DATA_NOTE = (
    "labelmefacade (cvjena/labelmefacade, street photographs with dense labels; research use). The after "
    "pictures are made by presets/recipes.py. The set's licence is non-commercial: so is a preset trained on it."
)


class Lines:
    """Progress as plain lines."""

    def stage(self, name, total):
        from contextlib import nullcontext

        print(f"{name}: {total} steps", flush=True)
        return nullcontext(lambda: None)

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)


def write_pairs(source: Path, name: str, target: Path) -> None:
    """Link the photographs into ``before/`` and write the recipe's pictures into ``after/`` as 16-bit PNG."""
    for side in ("before", "after"):
        (target / side).mkdir(parents=True)
    for photograph in sorted((source / "images").glob("*.jpg")):
        labels = cv2.imread(str(source / "labels" / f"{photograph.stem}.png"))[..., ::-1]
        picture = cv2.imread(str(photograph))[..., ::-1].astype(np.float32) / 255
        graded = RECIPES[name][1](picture, labels)
        (target / "before" / photograph.name).symlink_to(photograph.resolve())
        codes = (graded[..., ::-1] * 65535 + 0.5).astype(np.uint16)
        cv2.imwrite(str(target / "after" / f"{photograph.stem}.png"), codes)


def main(source: Path) -> None:
    """Make every preset; the photographs are described once, since all looks share them."""
    described = None
    for name, (description, _) in RECIPES.items():
        settings = TrainSettings(device="cpu", description=description, data_note=DATA_NOTE)
        with tempfile.TemporaryDirectory() as scratch:
            write_pairs(source, name, Path(scratch))
            pairs = find_pairs(Path(scratch))
            if described is None:
                described = describe_plates([pair.before for pair in pairs], settings)
            colours = sample_colours(pairs, described, settings)
            preset, errors, _ = fit_preset(name, pairs, described, colours, settings, Clock(Lines()))
        path = save_preset(preset, HERE / f"{name}.safetensors")
        (HERE / f"{name}.md").write_text(model_card(read_info(path)))
        print(name, errors, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
