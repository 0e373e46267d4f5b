"""Colour difference as people see it: CIEDE2000.

Source: G. Sharma, W. Wu, E. Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary Test
Data, and Mathematical Observations", Color Research and Application 30(1), 2005; k_L = k_C = k_H = 1.
"""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import FloatArray

_25_TO_7 = 25.0**7


def delta_e_2000(one: FloatArray, two: FloatArray) -> FloatArray:
    """The CIEDE2000 difference between colours.

    one, two: float (..., 3), CIELab D65, L 0..100. Returns float32 (...), 0 and above; 1 is about the least visible
    difference.
    """
    L1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    L2, a2, b2 = np.moveaxis(np.asarray(two, np.float64), -1, 0)
    chroma7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(chroma7 / (chroma7 + _25_TO_7)))
    a1, a2 = a1 * stretch, a2 * stretch
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = C1 * C2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    d_L, d_C = L2 - L1, C2 - C1
    d_H = 2 * np.sqrt(C1 * C2) * np.sin(np.radians(turn) / 2)
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    h = np.where(grey, h1 + h2, np.where(np.abs(h1 - h2) > 180, (h1 + h2 + 360) / 2 % 360, (h1 + h2) / 2))
    T = (
        1
        - 0.17 * np.cos(np.radians(h - 30))
        + 0.24 * np.cos(np.radians(2 * h))
        + 0.32 * np.cos(np.radians(3 * h + 6))
        - 0.20 * np.cos(np.radians(4 * h - 63))
    )
    S_L = 1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2)
    S_C, S_H = 1 + 0.045 * C, 1 + 0.015 * C * T
    C7 = C**7
    R_T = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))) * 2 * np.sqrt(C7 / (C7 + _25_TO_7))
    terms = (d_L / S_L) ** 2 + (d_C / S_C) ** 2 + (d_H / S_H) ** 2 + R_T * (d_C / S_C) * (d_H / S_H)
    return np.asarray(np.sqrt(np.maximum(terms, 0)), np.float32)
