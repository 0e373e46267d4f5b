"""Frame rates."""

from __future__ import annotations

from fractions import Fraction


def exact_rate(value: float) -> Fraction:
    """The broadcast rate that a decimal number stands for: 23.976 and 23.98 are 24000/1001, 25 is 25."""
    for whole in (24, 30, 48, 60, 120):
        if abs(value - whole * 1000 / 1001) < 0.006:
            return Fraction(whole * 1000, 1001)
    return Fraction(value).limit_denominator(1001)
