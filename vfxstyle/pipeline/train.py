"""Train a preset: pairs → superpixels and features → projections → predictor → preset file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import tsp
from vfxstyle._version import __version__
from vfxstyle.color import ColorConfig
from vfxstyle.errors import PairsError, UsageError
from vfxstyle.features import (
    DEEP_PARTS,
    PCA,
    PCAFit,
    RawFeatures,
    assemble,
    backbone_class,
    extract,
    pick_device,
)
from vfxstyle.files import file_digest
from vfxstyle.pipeline.library import user_folder
from vfxstyle.pipeline.pairs import ExemplarPair, find_pairs
from vfxstyle.pipeline.plates import analysis_picture, lab_of_picture
from vfxstyle.pipeline.progress import Clock, Progress, Silent
from vfxstyle.pipeline.settings import TrainSettings
from vfxstyle.pipeline.spaces import Light, input_space
from vfxstyle.pipeline.tables import table_of
from vfxstyle.shots import open_shot
from vfxstyle.shots.writing import make_folder
from vfxstyle.style import (
    Errors,
    FitSettings,
    Predictor,
    Preset,
    PresetInfo,
    Samples,
    Standardisation,
    fit,
    measure,
    save_preset,
)
from vfxstyle.style.preset import SUFFIX

FloatArray = npt.NDArray[np.float32]
_NAME = re.compile(r"^\w[\w.-]*$")


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training run made and measured."""

    path: Path
    """The preset file."""
    pairs: int
    """Exemplar pairs used, held-out ones included."""
    held_out: int
    """Pairs that were kept from the weights; they chose the best epoch and measure it."""
    errors: Errors
    """Mean L2 distances in Lab on the held-out pairs, or on all pairs where none is held out."""
    seconds: Mapping[str, float]
    """Wall seconds of each stage."""


@dataclass(frozen=True, slots=True)
class DescribedPicture:
    """A plate's superpixels: their raw features and the places of their sampled pixels."""

    raw: RawFeatures
    """Features of the superpixels, before projection."""
    pixels: npt.NDArray[np.int32]
    """int32 (N, P), sampled pixels of each superpixel, as flat indices."""


def train(
    pairs: str | Path,
    name: str,
    *,
    output: str | Path | None = None,
    settings: TrainSettings | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Learn a look from before/after pairs and write it as a preset.

    pairs: a folder with ``before/`` and ``after/``. name: what the look is called.
    output: the preset file; by default NAME.safetensors in the user's preset folder.
    Raises :class:`~vfxstyle.errors.PairsError` for unusable pairs, :class:`~vfxstyle.errors.OutputError` if
    the preset cannot be written.
    """
    settings, clock = settings or TrainSettings(), Clock(progress or Silent())
    if not _NAME.match(name):
        raise UsageError(f"'{name}' cannot name a look; use letters, digits, '-', '_' and '.'.")
    target = Path(output) if output is not None else user_folder() / f"{name}{SUFFIX}"
    found = find_pairs(Path(pairs))
    make_folder(target.parent)
    if target.exists():
        clock.note(f"{target} is there and will be replaced")
    with clock.stage("features", len(found)) as step:
        described = describe_plates([pair.before for pair in found], settings, step)
    colours = sample_colours(found, described, settings)
    preset, errors, held_out = fit_preset(name, found, described, colours, settings, clock)
    save_preset(preset, target)
    return TrainReport(target, len(found), held_out, errors, clock.seconds)


def describe_plates(
    plates: Sequence[Path], settings: TrainSettings, step: Any = lambda: None
) -> list[DescribedPicture]:
    """Superpixels, features and sampled pixels of each plate. ``step`` is called after each."""
    device = pick_device(settings.device)
    backbone = backbone_class(settings.backbone)(device)
    random = np.random.default_rng(settings.seed)
    described = []
    config = ColorConfig.load(settings.ocio)
    for plate in plates:
        picture = _picture(plate, settings, config)
        labels = next(iter(tsp.segment([picture], settings.superpixels, seed=settings.seed)))
        table, rows = table_of(labels, lab_of_picture(picture))
        raw = extract(backbone, picture, table.centroids)
        described.append(DescribedPicture(raw, _sampled_pixels(rows, settings.samples, random)))
        step()
    return described


def _picture(path: Path, settings: TrainSettings, config: ColorConfig) -> FloatArray:
    with open_shot(path) as shot:
        plate = input_space(config, shot.info.color_tag, path, settings.input_space)
        return analysis_picture(shot.read(shot.frames[0]), Light.of(config, plate.space), settings.analysis_width)


def _sampled_pixels(rows: npt.NDArray[np.int32], samples: int, random: np.random.Generator) -> npt.NDArray[np.int32]:
    """``samples`` pixels of each superpixel, drawn with replacement, as flat indices (N, samples)."""
    order = np.argsort(rows.reshape(-1), kind="stable")
    sizes = np.bincount(rows.reshape(-1))
    starts = np.cumsum(sizes) - sizes
    drawn = starts[:, None] + np.floor(random.random((len(sizes), samples)) * sizes[:, None]).astype(np.int64)
    return np.asarray(order[drawn], np.int32)


def sample_colours(
    pairs: Sequence[ExemplarPair], described: Sequence[DescribedPicture], settings: TrainSettings
) -> list[tuple[FloatArray, FloatArray]]:
    """Lab before and after, float32 (N, P, 3) each, at the sampled pixels of every pair.

    Raises :class:`~vfxstyle.errors.PairsError` if the two pictures of a pair differ in shape.
    """
    colours = []
    config = ColorConfig.load(settings.ocio)
    for pair, plate in zip(pairs, described, strict=True):
        before = _picture(pair.before, settings, config)
        after = _picture(pair.after, settings, config)
        if before.shape != after.shape:
            raise PairsError(
                f"Pair '{pair.stem}' does not match: before is {before.shape[1]}x{before.shape[0]} at analysis "
                f"size and after {after.shape[1]}x{after.shape[0]}; export both from the same picture."
            )
        flat_before, flat_after = lab_of_picture(before).reshape(-1, 3), lab_of_picture(after).reshape(-1, 3)
        colours.append((flat_before[plate.pixels], flat_after[plate.pixels]))
    return colours


def fit_preset(
    name: str,
    pairs: Sequence[ExemplarPair],
    described: Sequence[DescribedPicture],
    colours: Sequence[tuple[FloatArray, FloatArray]],
    settings: TrainSettings,
    clock: Clock,
) -> tuple[Preset, Errors, int]:
    """The preset of described pairs, its errors, and how many pairs were held out to measure them."""
    held_out = _held_out(len(pairs), settings)
    projections = _fit_projections(described, ~held_out, settings)
    samples = _samples(described, colours, projections)
    learnt, unseen = samples.of_pictures(~held_out), samples.of_pictures(held_out) if held_out.any() else None
    device = pick_device(settings.device)
    fit_settings = FitSettings(epochs=settings.epochs, seed=settings.seed)
    with clock.stage("training", settings.epochs) as step:

        def after_epoch(epoch: int, error: float) -> None:
            step()
            clock.note(f"epoch {epoch}: mean L2 in Lab {error:.3f} on {'held-out' if unseen else 'all'} pairs")

        network, standardisation = fit(learnt, unseen, fit_settings, device, after_epoch)
    errors = measure(network, standardisation, unseen or learnt, device)
    info = PresetInfo(
        name=name,
        backbone=settings.backbone,
        parts=DEEP_PARTS,
        description=settings.description,
        card=_card(pairs, held_out, errors, settings),
    )
    return _preset(info, projections, standardisation, network), errors, int(held_out.sum())


def _held_out(pairs: int, settings: TrainSettings) -> npt.NDArray[np.bool_]:
    """Which pairs are kept from training; with fewer than ten, all are needed to learn from."""
    chosen = np.zeros(pairs, np.bool_)
    if pairs >= 10:
        count = max(1, round(pairs * settings.held_out))
        chosen[np.random.default_rng(settings.seed).permutation(pairs)[:count]] = settings.held_out > 0
    return chosen


def _fit_projections(
    described: Sequence[DescribedPicture], used: npt.NDArray[np.bool_], settings: TrainSettings
) -> dict[str, PCA]:
    backbone = backbone_class(settings.backbone)
    fits = {part: PCAFit(backbone.channels) for part in DEEP_PARTS}
    for picture in (picture for picture, use in zip(described, used, strict=True) if use):
        fits["global"].add(picture.raw.global_[None].astype(np.float32))
        fits["context_coarse"].add(picture.raw.context_coarse.astype(np.float32))
        fits["context_fine"].add(picture.raw.context_fine.astype(np.float32))
    fitted = {}
    for part, fitting in fits.items():
        wanted = backbone.global_components if part == "global" else backbone.context_components
        pca = fitting.result(wanted)
        # presets store directions as halves; training must see what grading will
        fitted[part] = PCA(pca.mean, pca.components.astype(np.float16).astype(np.float32))
    return fitted


def _samples(
    described: Sequence[DescribedPicture],
    colours: Sequence[tuple[FloatArray, FloatArray]],
    projections: Mapping[str, PCA],
) -> Samples:
    features, pictures = [], []
    for index, picture in enumerate(described):
        raw = picture.raw
        count = len(raw.pixel)
        vectors = assemble(
            global_=np.repeat(raw.global_[None], count, axis=0),
            context_coarse=raw.context_coarse,
            context_fine=raw.context_fine,
            histogram=raw.histogram,
            pixel=raw.pixel,
            projections=projections,
        )
        features.append(vectors.astype(np.float16))
        pictures.append(np.full(count, index, np.int32))
    before, after = zip(*colours, strict=True)
    return Samples(np.concatenate(features), np.concatenate(before), np.concatenate(after), np.concatenate(pictures))


def _card(
    pairs: Sequence[ExemplarPair], held_out: npt.NDArray[np.bool_], errors: Errors, settings: TrainSettings
) -> dict[str, Any]:
    digest = hashlib.sha256()
    for pair in pairs:
        for picture in (pair.before, pair.after):
            digest.update(f"{picture.name} {file_digest(picture)}\n".encode())
    return {
        "pairs": len(pairs),
        "held_out": int(held_out.sum()),
        "pairs_sha256": digest.hexdigest(),
        "errors": asdict(errors),
        "data": settings.data_note,
        "settings": {k: v for k, v in asdict(settings).items() if k not in ("description", "data_note", "device")},
        "vfxstyle": __version__,
        "torch": torch.__version__.split("+")[0],
    }


def _preset(
    info: PresetInfo, projections: Mapping[str, PCA], standardisation: Standardisation, network: Predictor
) -> Preset:
    arrays = {part: (pca.mean, pca.components) for part, pca in projections.items()}
    return Preset(info, arrays, standardisation, network.cpu(), digest="")
