"""The frame rate of a movie by the times of its frames, which containers round.

Source: SMPTE ST 12 and ST 2036 for the rates; a container's time base for what it can tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from vfxstyle.arrays import DoubleArray, IntArray

SMPTE_RATES = tuple(
    Fraction(rate * (1000 if ntsc else 1), 1001 if ntsc else 1)
    for rate in (24, 25, 30, 48, 50, 60, 100, 120)
    for ntsc in (False, True)
    if rate % 25 or not ntsc
)
"""Frames per second of cinema and television."""
_MILLISECOND = Fraction(1, 1000)
_COARSE, _FINE = 3, 20  # grains that a frame must last for its time to be taken as rounded: at a usual rate, at others
_UNEVEN = 0.02  # of the time between two frames, which some programs are off by


def constant_rate(times: Sequence[int], tick: Fraction, stated: Iterable[Fraction | None]) -> Fraction | None:
    """The rate of a movie whose frames are equally spaced, but for its container's rounding; None for any other.

    The rounding is a tick, or a millisecond where all times are whole ones: such times come from containers that have
    no finer ones. Of several rates that fit, as they do a few frames, the one that the movie states is taken, then the
    best.

    times: presentation times, ascending, in ticks. tick: seconds. stated: rates that the movie states, best first.
    """
    told = [rate for rate in stated if rate]
    if len(times) < 2:
        return told[0] if told else None
    passed = np.array(times, np.int64) - times[0]
    if passed[-1] <= 0:
        return None
    whole = tick < _MILLISECOND and _are_whole_milliseconds(passed, tick)
    grain, slack = (_MILLISECOND, tick) if whole else (tick, Fraction(0))
    seconds = passed.astype(np.float64) * float(tick)
    spreads = {rate: _spread(seconds, rate) for rate in (*SMPTE_RATES, *told, _mean_rate(passed, tick))}
    fitting = [rate for rate, spread in spreads.items() if spread <= _rounding(rate, grain, slack) + 1e-9]
    named = [rate for rate in fitting if rate in SMPTE_RATES]
    for rates in (named, fitting):
        for rate in told:
            if rate in rates:
                return rate
        if rates:
            return min(rates, key=lambda rate: spreads[rate])
    steps = np.diff(passed)
    usual = float(np.median(steps))
    if usual >= _FINE and steps.max() - steps.min() <= max(2, _UNEVEN * usual):
        return min(spreads, key=lambda rate: spreads[rate])
    return None


def _rounding(rate: Fraction, grain: Fraction, slack: Fraction) -> float:
    """How far times may lie from those of a rate, in seconds.

    A time that is a whole number of grains needs no rounding; and where a grain is nearly as long as a frame, rounding
    cannot be told from a frame that was left out.
    grain: what times are whole numbers of, in seconds. slack: what they are off by, in seconds.
    """
    period = 1 / (rate * grain)
    is_rounded = period.denominator > 1 and (period >= _COARSE if rate in SMPTE_RATES else period >= _FINE)
    return float(grain + slack if is_rounded else slack) * 1.001


def _are_whole_milliseconds(passed: IntArray, tick: Fraction) -> bool:
    """Whether every time is, within half a tick, a whole number of milliseconds."""
    in_ms = passed * float(tick / _MILLISECOND)
    return bool(np.abs(in_ms - np.rint(in_ms)).max() <= 0.5 * float(tick / _MILLISECOND) + 1e-6)


def _mean_rate(passed: IntArray, tick: Fraction) -> Fraction:
    return ((len(passed) - 1) / (int(passed[-1]) * tick)).limit_denominator(1001)


def _spread(seconds: DoubleArray, rate: Fraction) -> float:
    """How far the times lie apart, in seconds, from those of a rate."""
    gaps = seconds - np.arange(len(seconds)) / float(rate)
    return float(gaps.max() - gaps.min())
