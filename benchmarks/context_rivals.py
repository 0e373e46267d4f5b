"""Other ways to predict a picture's transforms, from the same pairs: ``python -m benchmarks.tables --tables rivals``.

* label map: the context of Yan et al., Automatic Photo Adjustment Using Deep Neural Networks (2016): what classes lie
  where round a superpixel, at several scales, beside its colours. Classes are the set's own labels, from which the
  styles are made, too. It learns from those; of the test pictures they are given, as nobody has them, or found by a
  logistic regression on our features of the pictures that are learnt from.
* low-level: piecewise mapping after Wang, Yu and Xu, Example-Based Image Color and Tone Style Enhancement (2011): a
  binary tree over colours, their spread and their surround, with a quadratic of colour in each leaf. Pictures that are
  kept out say how small a leaf may be.
* per pixel: the network on features of every other pixel and row, not averaged over superpixels, and coefficients of
  each; what lies between is interpolated. It learns at the centroids of superpixels, and has no histograms, and no mean
  and spread of a superpixel.

The first and the last are learnt by our own learner, with its base, its gains of local contrast, its held-out pictures
and its regularisation; the tree has none of these. All are written from the papers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.image_sets import (
    CPU,
    ImageSet,
    TestPicture,
    at_analysis_size,
    cells_at,
    examples_in,
    lab_in_style,
    of_variant,
)
from benchmarks.image_tables import Answer, error_of, learnt_preset, ours
from benchmarks.labelled import GROUPS, Labelled
from vfxstyle.analysis.shot_vectors import projections_of
from vfxstyle.arrays import FloatArray, HalfArray
from vfxstyle.features import RawFeatures, all_blocks, assemble
from vfxstyle.features.extract import run_network
from vfxstyle.features.registry import backbone_class, load_backbone
from vfxstyle.features.vectors import SURROUND, context_blocks
from vfxstyle.looks import OUTPUTS, Preset, TransformField, fit_transform, transform_lab
from vfxstyle.looks.detail import folded
from vfxstyle.looks.transform import COEFFICIENTS
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.stills import field_over, graded_by_field

CONTEXT = "surround"
"""The block that the context of labels is added to: one that is not projected."""
LABELLED = ("histogram", "pixel", "mean", "spread", CONTEXT)
"""Blocks of the label map's row: all of the picture's colours."""
WINDOWS = (0.02, 0.06, 0.18)
"""Sides of the windows that classes are counted in, as shares of the picture's width; three by three of each size."""
PARSED = 4
"""Of the superpixels that are learnt from, one in so many tells classes apart."""
LEAVES, TRIED = (2_000, 10_000, 50_000), 3
"""Pixels in a leaf at least, of which one is chosen, and principal axes along which a node may be divided."""
KEPT_OUT = 10
"""Pictures that choose between them."""
STEP, TOGETHER = 2, 20_000
"""Step between pixels that have coefficients of their own, and pixels that are predicted at once."""


def table_of_rivals(images: ImageSet, settings: TrainSettings, styles: Sequence[str]) -> list[str]:
    """Return a table of the rivals as Markdown lines."""
    lines = [
        f"**Other contexts, {images.name}**: mean L2 in Lab on {len(images.tests)} test pictures",
        "",
        "| style | ours | label map, found | low-level | per pixel | the best over ours | label map, given |",
        "|---|---|---|---|---|---|---|",
    ]
    contexts = [_context(_classes(labelled), _places(example)) for labelled, example in images.learnt]
    given = {test.labelled.name: _context(_classes(test.labelled), _middles(test)) for test in images.tests}
    found: dict[str, HalfArray] = {}
    for style in styles:
        truths = [lab_in_style(test.labelled, style) for test in images.tests]
        examples = examples_in(images, style)
        own = learnt_preset(examples, settings)
        if not found:  # once: what is projected, and what is held out, is the same in every style
            found = _found(images, contexts, own)
        labelled = [_with_context(example, context) for example, context in zip(examples, contexts, strict=True)]
        by_labels = learnt_preset(labelled, replace(settings, blocks=LABELLED))
        answers: list[Answer] = [
            ours(own),
            _by_labels(by_labels, found),
            _by_tree(_learnt_tree(examples)),
            _by_pixel(learnt_preset(examples, replace(settings, blocks=_pixel_blocks(settings)), "centroid")),
            _by_labels(by_labels, given),
        ]
        figures = [error_of(images, truths, answer) for answer in answers]
        best = min(figures[1:-1]) / figures[0]
        cells = [f"{figure:.2f}" for figure in (*figures[:-1], best, figures[-1])]
        lines.append(f"| {style} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def _places(example: TrainingExample) -> FloatArray:
    """Return the middle of the sampled pixels of each superpixel, float32 (N, 2), x and y in px."""
    y, x = np.divmod(example.pixels, example.shape[1])
    return np.stack([x.mean(axis=1), y.mean(axis=1)], axis=-1).astype(np.float32)


def _middles(test: TestPicture) -> FloatArray:
    return np.asarray(test.still.table.centroids, np.float32)


def _classes(labelled: Labelled) -> FloatArray:
    """Return how much of each class is in each pixel at analysis resolution, float32 (H, W, C)."""
    picture, groups = labelled.read()
    rows, columns = at_analysis_size(picture).shape[:2]
    # OpenCV resizes four channels at most
    small = [cv2.resize(groups[name][..., 0], (columns, rows), interpolation=cv2.INTER_AREA) for name in GROUPS]
    return np.asarray(np.stack(small, axis=-1), np.float32)


def _context(classes: FloatArray, points: FloatArray) -> HalfArray:
    """Return the classes at places of a picture, and in windows round them, float16 (N, D).

    classes: see :func:`_classes`. points: float32 (N, 2), x and y in px.
    """
    parts = [_at(classes, points)]
    for share in WINDOWS:
        side = 2 * round(share * classes.shape[1] / 2) + 1
        counted = np.asarray(cv2.blur(classes, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
        parts += [_at(counted, points + np.array([dx, dy]) * side) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return np.concatenate(parts, axis=1).astype(np.float16)


def _found(images: ImageSet, contexts: Sequence[HalfArray], preset: Preset) -> dict[str, HalfArray]:
    """Return the context of the test pictures, of classes that are found by the features of a preset."""
    projections = projections_of(preset)

    def vectors(raw: RawFeatures) -> FloatArray:
        return preset.standardisation.apply(assemble(preset.info.blocks, raw=of_variant(raw), projections=projections))

    learnt = np.concatenate([vectors(example.raw) for _, example in images.learnt])
    classes = np.concatenate([context[:, : len(GROUPS)] for context in contexts]).argmax(axis=1)
    parser = LogisticRegression(C=0.01, max_iter=300).fit(learnt[::PARSED], classes[::PARSED])
    out = {}
    for test in images.tests:
        shares = np.zeros((len(test.still.table.labels), len(GROUPS)), np.float32)
        shares[:, parser.classes_] = parser.predict_proba(vectors(test.still.raw))
        out[test.labelled.name] = _context(shares[test.still.rows], _middles(test))
    return out


def _at(masks: FloatArray, points: FloatArray) -> FloatArray:
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, masks.shape[1] - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, masks.shape[0] - 1)
    return np.asarray(masks[y, x])


def _with_context(example: TrainingExample, context: HalfArray) -> TrainingExample:
    return replace(example, raw=_raw_with(example.raw, context))


def _raw_with(raw: RawFeatures, context: HalfArray) -> RawFeatures:
    return replace(raw, blocks={**raw.blocks, CONTEXT: np.concatenate([raw.blocks[CONTEXT], context], axis=1)})


def _by_labels(preset: Preset, contexts: Mapping[str, HalfArray]) -> Answer:
    plain = ours(preset)

    def answer(test: TestPicture, truth: FloatArray) -> FloatArray:
        still = replace(test.still, raw=_raw_with(test.still.raw, contexts[test.labelled.name]))
        return plain(replace(test, still=still), truth)

    return answer


def _learnt_tree(examples: Sequence[TrainingExample]) -> _Node:
    """Grow a tree from all pictures, with leaves of the size that predicts some from the others best."""
    learnt, kept_out = _low_level(examples[:-KEPT_OUT]), _low_level(examples[-KEPT_OUT:])

    def missed(least: int) -> float:
        transforms = _Node.grown(*learnt, least).of(kept_out[0])
        made = np.stack([transform_lab(own, phi) for own, phi in zip(kept_out[1], transforms, strict=True)])
        return float(np.linalg.norm(made - kept_out[2], axis=-1).mean())

    return _Node.grown(*_low_level(examples), min(LEAVES, key=missed))


def _low_level(examples: Sequence[TrainingExample]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the features of superpixels, float32 (N, D), and their pixels before and after, float32 (N, P, 3)."""
    features = np.concatenate([_colours(example.raw) for example in examples])
    before, after = (np.concatenate(own) for own in zip(*((one.before, one.after) for one in examples), strict=True))
    return features, before, after


def _colours(raw: RawFeatures) -> FloatArray:
    return np.concatenate([raw.blocks[name] for name in ("mean", "spread", "surround")], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Node:
    """A node of a binary tree over features, with the quadratic of colour of all that comes to it."""

    transform: FloatArray
    """float32 (30,)."""
    axis: FloatArray
    """float32 (D,), which what is on either side differs along; a leaf has none."""
    threshold: float
    """Where it is divided."""
    sides: tuple[_Node, ...]
    """What lies below the threshold, and above; none of a leaf."""

    @classmethod
    def grown(cls, features: FloatArray, before: FloatArray, after: FloatArray, least: int) -> _Node:
        """Grow the tree while a division lessens the error.

        features, before, after: as :func:`_low_level` returns them. least: pixels in a leaf.
        """
        transform, error = _fitted(before, after)
        leaf = cls(transform, features[0], 0.0, ())
        if before.shape[0] * before.shape[1] < 2 * least:
            return leaf
        centred = features - features.mean(axis=0)
        scaled = centred / np.maximum(centred.std(axis=0), 1e-3)
        axes = np.linalg.svd(scaled.T @ scaled)[0][:, :TRIED].T / np.maximum(centred.std(axis=0), 1e-3)
        best = leaf
        for axis in axes.astype(np.float32):
            along = features @ axis
            threshold = float(np.median(along))
            above = along > threshold
            if min(above.sum(), (~above).sum()) * before.shape[1] < least:
                continue
            found = sum(_fitted(before[side], after[side])[1] for side in (~above, above))
            if found < error:
                best, error = cls(transform, axis, threshold, (leaf, leaf)), found
        if not best.sides:
            return leaf
        above = features @ best.axis > best.threshold
        sides = tuple(cls.grown(features[side], before[side], after[side], least) for side in (~above, above))
        return replace(best, sides=sides)

    def of(self, features: FloatArray) -> FloatArray:
        """Return the transform of each feature vector, float32 (N, 30)."""
        if not self.sides:
            return np.tile(self.transform, (len(features), 1))
        out = np.empty((len(features), len(self.transform)), np.float32)
        above = features @ self.axis > self.threshold
        for own, side in zip((~above, above), self.sides, strict=True):
            out[own] = side.of(features[own])
        return out


def _fitted(before: FloatArray, after: FloatArray) -> tuple[FloatArray, float]:
    """Return the quadratic that fits best, and the sum of what it misses. before, after: float32 (N, P, 3)."""
    flat, wanted = before.reshape(-1, 3), after.reshape(-1, 3)
    transform = fit_transform(flat, wanted)
    return transform, float(np.linalg.norm(transform_lab(flat, transform) - wanted, axis=-1).sum())


def _by_tree(tree: _Node) -> Answer:
    def answer(test: TestPicture, truth: FloatArray) -> FloatArray:
        outputs = np.zeros((len(test.still.table.labels), OUTPUTS), np.float32)
        outputs[:, :COEFFICIENTS] = tree.of(_colours(test.still.raw))
        return lab_of_picture(graded_by_field(test.picture, field_over(test.still, outputs)))

    return answer


def _pixel_blocks(settings: TrainSettings) -> tuple[str, ...]:
    """Names of the blocks that a pixel has."""
    backbone = backbone_class(settings.backbone)
    context = set(context_blocks(backbone))
    return tuple(name for name in all_blocks(backbone) if name in context or name in ("pixel", "surround"))


def _by_pixel(preset: Preset) -> Answer:
    backbone, projections = load_backbone(preset.info.backbone, CPU), projections_of(preset)

    def answer(test: TestPicture, truth: FloatArray) -> FloatArray:
        output = run_network(backbone, [test.picture])
        lab = output.labs[0]
        rows, columns = lab.shape[:2]
        y, x = np.mgrid[0:rows:STEP, 0:columns:STEP]
        blurred = [cv2.GaussianBlur(lab, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) for sigma in SURROUND]
        surround = np.concatenate(blurred, axis=-1)
        parts = []
        for start in range(0, x.size, TOGETHER):
            own_x, own_y = (own.reshape(-1)[start : start + TOGETHER] for own in (x, y))
            blocks = cells_at(output, 0, np.stack([own_x, own_y], axis=-1).astype(np.float32))
            colours = {"pixel": lab[own_y, own_x], "surround": surround[own_y, own_x]}
            every = {**blocks, **{name: own.astype(np.float16) for name, own in colours.items()}}
            vectors = assemble(preset.info.blocks, raw=RawFeatures(output.means[0], every), projections=projections)
            parts.append(preset.predict(vectors))
        coarse = np.concatenate(parts).reshape(*x.shape, OUTPUTS)
        down, across = np.mgrid[0:rows, 0:columns].astype(np.float32) / STEP
        outputs = np.empty((rows, columns, OUTPUTS), np.float32)
        for index in range(OUTPUTS):  # OpenCV samples four channels at most
            outputs[..., index] = cv2.remap(
                coarse[..., index], across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        field = TransformField(folded(outputs, lab[..., 0]), lab)
        return lab_of_picture(graded_by_field(test.picture, preset.base.added_to(field)))

    return answer
