"""Fitting the base of a look, and choosing by held-out pixels whether it has one (docs/method.md, section 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from vfxstyle.color.cubes import cube_nodes
from vfxstyle.looks.base import NO_BASE, Base, cube_change, cube_place, gain_terms, place_terms
from vfxstyle.looks.lut import fit_cube
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS, basis

CUBE_SIZE, TRIAL_SIZE = 25, 9
"""Nodes along each axis of the cube, and of one that is only tried."""
FINE_SIZE, FINE_PIXELS = 41, 400_000
"""Nodes along each axis of a fine cube, and the pixels that it is fitted to at most."""
MUCH_BETTER = 0.5
"""Held-out error over that of a simpler base below which a base is taken: each costs where it does not belong."""
BETTER_AT_ALL = 0.98
"""Of the error without a base, below which a change with place says something by itself."""
CLEARLY_LESS = 0.95
"""Error on single pixels of what is fitted to others of them, over that of what is fitted to means, up to which it is
taken: on a film look 0.84, and 0.96 to 1 where graded frames are sharpened, compressed, moved or have grain."""
MOST_PIXELS = 40_000
"""Pixels that a base is fitted to at most, but for a fine cube; a trial takes an eighth of them."""
_SOFT = 1.0  # Lab units; errors above count by their size and not its square, so that single things do not pull
_PASSES = 8
_RIDGE = 1e-5
_SMOOTHNESS = 6e-4  # of cubes, see :data:`vfxstyle.looks.lut.SMOOTHNESS`
_CUBE_OUTLIER = 4.0  # times the median error, from which a pixel is a thing's and not the cube's

_SCALE = np.array(LAB_SCALE)


@dataclass(frozen=True, slots=True)
class PlacedPixels:
    """Pixels with their places: N of them."""

    before: FloatArray
    """float32 (N, 3), CIELab D65 of the plate."""
    after: FloatArray
    """float32 (N, 3), CIELab D65 of the graded picture."""
    place: FloatArray
    """float32 (N, 2), x and y on the frame, -1..1."""

    def only(self, chosen: BoolArray | IntArray) -> PlacedPixels:
        """Some of the pixels."""
        return PlacedPixels(self.before[chosen], self.after[chosen], self.place[chosen])

    def without(self, base: Base) -> PlacedPixels:
        """The pixels with what a base does taken from the graded picture."""
        return replace(self, after=self.after - base.change(self.before, self.place))

    def missed_by(self, base: Base) -> FloatArray:
        """How far what a base makes of each pixel is from the graded picture, float32 (N,), L2 in Lab."""
        missed: FloatArray = np.linalg.norm(self.without(base).after - self.before, axis=1)
        return missed


Fit = Callable[[PlacedPixels, int], Base]
"""Fits one kind of base; the number is that of nodes along each axis of a cube."""


def choose_base(
    pixels: PlacedPixels, fold_of: IntArray, *, few_numbers_only: bool, fine: bool = False, seed: int = 0
) -> tuple[Base, dict[str, float]]:
    """The base that held-out pixels speak for, and the mean held-out L2 in Lab of each that was tried.

    "none" is one quadratic transform for everything, which superpixels start from anyway. A base is taken where its
    error is :data:`MUCH_BETTER` times that of the simpler one; one with place only where place says something by
    itself, because beside a LUT it can be taken for its quadratic of colour alone. fold_of: int64 (N,), the fold of
    each pixel; each fold is predicted by what was fitted to the others. few_numbers_only: whether the polynomial of
    place is left out, because the folds are parts of the same pictures and cannot tell what another picture would say.
    fine: whether a cube has :data:`FINE_SIZE` nodes along each axis, as that of many pictures; layers of a shot have as
    many as its base, and fewer.
    """
    drawn = np.random.default_rng(seed).permutation(len(pixels.before))
    pixels, fold_of = pixels.only(drawn), fold_of[drawn]
    errors: dict[str, float] = {}

    def error(name: str) -> float:
        errors[name] = _held_out_error(FITS[name], pixels, fold_of)
        return errors[name]

    none = error("none")
    best, limit = "none", none * MUCH_BETTER
    few = error("gain")
    by_place = "place" if not few_numbers_only and error("place") < few * MUCH_BETTER else "gain"
    says_something = errors[by_place] < none * BETTER_AT_ALL
    for name in ("LUT", by_place, f"{by_place} and LUT") if says_something else ("LUT",):
        if (errors.get(name) or error(name)) < limit:
            best, limit = name, errors[name] * MUCH_BETTER
    if best == "none":
        return NO_BASE, errors
    most, size = (FINE_PIXELS, FINE_SIZE) if fine else (MOST_PIXELS, CUBE_SIZE)
    return FITS[best](_fewer(pixels, most), size), errors


def _held_out_error(fit: Fit, pixels: PlacedPixels, fold_of: IntArray) -> float:
    missed = np.empty(len(pixels.before))
    for fold in np.unique(fold_of):
        out = fold_of == fold
        rest, unseen = pixels.only(~out), pixels.only(out)
        base = fit(_fewer(rest, MOST_PIXELS // 8), TRIAL_SIZE)
        missed[out] = unseen.missed_by(base)
    return float(missed.mean())


def fit_none(pixels: PlacedPixels) -> Base:
    """One transform for everything, as a base."""
    pixels = _fewer(pixels, MOST_PIXELS)
    values = basis(pixels.before).astype(np.float64)
    phi = robust_fit(values, _change(pixels))
    return Base(gain=np.zeros(6, np.float32), colour=phi.T.reshape(-1).astype(np.float32))


def fit_lut(pixels: PlacedPixels, size: int = CUBE_SIZE) -> Base:
    """One smooth LUT, of the pixels that agree on one."""
    cube = fit_change_cube(pixels.before, pixels.after, size)
    missed = np.linalg.norm(pixels.after - pixels.before - cube_change(cube, pixels.before), axis=1)
    agree = missed <= max(_CUBE_OUTLIER * float(np.median(missed)), 2 * _SOFT)
    if agree.mean() < 1:
        cube = fit_change_cube(pixels.before[agree], pixels.after[agree], size)
    return Base(cube=cube)


def fitted_to_points(base: Base, points: PlacedPixels) -> Base:
    """A base with its cube fitted anew to every other one of some single pixels.

    It stays as it is where it has no cube, and where the others are not missed by :data:`CLEARLY_LESS`, as where a
    graded picture has grain, is compressed or has moved: then single pixels say less than means do.
    """
    if not base.cube.size:
        return base
    odd = np.arange(len(points.before)) % 2 == 1
    rest = points.only(odd).without(replace(base, cube=NO_BASE.cube))
    fitted = replace(base, cube=fit_lut(rest, len(base.cube)).cube)
    unseen = points.only(~odd)
    less = unseen.missed_by(fitted).mean() < CLEARLY_LESS * unseen.missed_by(base).mean()
    return fitted if less else base


def fit_change_cube(
    before: FloatArray, after: FloatArray, size: int = CUBE_SIZE, weights: DoubleArray | None = None
) -> FloatArray:
    """A smooth cube of changes. before, after: float32 (N, 3), CIELab. Returns float32 (size, size, size, 3), Lab.

    weights: (N,), how much each pixel counts; by default 1.
    """
    at = cube_place(before)
    # fit_cube maps colours to colours of the same kind; a change is one such colour minus where it came from
    moved = (at + (after - before) / 100).astype(np.float32)
    fitted = fit_cube(at, moved, size, smoothness=_SMOOTHNESS, weights=weights)
    return np.asarray((fitted - cube_nodes(size)) * 100, np.float32)


def fit_gain(pixels: PlacedPixels) -> Base:
    """A gain in light by place with one transform, before or after it, whichever fits better."""
    pixels = _fewer(pixels, MOST_PIXELS)
    tried = [_fit_gain(pixels, first=first) for first in (True, False)]
    return min(tried, key=lambda base: float(pixels.missed_by(base).mean()))


def _fit_gain(pixels: PlacedPixels, *, first: bool) -> Base:
    """Gain and transform together, by the method of Gauss and Newton."""
    terms = gain_terms(pixels.place).astype(np.float64)
    lab, target = pixels.before.astype(np.float64) / _SCALE, pixels.after.astype(np.float64) / _SCALE
    black = np.array([16 / LAB_SCALE[0], 0, 0])
    numbers = np.zeros(terms.shape[1] + COEFFICIENTS)
    for _ in range(2 * _PASSES):
        gain, colour = numbers[: terms.shape[1]], numbers[terms.shape[1] :].reshape(3, TERMS)
        s = np.exp(terms @ gain / 3)[:, None]
        start = (lab + black) * s - black if first else lab
        values = _basis(start)
        graded = start + values @ colour.T
        if first:  # by how much the result changes with the logarithm of the gain, through the start
            slope = ((start + black) / 3)[:, None, :] @ (np.eye(3) + _slopes(start, colour)).transpose(0, 2, 1)
            slope, by_colour = slope[:, 0], values
        else:
            graded = (graded + black) * s - black
            slope, by_colour = (graded + black) / 3, values * s
        missed = target - graded
        weight = 1 / np.maximum(np.linalg.norm(missed * _SCALE, axis=1), _SOFT)
        normal = _RIDGE * weight.sum() * np.eye(len(numbers))
        right = -normal @ numbers
        for channel in range(3):
            columns = np.r_[0 : terms.shape[1], terms.shape[1] + channel * TERMS + np.arange(TERMS)]
            jacobian = np.concatenate([terms * slope[:, channel, None], by_colour], axis=1) * LAB_SCALE[channel]
            normal[np.ix_(columns, columns)] += (jacobian * weight[:, None]).T @ jacobian
            right[columns] += jacobian.T @ (missed[:, channel] * LAB_SCALE[channel] * weight)
        step = np.linalg.solve(normal, right)
        numbers = numbers + step * min(1.0, 1.0 / max(1e-9, float(np.abs(step[: terms.shape[1]]).max())))
    gain, colour = np.split(numbers.astype(np.float32), [terms.shape[1]])
    return Base(gain=gain, colour=colour, gain_first=first)


def _slopes(scaled: DoubleArray, colour: DoubleArray) -> DoubleArray:
    """Derivatives of a transform's change, (N, 3, 3), rows of the result by columns of the colour."""
    L, a, b = scaled.T
    zero, one = np.zeros_like(L), np.ones_like(L)
    terms = np.stack(
        [
            np.stack([2 * L, zero, zero, a, b, zero, one, zero, zero, zero], axis=-1),
            np.stack([zero, 2 * a, zero, L, zero, b, zero, one, zero, zero], axis=-1),
            np.stack([zero, zero, 2 * b, zero, L, a, zero, zero, one, zero], axis=-1),
        ],
        axis=-1,
    )
    return np.asarray(np.einsum("rt,ntc->nrc", colour, terms))


def fit_place(pixels: PlacedPixels) -> Base:
    """A polynomial of place for every number of a transform: one linear solve."""
    pixels = _fewer(pixels, MOST_PIXELS)
    values = basis(pixels.before).astype(np.float64)
    terms = place_terms(pixels.place).astype(np.float64)
    both = np.einsum("np,nt->npt", terms, values).reshape(len(values), -1)
    phi = robust_fit(both, _change(pixels), passes=3)
    numbers = phi.reshape(terms.shape[1], TERMS, 3).transpose(0, 2, 1).reshape(-1, COEFFICIENTS)
    return Base(place=numbers.astype(np.float32))


def fitted_by_place(base: Base, pixels: PlacedPixels) -> Base:
    """The part by place of a base, fitted anew to other pixels; none where it has no such part."""
    if base.place.size:
        return fit_place(pixels)
    return fit_gain(pixels) if base.gain.size else NO_BASE


def _and_lut(fit: Callable[[PlacedPixels], Base]) -> Fit:
    """A base by place with a LUT for what it leaves, fitted in turn."""

    def fitted(pixels: PlacedPixels, size: int) -> Base:
        base = fit(pixels)
        cube = fit_lut(pixels.without(base), size).cube
        base = fit(pixels.without(Base(cube=cube)))
        return replace(base, cube=fit_lut(pixels.without(base), size).cube)

    return fitted


FITS: dict[str, Fit] = {
    "none": lambda pixels, size: fit_none(pixels),
    "LUT": fit_lut,
    "gain": lambda pixels, size: fit_gain(pixels),
    "place": lambda pixels, size: fit_place(pixels),
    "gain and LUT": _and_lut(fit_gain),
    "place and LUT": _and_lut(fit_place),
}
"""How each kind of base is fitted."""
KINDS = {
    "none": "one transform",
    "LUT": "a global look",
    "gain": "a gain by place",
    "place": "a polynomial of place",
    "gain and LUT": "a gain by place and a global look",
    "place and LUT": "a polynomial of place and a global look",
}
"""What each kind of base is, in words of the trade."""


def robust_fit(values: DoubleArray, target: DoubleArray, passes: int = _PASSES) -> DoubleArray:
    """Coefficients, (T, 3), of terms (N, T) for a change (N, 3) in scaled Lab, by the sum of distances."""
    weight = np.ones(len(values))
    ridge = _RIDGE * np.eye(values.shape[1])
    solution = np.zeros((values.shape[1], 3))
    for _ in range(passes):
        heavy = values * weight[:, None]
        solution = np.linalg.solve(heavy.T @ values + ridge * weight.sum(), heavy.T @ target)
        missed = np.linalg.norm((target - values @ solution) * _SCALE, axis=1)
        weight = 1 / np.maximum(missed, _SOFT)
    return solution


def _change(pixels: PlacedPixels) -> DoubleArray:
    return np.asarray((pixels.after.astype(np.float64) - pixels.before) / _SCALE)


def _fewer(pixels: PlacedPixels, most: int) -> PlacedPixels:
    return pixels.only(np.arange(len(pixels.before)) % -(-len(pixels.before) // most) == 0)


def _basis(scaled: DoubleArray) -> DoubleArray:
    L, a, b = scaled.T
    return np.stack([L * L, a * a, b * b, L * a, L * b, a * b, L, a, b, np.ones_like(L)], axis=-1)
