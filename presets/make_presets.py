"""Make the shipped presets: ``python -m presets.make_presets PHOTOGRAPHS [--only NAME] [--examples FILE]``.

PHOTOGRAPHS: a collection as :mod:`presets.photographs` reads it, which refuses pictures without a licence row. Every
photograph is taken as it is and under two other lights; the recipes of :mod:`presets.recipes` grade them, and each
preset is learnt as ``vfxstyle train`` learns, with some of the photographs held out. Looks that treat things
differently are learnt from composites too (:mod:`presets.composites`), of photographs that are not held out. Preset,
model card, thumbnail and CREDITS.md are written beside this script. Features are extracted once for all looks;
``--examples`` keeps them between runs. No photograph is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.styles import resized_to_width, write_jpeg
from presets.gradable import BESIDE, GLOBAL, LIGHTS, SUBJECT_SHARES, GradableExamples, every_example
from presets.photographs import Photograph, photographs
from presets.recipes import RECIPES
from vfxstyle.cli.progress import make_progress
from vfxstyle.cli.shares import TRAIN_SHARES
from vfxstyle.features import pick_device
from vfxstyle.features.registry import load_backbone
from vfxstyle.looks import Preset, save_preset
from vfxstyle.looks.cards import model_card
from vfxstyle.looks.samples import Errors
from vfxstyle.progress import Clock
from vfxstyle.settings import TrainSettings
from vfxstyle.training.learn import learn, which_held_out
from vfxstyle.training.pair_digests import PairDigest
from vfxstyle.training.pairs import PictureReader, PictureRef
from vfxstyle.training.presets import preset_card, preset_of
from vfxstyle.training.stills import graded_picture

HERE = Path(__file__).resolve().parent
SHARE_WORDS = {1 / 3: "a third", 0.7: "seven tenths"}
"""These shares as cards and docs say them."""
DESCRIPTIONS = {
    "golden": "Late sun: natural things turn to straw, stone to amber, skies lose their blue; water keeps its "
    "blue-green.",
    "pop-out": "People, animals and vehicles gain contrast and colour, as one; everything round them pales.",
    "local-xpro": "Cross processing: hard contrast, cyan shadows and yellow lights, a profile for each kind of thing.",
    "teal-orange": "Teal shadows, water and sky against orange lights; skin and foliage are spared where they are "
    "seen.",
    "bleach-bypass": "Silver left in the print: hard and pale, with people, animals and vehicles spared half of it.",
    "cold": "A winter morning: blue shadows, pale colours, firmer contrast.",
    "spring": "Lifted, fresh greens, a touch of rose in the lights; whites keep their room.",
}
"""Looks that are shipped, each with its line in the list of presets."""
DATA_NOTE = (
    "photographs under CC0, CC BY, MIT and Apache-2.0 licences and Kodak's unrestricted ones, with class maps; see "
    "CREDITS.md. Paid work is allowed. Each was taken as it is and under two other lights, up to two stops darker or "
    "brighter and from tungsten to shade. The after pictures are made by presets/recipes.py."
)
PASTED = (
    " Those that are learnt from were also put behind people, animals and vehicles of other ones of them, up to four "
    "times each."
)
COUNTED = (
    " Superpixels of people, animals and vehicles are {share} or more of those of a photograph that shows some, "
    "repeated where there are too few, in what is learnt and in what it is measured on."
)
LEARNT_BESIDE = " What lies close to them is learnt {times} times as often as the rest of what is round them."
LICENCE = (
    "Apache-2.0, as the program: the sources allow derived works for any purpose, and the preset holds none of the "
    "photographs. CC BY asks for credit, which CREDITS.md gives; keep that file with the presets."
)
LIMITS = {
    "golden": "A deep blue sky comes out dusty more than peach, a wooded valley in haze can be blotched or stay blue, "
    "and the saturated blue of graphics turns purple.",
    "pop-out": "Parts of a person can be missed, in some frames and not in others: hands, a forearm against concrete, "
    "a head against the sky. Dark or muted clothes can lose a little colour. What is no person, animal or vehicle "
    "pales, a flower or a statue too, but what is vivid beside one can keep some, as the stripes of a wall beside a "
    "car.",
    "local-xpro": "Strong on purpose. Grey things beside grass or sand take some of its yellow.",
    "teal-orange": "A face close up in two lights, or an animal on water, can be split into two tones, and a wooded "
    "valley in haze be blotched with cyan. Grey roads turn to slate or sand, white things to peach, and black "
    "clothes to navy.",
    "bleach-bypass": "Subjects are spared less than meant, and parts of a person can be missed.",
    "cold": "Global: it needs no understanding of the picture, and has none.",
    "spring": "Global: it needs no understanding of the picture, and has none. Brightest colours can pass display "
    "white.",
}
"""What is wrong with each on footage unlike the photographs."""


def digests_of(pictures: Sequence[Photograph], look: str) -> list[PairDigest]:
    """What a preset was learnt from, a line for each photograph: its picture, its class map, and the recipes."""
    recipe = hashlib.sha256((HERE / "recipes.py").read_bytes()).hexdigest()
    found = []
    for one in pictures:
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in one.files]
        found.append((f"{one.name}.jpg {hashes[0]}", f"{one.name}.png {hashes[1]} {look} {recipe}"))
    return found


def data_note(look: str) -> str:
    """What a look was learnt from, and how it was measured."""
    note = DATA_NOTE if look in GLOBAL else DATA_NOTE + PASTED
    if look in SUBJECT_SHARES:
        note += COUNTED.format(share=SHARE_WORDS[SUBJECT_SHARES[look]])
    return note + LEARNT_BESIDE.format(times=BESIDE[look]) if look in BESIDE else note


def draw_thumbnail(preset: Preset, path: Path) -> None:
    """Draw a frame of the bundled example before and after, side by side."""
    frame = sorted((HERE.parent / "examples" / "big_buck_bunny").glob("*.exr"))[0]
    settings = TrainSettings(device="cpu")
    with PictureReader(settings) as reader:
        before = reader.read(PictureRef(frame)).pixels
    backbone = load_backbone(settings.backbone, pick_device("cpu"))
    write_jpeg(path, resized_to_width(np.hstack([before, graded_picture(before, preset, backbone)]), 640))


def make_preset(
    look: str, pictures: Sequence[Photograph], examples: GradableExamples, clock: Clock
) -> tuple[Errors, float]:
    """Learn a look and write its preset, thumbnail and card. Returns its errors and the seconds it took."""
    started = time.perf_counter()
    settings = TrainSettings(device="cpu", data_note=data_note(look), description=DESCRIPTIONS[look], any_light=True)
    held_out = which_held_out(range(len(pictures)), settings)
    graded, together = examples.of(look, held_out)
    learnt = learn(graded, settings, "cpu", clock, together=together)
    if {index // LIGHTS for index in learnt.held_out} != set(np.flatnonzero(held_out).tolist()):
        raise RuntimeError("What composites were made without is not what was held out.")
    card = {
        **preset_card(digests_of(pictures, look), learnt, settings),
        "limits": LIMITS[look],
        "licence": LICENCE,
        "held_out": len(learnt.held_out) // LIGHTS,
    }
    as_they_are = [one.example.raw.global_ for one in examples.photographs[::LIGHTS]]
    preset = preset_of(look, learnt, settings, card=card, pictures=as_they_are)
    path = save_preset(preset, HERE / f"{look}.safetensors")
    thumbnail = path.with_suffix(".jpg")
    draw_thumbnail(preset, thumbnail)
    page = model_card(preset.info)
    path.with_suffix(".md").write_text(page.replace("\n\n", f"\n\n![before and after]({thumbnail.name})\n\n", 1))
    return learnt.errors, time.perf_counter() - started


def write_credits(pictures: Sequence[Photograph]) -> None:
    """Write CREDITS.md: every photograph that was learnt from, with its author where the source names one."""
    lines = [
        "# Credits",
        "",
        "The shipped presets were learnt from these photographs. None of them is in this repository or in a preset.",
        "",
        "| photograph | author | source | licence |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.author or 'not named'} | {one.source} | {one.licence} |" for one in pictures),
    ]
    (HERE / "CREDITS.md").write_text("\n".join(lines) + "\n")


def arguments_of(description: str | None) -> argparse.Namespace:
    """The arguments of a script that learns from the photographs: ``folder``, ``only`` and ``examples``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the collection of photographs")
    parser.add_argument("--only", choices=RECIPES, action="append", help="only this look; may be repeated")
    parser.add_argument("--examples", type=Path, help="file that keeps the features between runs")
    return parser.parse_args()


def main() -> None:
    """Make the presets."""
    arguments = arguments_of(__doc__)
    pictures = photographs(arguments.folder)
    started = time.perf_counter()
    examples = every_example(pictures, TrainSettings(device="cpu"), arguments.examples)
    count = len(examples.photographs) + len(examples.composites)
    print(f"{len(pictures)} photographs, {count} pictures, features in {time.perf_counter() - started:.0f} s")
    clock = Clock(make_progress("auto", TRAIN_SHARES))
    for look in arguments.only or RECIPES:
        errors, seconds = make_preset(look, pictures, examples, clock)
        ratio = errors.predicted / errors.global_oracle
        print(f"{look}: {errors}, {ratio:.2f} of the oracle, {seconds:.0f} s, seed 0", flush=True)
    write_credits(pictures)


if __name__ == "__main__":
    main()
