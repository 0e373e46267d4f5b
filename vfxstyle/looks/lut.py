"""The global LUT and CDL nearest to a look, which map colours alone (docs/method.md, section 12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import prange

from vfxstyle.arrays import DoubleArray, FloatArray, IntArray
from vfxstyle.color.cubes import cube_nodes
from vfxstyle.compiled import kernel

SMOOTHNESS = 2e-3
"""Weight of the cube's curvature against its errors, per colour and node: enough to bridge colours no frame has."""
_STEPS = 60  # of conjugate gradients at most; far from all colours a cube is then up to a Lab unit from its end
_SMALL_ENOUGH = 1e-5  # residual, relative to the first, at which they end

_LUMA = np.array([0.2126, 0.7152, 0.0722])  # the saturation weights of ASC CDL 1.2


@dataclass(frozen=True, slots=True)
class Cdl:
    """An ASC colour decision list of one entry, version 1.2, without its clamps."""

    slope: tuple[float, float, float]
    """Gain of red, green and blue."""
    offset: tuple[float, float, float]
    """Lift of red, green and blue."""
    power: tuple[float, float, float]
    """Exponent of red, green and blue, for values above zero."""
    saturation: float
    """Factor of the distance from luma; 1 leaves it unchanged."""

    def apply(self, rgb: FloatArray) -> FloatArray:
        """Grade colours; nothing is clamped, and values of zero and below are not raised to the power.

        rgb: float (..., 3), in the colour space that the CDL was fitted in. Returns float32 (..., 3).
        """
        values = np.asarray(rgb, np.float64) * np.array(self.slope) + np.array(self.offset)
        power = np.broadcast_to(np.array(self.power), values.shape)
        values = np.where(values > 0, np.maximum(values, 1e-12) ** power, values)
        luma = (values * _LUMA).sum(axis=-1, keepdims=True)
        return np.asarray(luma + self.saturation * (values - luma), np.float32)


def fit_cube(
    before: FloatArray,
    after: FloatArray,
    size: int = 33,
    *,
    smoothness: float = SMOOTHNESS,
    weights: DoubleArray | None = None,
) -> FloatArray:
    """Fit a smooth 3D LUT to a grade in the least-squares sense; nodes far from any colour continue their neighbours.

    before, after: float32 (N, 3), the same pixels in one colour space, mostly within 0..1.
    size: nodes along each axis, 3 or more. smoothness: see :data:`SMOOTHNESS`. weights: (N,), > 0, how much each pixel
    counts; by default 1.
    Returns float32 (size, size, size, 3), indexed by red, green, blue, over 0..1.
    """
    counts = np.ones(len(before)) if weights is None else weights
    base = _quadratic_base(before, after, counts)
    corners, shares = _corners(before, size)
    root = np.sqrt(counts)[:, None]
    error = after.astype(np.float64) - _polynomial(before.astype(np.float64)) @ base
    correction = _solve(corners, shares * root, error * root, size, smoothness * counts.sum() / size**3 * 100)
    return np.asarray(_polynomial(cube_nodes(size)) @ base + correction, np.float32)


def apply_cube(cube: FloatArray, rgb: FloatArray) -> FloatArray:
    """Look colours up in a 3D LUT, trilinearly; colours outside 0..1 are limited to that.

    cube: float32 (n, n, n, 3), indexed by red, green, blue, over 0..1. rgb: float32 (N, 3), in the LUT's colour space.
    Returns float32 (N, 3).
    """
    out = np.empty((len(rgb), 3), np.float32)
    _look_up(np.ascontiguousarray(cube, np.float32), np.ascontiguousarray(rgb, np.float32), out)
    return out


@kernel(parallel=True)
def _look_up(cube: FloatArray, rgb: FloatArray, out: FloatArray) -> None:
    size = cube.shape[0]
    for n in prange(rgb.shape[0]):
        red = min(max(np.float64(rgb[n, 0]), 0.0), 1.0) * (size - 1)
        green = min(max(np.float64(rgb[n, 1]), 0.0), 1.0) * (size - 1)
        blue = min(max(np.float64(rgb[n, 2]), 0.0), 1.0) * (size - 1)
        r = max(min(int(red), size - 2), 0)  # NaN is no number of a node
        g, b = max(min(int(green), size - 2), 0), max(min(int(blue), size - 2), 0)
        red, green, blue = red - r, green - g, blue - b
        for c in range(3):
            total = 0.0
            for corner in range(8):
                i, j, k = corner >> 2 & 1, corner >> 1 & 1, corner & 1
                weight = red if i else 1.0 - red
                weight *= green if j else 1.0 - green
                weight *= blue if k else 1.0 - blue
                total += weight * cube[r + i, g + j, b + k, c]
            out[n, c] = total


def _polynomial(rgb: DoubleArray) -> DoubleArray:
    r, g, b = np.moveaxis(rgb, -1, 0)
    terms = [np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, r * b, g * b]
    return np.stack(terms, axis=-1)


def _quadratic_base(before: FloatArray, after: FloatArray, counts: DoubleArray) -> DoubleArray:
    """Coefficients, (10, 3), of one quadratic polynomial for all colours; the cube adds a correction to it."""
    values = _polynomial(before.astype(np.float64))
    identity = np.zeros((values.shape[1], 3))
    identity[1:4] = np.eye(3)
    counted = values * counts[:, None]
    normal = counted.T @ values + 1e-3 * counts.sum() * np.eye(values.shape[1])
    change = counted.T @ (after.astype(np.float64) - before)
    return np.asarray(identity + np.linalg.solve(normal, change))


def _corners(rgb: FloatArray, size: int) -> tuple[IntArray, DoubleArray]:
    """The eight nodes round each colour, int64 (N, 8), as flat indices, and their trilinear weights, (N, 8)."""
    place = np.clip(rgb.astype(np.float64), 0, 1) * (size - 1)
    low = np.minimum(place.astype(np.int64), size - 2)
    part = place - low
    corners, weights = [], []
    for corner in range(8):
        step = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
        node = low + step
        corners.append((node[:, 0] * size + node[:, 1]) * size + node[:, 2])
        weights.append(np.where(step, part, 1 - part).prod(axis=1))
    return np.stack(corners, axis=1), np.stack(weights, axis=1)


@kernel()
def _spread(corners: IntArray, weights: DoubleArray, values: DoubleArray, out: DoubleArray) -> None:
    """Add values, (N, 3), to the nodes round each colour, (nodes, 3), by their weights."""
    for n in range(corners.shape[0]):
        for k in range(8):
            for c in range(3):
                out[corners[n, k], c] += weights[n, k] * values[n, c]


@kernel()
def _system(
    corners: IntArray, weights: DoubleArray, values: DoubleArray, size: int, smooth: float, out: DoubleArray
) -> None:
    """(W'W + smooth * (D'D + 1e-3)) times values, (nodes, 3); 1e-3, so that far from colours a cube tends to zero."""
    for i in range(values.shape[0]):
        for c in range(3):
            out[i, c] = smooth * 1e-3 * values[i, c]
    for step in (size * size, size, 1):
        for i in range(values.shape[0]):
            if i // step % size < size - 2:
                for c in range(3):
                    bent = smooth * (values[i, c] - 2.0 * values[i + step, c] + values[i + 2 * step, c])
                    out[i, c] += bent
                    out[i + step, c] -= 2.0 * bent
                    out[i + 2 * step, c] += bent
    for n in range(corners.shape[0]):
        for c in range(3):
            here = 0.0
            for k in range(8):
                here += weights[n, k] * values[corners[n, k], c]
            for k in range(8):
                out[corners[n, k], c] += weights[n, k] * here


def _solve(corners: IntArray, weights: DoubleArray, target: DoubleArray, size: int, smooth: float) -> DoubleArray:
    """Solve (W'W + smooth * (D'D + 1e-3)) x = W' target; D: the second differences.

    By conjugate gradients, preconditioned with the diagonal: nodes have from none to thousands of pixels.
    """
    nodes = size**3
    diagonal = np.bincount(corners.reshape(-1), weights.reshape(-1) ** 2, nodes) + smooth * _diagonal(size)
    residual, turned = np.zeros((nodes, 3)), np.empty((nodes, 3))
    _spread(corners, weights, np.ascontiguousarray(target), residual)
    x = np.zeros((nodes, 3))
    direction = residual / diagonal[:, None]
    energy = _products(residual, direction)
    start = np.maximum(energy, 1e-30)
    for _ in range(_STEPS):
        if (energy <= _SMALL_ENOUGH**2 * start).all():
            break
        _system(corners, weights, direction, size, smooth, turned)
        length = energy / np.maximum(_products(direction, turned), 1e-30)
        x += length * direction
        residual -= length * turned
        scaled = residual / diagonal[:, None]
        new = _products(residual, scaled)
        direction = scaled + new / np.maximum(energy, 1e-30) * direction
        energy = new
    return x.reshape(size, size, size, 3)


def _products(one: DoubleArray, other: DoubleArray) -> DoubleArray:
    """Inner products of the columns of two arrays, (N, 3) each; (3,)."""
    return np.asarray(np.einsum("nc,nc->c", one, other))


def _diagonal(size: int) -> DoubleArray:
    """The diagonal of D'D + 1e-3, (nodes,)."""
    along = np.zeros(size)
    for shift, square in enumerate((1.0, 4.0, 1.0)):
        along[shift : shift + size - 2] += square
    return np.asarray(1e-3 + along[:, None, None] + along[:, None] + along).reshape(-1)


def fit_cdl(before: FloatArray, after: FloatArray) -> Cdl:
    """Fit a CDL to a grade in the least-squares sense, by the method of Levenberg and Marquardt.

    before, after: float32 (N, 3), the same pixels in one colour space.
    """
    values = np.array([1.0] * 3 + [0.0] * 3 + [1.0] * 3 + [1.0])
    damping, error = 1e-2, _cdl_error(values, before, after)
    for _ in range(60):
        jacobian = np.stack(
            [(_cdl_error(values + step, before, after) - error) / 1e-4 for step in 1e-4 * np.eye(len(values))], axis=1
        )
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -jacobian.T @ error)
        trial = values + step
        trial[[0, 1, 2, 6, 7, 8]] = np.maximum(trial[[0, 1, 2, 6, 7, 8]], 0.01)  # slope and power are positive
        trial[9] = max(trial[9], 0.0)
        new = _cdl_error(trial, before, after)
        if (new**2).sum() < (error**2).sum():
            done = np.abs(trial - values).max() < 1e-6
            values, error, damping = trial, new, damping / 3
            if done:
                break
        else:
            damping *= 4
            if damping > 1e8:
                break
    return _cdl_of(values)


def _cdl_of(values: DoubleArray) -> Cdl:
    numbers = [float(value) for value in values]
    return Cdl(
        (numbers[0], numbers[1], numbers[2]),
        (numbers[3], numbers[4], numbers[5]),
        (numbers[6], numbers[7], numbers[8]),
        numbers[9],
    )


def _cdl_error(values: DoubleArray, before: FloatArray, after: FloatArray) -> DoubleArray:
    return (_cdl_of(values).apply(before).astype(np.float64) - after).reshape(-1)
