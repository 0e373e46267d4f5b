"""Checks of exemplar pairs: mixed up, swapped, ungraded, out of register, in other spaces or sizes, other texture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.errors import PairsError
from vfxstyle.looks import transform_lab
from vfxstyle.looks.transform import fit_transform_without_each
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.training.pairs import ExemplarPair, PairPictures
from vfxstyle.training.texture import Texture, texture_of

MIN_LIKENESS = 0.25
"""Correlation of edges under which two pictures may show different things. On 24 street photographs brush strokes keep
.35 at least, other looks .94; two of the photographs have .19 at most."""
MIN_SHIFT = 0.75
"""Px of the analysis picture from which a pair counts as out of register."""
UNGRADED = 0.1
"""L2 in Lab under which a pixel is as it was; one code of 8 bits is a third of a unit."""
SOFTER, SHARPER, GRAINY = 0.1, 0.3, 0.9
"""Shares of a picture from which on it is pointed out as blurred, sharpened or grainy."""
_CLEAR_PEAK = 0.15  # response of the phase correlation under which no shift is recognised
_PIXELS = 4000  # sampled from each pair
_SWAPPED = 0.6  # a pair is swapped if the look misses it, turned round, by less than this share of what it misses now


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What the checks need to know about a pair, small enough to keep for all pairs."""

    name: str
    """The pair's name."""
    likeness: float
    """Correlation of the edges of both pictures, brought into register, -1..1."""
    shift: tuple[float, float]
    """(x, y) from before to after, px of the analysis picture; zero where it cannot be measured."""
    width: int
    """Columns of the analysis picture, in px."""
    before: FloatArray
    """float32 (P, 3), CIELab D65 of some pixels."""
    after: FloatArray
    """float32 (P, 3), the same pixels in the graded picture."""
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """Width and height of either file, px."""
    spaces: tuple[str, str]
    """Colour space of either file."""
    changed: float
    """L2 in Lab of the pixel that changed most."""
    texture: Texture
    """Where its detail differs as no look can make it differ."""
    is_jpeg: bool
    """Whether it is a frame of a shot whose graded file is a JPEG."""


def facts_of(pair: ExemplarPair, pictures: PairPictures) -> PairFacts:
    """Measure what the checks need to know about a pair."""
    before, after = lab_of_picture(pictures.before), lab_of_picture(pictures.after)
    edges = [_edges(lab) for lab in (before, after)]
    shift = _shift(edges[0], edges[1])
    back = np.roll(edges[1], (-round(shift[1]), -round(shift[0])), axis=(0, 1))
    likeness = float(np.corrcoef(edges[0].reshape(-1), back.reshape(-1))[0, 1]) if _vary(edges) else 1.0
    places = np.random.default_rng(0).integers(0, before.shape[0] * before.shape[1], _PIXELS)
    return PairFacts(
        name=pair.name,
        likeness=likeness,
        shift=shift,
        width=before.shape[1],
        before=before.reshape(-1, 3)[places],
        after=after.reshape(-1, 3)[places],
        sizes=pictures.sizes,
        spaces=pictures.spaces,
        changed=float(np.linalg.norm(after - before, axis=-1).max()),
        texture=texture_of(*(np.ascontiguousarray(lab[..., 0]) for lab in (before, after))),
        is_jpeg=pictures.graded_is_jpeg and pair.after.frame is not None,
    )


def _edges(lab: FloatArray) -> FloatArray:
    """Return the strength of edges, compressed so that a look's contrast matters little; float32 (H, W)."""
    x, y = cv2.Sobel(lab, cv2.CV_32F, 1, 0), cv2.Sobel(lab, cv2.CV_32F, 0, 1)
    return np.asarray(np.sqrt(np.sqrt((x**2 + y**2).sum(axis=-1))), np.float32)


def _vary(edges: Sequence[FloatArray]) -> bool:
    return all(edge.std() > 1e-3 for edge in edges)


def _shift(before: FloatArray, after: FloatArray) -> tuple[float, float]:
    if not _vary((before, after)) or min(before.shape) < 32:
        return 0.0, 0.0
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(before - before.mean(), after - after.mean(), window)
    return (float(x), float(y)) if response > _CLEAR_PEAK else (0.0, 0.0)


def check_pairs(facts: Sequence[PairFacts]) -> list[str]:
    """Return sentences about what the user should look at.

    Raises :class:`~vfxstyle.errors.PairsError` for pairs whose pictures belong to other pairs or to the other side, and
    where no picture has been graded.
    """
    _refuse_mixed_up(facts)
    _refuse_swapped(facts)
    _refuse_ungraded(facts)
    return [
        *_ungraded(facts),
        *_unlike(facts),
        *_out_of_register(facts),
        *_resized(facts),
        *_in_different_spaces(facts),
        *_with_other_texture(facts),
        *_compressed(facts),
    ]


def _refuse_mixed_up(facts: Sequence[PairFacts]) -> None:
    mixed_up = _mixed_up(facts)
    if mixed_up:
        raise PairsError(
            f"pair '{mixed_up[0]}': after shows what the before of pair '{mixed_up[1]}' shows; give both pictures of a "
            "pair one name."
        )


def _refuse_swapped(facts: Sequence[PairFacts]) -> None:
    swapped = _swapped(facts)
    if swapped:
        raise PairsError(
            f"{_named(swapped)}: before and after seem to be swapped, the others' look fits them the other way round; "
            "exchange the two files."
        )


def _refuse_ungraded(facts: Sequence[PairFacts]) -> None:
    if all(_is_ungraded(fact) for fact in facts):
        raise PairsError(
            f"{_named([fact.name for fact in facts])}: after is the same picture as before, so there is no look to "
            "learn; give the graded pictures."
        )


def _ungraded(facts: Sequence[PairFacts]) -> list[str]:
    same = [fact.name for fact in facts if _is_ungraded(fact)]
    if not same:
        return []
    return [f"{_named(same)}: after is the same picture as before; a look is learnt that leaves such pictures alone"]


def _is_ungraded(fact: PairFacts) -> bool:
    return fact.changed < UNGRADED


def _unlike(facts: Sequence[PairFacts]) -> list[str]:
    unlike = [fact.name for fact in facts if fact.likeness < MIN_LIKENESS]
    if not unlike:
        return []
    return [
        f"{_named(unlike)}: before and after hardly have an edge in common; take the pair out if they show "
        "different things, or one of them came out wrong"
    ]


def _out_of_register(facts: Sequence[PairFacts]) -> list[str]:
    notes = []
    for fact in facts:
        if max(map(abs, fact.shift)) >= MIN_SHIFT:
            by = fact.sizes[0][0] / fact.width
            notes.append(
                f"pair '{fact.name}': after lies {fact.shift[0] * by:+.1f}, {fact.shift[1] * by:+.1f} px beside "
                "before; the look is learnt blurred along edges. Export both without reframing, of the same frame."
            )
    return notes


def _resized(facts: Sequence[PairFacts]) -> list[str]:
    resized = [fact for fact in facts if fact.sizes[0] != fact.sizes[1]]
    if not resized:
        return []
    before, after = ("x".join(map(str, size)) for size in resized[0].sizes)
    return [
        f"{_named([fact.name for fact in resized])}: before is {before} and after {after}; compared at analysis size, "
        "what one of them lacks in detail is learnt as a change of sharpness. Export both at one size."
    ]


def _in_different_spaces(facts: Sequence[PairFacts]) -> list[str]:
    mixed = [fact for fact in facts if _space(fact.spaces[0]) != _space(fact.spaces[1])]
    if mixed:
        before, after = mixed[0].spaces
        return [
            f"{_named([fact.name for fact in mixed])}: before is {before}, after {after}; each is decoded by its own. "
            "If one of them is wrong, tag the file, or name one space for all with --input-space."
        ]
    if len({_space(fact.spaces[0]) for fact in facts}) > 1:
        return [f"the pairs are in different spaces ({', '.join(sorted({fact.spaces[0] for fact in facts}))})"]
    return []


def _with_other_texture(facts: Sequence[PairFacts]) -> list[str]:
    """Say which graded pictures were blurred, sharpened or given grain.

    Pairs that are out of register or show different things are left out: their detail differs for that reason.
    """
    alike = [fact for fact in facts if fact.likeness >= MIN_LIKENESS and max(map(abs, fact.shift)) < MIN_SHIFT]
    kinds = (
        ("softer", SOFTER, "after is blurred where before is sharp; a look learns no blur: it flattens detail"),
        ("sharper", SHARPER, "after is sharpened; a look learns local contrast, no sharpening: add it after the grade"),
        ("grainy", GRAINY, "after has grain that before has not; a look learns no grain: add it after the grade"),
    )
    notes = []
    for kind, least, text in kinds:
        names = [fact.name for fact in alike if getattr(fact.texture, kind) >= least]
        if names:
            notes.append(f"{_named(names)}: {text}")
    return notes


def _compressed(facts: Sequence[PairFacts]) -> list[str]:
    names = [fact.name for fact in facts if fact.is_jpeg]
    if not names:
        return []
    return [
        f"{_named(names)}: the graded frame is a JPEG, and what its compression does is learnt with the look; save "
        "graded frames as PNG, TIFF or EXR"
    ]


def _space(described: str) -> str:
    """Return the name of a space without how it was determined, which stands in brackets behind it."""
    return described.rpartition(" (")[0] or described


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names[:5])
    return f"pair{'s' if len(names) > 1 else ''} {listed}{' ...' if len(names) > 5 else ''}"


def _mixed_up(facts: Sequence[PairFacts]) -> tuple[str, str] | None:
    """Return a pair whose after has the tones of another pair's before and not of its own, and that other pair."""
    if len(facts) < 2:
        return None
    before, after = (_ranked([getattr(fact, side)[:, 0] for fact in facts]) for side in ("before", "after"))
    alike = before @ after.T / before.shape[1]
    for index, fact in enumerate(facts):
        other = int(alike[:, index].argmax())
        if fact.likeness < MIN_LIKENESS and alike[other, index] > max(0.6, alike[index, index] + 0.3):
            return fact.name, facts[other].name
    return None


def _ranked(tones: Sequence[FloatArray]) -> DoubleArray:
    """Return ranks of tones with mean 0 and variance 1, float64 (pictures, P)."""
    ranks = np.argsort(np.argsort(np.stack(tones), axis=1), axis=1).astype(np.float64)
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    return np.asarray(centred / centred.std(axis=1, keepdims=True), np.float64)


def _swapped(facts: Sequence[PairFacts]) -> list[str]:
    """Return the pairs that one transform, fitted to all the others, explains far better the other way round."""
    if len(facts) < 3:  # of two pairs it is unknown which one is swapped
        return []
    before, after = np.stack([fact.before for fact in facts]), np.stack([fact.after for fact in facts])
    swapped = []
    for index, look in enumerate(fit_transform_without_each(before, after)):
        fact = facts[index]
        stated = _miss(look, fact.before, fact.after)
        if stated > 2 and _miss(look, fact.after, fact.before) < _SWAPPED * stated:
            swapped.append(fact.name)
    return swapped


def _miss(look: FloatArray, before: FloatArray, after: FloatArray) -> float:
    """Return the mean L2 in Lab from before, after a transform, to after."""
    return float(np.linalg.norm(transform_lab(before, look) - after, axis=-1).mean())
