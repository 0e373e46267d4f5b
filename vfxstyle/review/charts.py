"""Charts as inline SVG, which need no script and are sharp at any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import FloatArray
from vfxstyle.review.pages import text

_WIDTH, _HEIGHT = 460, 186
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 40, 22
_COLOURS = ("#e8842c", "#4285f4", "#34a853", "#b05cc4")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart."""

    name: str
    """What it shows."""
    values: Sequence[float | None]
    """One for each number along the axis; None for none."""


def line_chart(title: str, numbers: Sequence[int], lines: Sequence[Line]) -> str:
    """A chart of some figures by frame. numbers: frames, ascending."""
    top = max([value for line in lines for value in line.values if value is not None], default=0) or 1.0
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    span = max(1, numbers[-1] - numbers[0])

    def at(number: int, value: float) -> str:
        return f"{_LEFT + width * (number - numbers[0]) / span:.1f},{_TOP + height * (1 - value / top):.1f}"

    drawn, names = "", ""
    for index, line in enumerate(lines):
        points = [at(n, v) for n, v in zip(numbers, line.values, strict=True) if v is not None]
        colour = _COLOURS[index % len(_COLOURS)]
        drawn += f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(points)}"/>'
        names += f'<tspan fill="{colour}"> ● {text(line.name)}</tspan>' if len(lines) > 1 else ""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(title)}">'
        f'<text x="0" y="14">{text(title)}</text><text x="0" y="30">{names}</text>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP + height}" y2="{_TOP + height}" stroke="#8888"/>'
        f'<text x="0" y="{_TOP + 8}">{_short(top)}</text><text x="0" y="{_TOP + height}">0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{numbers[0]}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{numbers[-1]}</text>{drawn}</svg>'
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def marks(numbers: Sequence[int], marked: Sequence[int]) -> str:
    """A line of time with some frames marked in the order of their choice. numbers: frames, ascending."""
    span = max(1, numbers[-1] - numbers[0])
    width = 2 * _WIDTH - _LEFT
    places = [(20 + (width - 40) * (number - numbers[0]) / span, number) for number in marked]
    drawn = "".join(
        f'<circle cx="{x:.1f}" cy="12" r="5" fill="{_COLOURS[0]}">'
        f"<title>frame {number}, choice {index + 1}</title></circle>"
        f'<text x="{x:.1f}" y="32" text-anchor="middle">{number}</text>'
        for index, (x, number) in enumerate(places)
    )
    return (
        f'<svg class="wide" viewBox="0 0 {width} 38" role="img" aria-label="chosen frames">'
        f'<line x1="20" x2="{width - 20}" y1="12" y2="12" stroke="#8888" stroke-width="2"/>{drawn}</svg>'
    )


def scatter(points: FloatArray, named: Mapping[int, FloatArray]) -> str:
    """Points, and named ones among them. points: float32 (N, 2). named: float32 (2,), by frame."""
    every = np.concatenate([points, np.stack(list(named.values()))])
    low, span = every.min(axis=0), np.maximum(np.ptp(every, axis=0), 1e-6)

    def at(point: FloatArray) -> tuple[float, float]:
        x, y = 12 + (point - low) / span * (_WIDTH - 24, 2 * _HEIGHT - 24)
        return float(x), float(y)

    dots = "".join('<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="#8889"/>'.format(*at(point)) for point in points)
    for number, point in named.items():
        x, y = at(point)
        dots += (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{_COLOURS[0]}"><title>frame {number}</title></circle>'
            f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{number}</text>'
        )
    return f'<svg viewBox="0 0 {_WIDTH} {2 * _HEIGHT}" role="img" aria-label="frames among pictures">{dots}</svg>'
