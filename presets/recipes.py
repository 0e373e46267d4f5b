"""The shipped looks as a retoucher would make them on a photograph with masks: what the presets are learnt from.

Every recipe takes a picture, float32 (H, W, 3), sRGB-encoded, 0..1, and the soft masks of its classes
(:data:`presets.photographs.CLASSES`), and returns the picture graded. Colours are changed in CIELab (D65, as everywhere
here). Near white and near black a change fades, so that no look makes clipped whites or crushed blacks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from presets.photographs import SUBJECTS, Masks
from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.color import lab_to_linear, linear_to_lab, linear_to_srgb, srgb_to_linear

Recipe = Callable[[FloatArray, Masks], FloatArray]


def _lab(picture: FloatArray) -> FloatArray:
    return linear_to_lab(srgb_to_linear(picture))


def _shown(lab: FloatArray) -> FloatArray:
    """The picture of Lab colours, sRGB-encoded; colours outside the display's gamut lose chroma, not lightness."""
    light = lab_to_linear(lab)
    grey = lab_to_linear(np.stack([lab[..., 0], *np.zeros((2, *lab.shape[:2]), np.float32)], axis=-1))
    over = np.where(light > grey, (1 - grey) / np.maximum(light - grey, 1e-6), grey / np.maximum(grey - light, 1e-6))
    keep = np.clip(over.min(axis=-1, keepdims=True), 0, 1)
    return np.clip(linear_to_srgb((grey + keep * (light - grey)).astype(np.float32)), 0, 1).astype(np.float32)


def _step(x: FloatArray, low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _of_mids(lightness: FloatArray) -> FloatArray:
    """1 for mid-tones, 0 at black and at white."""
    return _step(lightness, 0, 18) * (1 - _step(lightness, 86, 100))


def _curve(lightness: FloatArray, amount: float, pivot: float = 50) -> FloatArray:
    """An S-curve about ``pivot``; black and white stay where they are."""
    x = np.clip(lightness / 100, 0, 1)
    p = pivot / 100
    bent = np.where(x < p, x**2 / p, 1 - (1 - x) ** 2 / (1 - p))
    return np.asarray(lightness + amount * 100 * (bent - x) * 0.6, np.float32)


def skin_share(lab: FloatArray, masks: Masks) -> FloatArray:
    """How much of a pixel is skin: a person's, of the hue and the chroma that skin of any lightness has."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    by_hue = _step(hue, 15, 30) * (1 - _step(hue, 75, 90))
    by_chroma = _step(chroma, 6, 12) * (1 - _step(chroma, 48, 62))
    return (by_hue * by_chroma)[..., None] * masks["person"]


def _moved(lab: FloatArray, da: AnyArray | float, db: AnyArray | float) -> FloatArray:
    """Colours moved in a and b; less where lightness leaves no room for colour."""
    room = _of_mids(lab[..., 0])
    return np.stack([lab[..., 0], lab[..., 1] + da * room, lab[..., 2] + db * room], axis=-1).astype(np.float32)


def _warmed(lab: FloatArray, da: float, db: float) -> FloatArray:
    """Colours moved towards a warm light; blue ones lose blue alone, and do not turn mauve."""
    blue = np.maximum(-lab[..., 2], 0)
    return _moved(lab, da * (1 - _step(blue, 2, 14)), db)


def _saturated(lab: FloatArray, factor: float, most: float = 70) -> FloatArray:
    """Chroma multiplied; what has much already gains less."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    gain = 1 + (factor - 1) * (1 - _step(chroma, 0.4 * most, most)) if factor > 1 else factor
    return np.stack([lab[..., 0], lab[..., 1] * gain, lab[..., 2] * gain], axis=-1).astype(np.float32)


def _with_lightness(lab: FloatArray, lightness: FloatArray) -> FloatArray:
    return np.concatenate([lightness[..., None], lab[..., 1:]], axis=-1).astype(np.float32)


def _subjects(masks: Masks) -> FloatArray:
    """The matte of people, animals and vehicles, float32 (H, W, 1), 0..1."""
    return np.asarray(sum(masks[name] for name in SUBJECTS), np.float32)


def _blended(masks: Masks, parts: dict[str, FloatArray]) -> FloatArray:
    """Each class with its own colours."""
    return np.asarray(sum(masks[name] * parts[name] for name in parts), np.float32)


def golden(picture: FloatArray, masks: Masks) -> FloatArray:
    """Late sun: natural things turn to straw, man-made ones to amber, the sky to peach; water keeps its blue-green."""
    lab = _lab(picture)
    lightness = lab[..., 0]
    lights, green = _step(lightness, 45, 90), np.maximum(-lab[..., 1], 0)
    nature = _moved(lab, 0.55 * green + 2, 9 + 0.12 * green)
    nature = _with_lightness(nature, _curve(lightness, 0.25))
    made = _with_lightness(_warmed(lab, 4.5, 17), _curve(lightness, 0.3))
    blue = np.maximum(-lab[..., 2], 0)
    peach = np.stack([lightness + 4, np.full_like(lightness, 5), np.full_like(lightness, 13)], axis=-1)
    clear = (_step(blue, 0, 24) * _of_mids(lightness))[..., None]
    sky = _moved(lab, 3.5, 11)
    sky = np.asarray(sky + 0.9 * clear * (peach - sky), np.float32)
    water = _moved(lab, 1 + 5 * lights, 1 + 12 * lights)
    person = _warmed(lab, 2.5, 9)
    living = _warmed(lab, 3, 12)
    out = _blended(
        masks,
        {
            "sky": sky,
            "nature": nature,
            "water": water,
            "man_made": made,
            "person": person,
            "animal": living,
            "vehicle": living,
        },
    )
    skin = skin_share(lab, masks)
    return _shown(out + skin * (_moved(lab, 1.2, 3.4) - out))


def pop_out(picture: FloatArray, masks: Masks) -> FloatArray:
    """People, animals and vehicles gain contrast and colour, as one; everything round them pales.

    A picture without any of these is a background as a whole.
    """
    lab = _lab(picture)
    front = _subjects(masks)
    near = _with_lightness(_saturated(lab, 1.4), _curve(lab[..., 0], 0.45))
    skin = skin_share(lab, masks)
    near = near + skin * (_with_lightness(_saturated(lab, 1.12), _curve(lab[..., 0], 0.2)) - near)
    far = _with_lightness(_saturated(lab, 0.32), lab[..., 0] - 2.5 * _of_mids(lab[..., 0]))
    return _shown(front * near + (1 - front) * far)


def local_xpro(picture: FloatArray, masks: Masks) -> FloatArray:
    """Cross processing: hard contrast, cyan shadows and yellow lights, with a profile for each class.

    The profiles are of one family, so that a thing and its parts stay together; whites stay near white.
    """
    lab = _lab(picture)
    lightness = lab[..., 0]
    dark, light = 1 - _step(lightness, 12, 55), _step(lightness, 45, 88)
    profiles = {  # contrast, a and b of shadows, a and b of lights, saturation
        "sky": (0.35, -8, -10, -7, 4, 1.15),
        "nature": (0.6, -7, -6, -4, 15, 1.2),
        "water": (0.5, -10, -9, -7, 5, 1.15),
        "man_made": (0.6, -5, -10, 2, 13, 1.1),
        "person": (0.5, -3, -8, 3, 10, 1.1),
        "animal": (0.55, -4, -8, 2, 12, 1.15),
        "vehicle": (0.6, -5, -10, 2, 12, 1.25),
    }
    parts = {}
    for name, (contrast, dark_a, dark_b, light_a, light_b, factor) in profiles.items():
        toned = _moved(lab, dark * dark_a + light * light_a, dark * dark_b + light * light_b)
        parts[name] = _with_lightness(_saturated(toned, factor), _curve(lightness, contrast))
    out = _blended(masks, parts)
    skin = skin_share(lab, masks)
    return _shown(out + skin * (_with_lightness(_moved(lab, 1, 4), _curve(lightness, 0.35)) - out))


def cold(picture: FloatArray, masks: Masks) -> FloatArray:
    """A winter morning: blue shadows, pale colours, firmer contrast. Global: the masks are not used."""
    del masks
    lab = _lab(picture)
    dark = 1 - _step(lab[..., 0], 15, 75)
    toned = _moved(_saturated(lab, 0.72), -1.5 - 1.5 * dark, -7 - 4 * dark)
    return _shown(_with_lightness(toned, _curve(lab[..., 0], 0.3)))


def spring(picture: FloatArray, masks: Masks) -> FloatArray:
    """Lifted, fresh greens, a touch of rose in the lights; whites keep their room. Global: the masks are not used."""
    del masks
    lab = _lab(picture)
    lightness = lab[..., 0]
    lifted = lightness + 7 * _step(lightness, 2, 40) * (1 - _step(lightness, 50, 96))
    green = np.maximum(-lab[..., 1], 0) * _step(lab[..., 2], 0, 25)
    light = _step(lightness, 55, 85)
    toned = _moved(_saturated(lab, 1.18), -0.12 * green + 3.5 * light, 0.1 * green - 1.0 * light)
    return _shown(_with_lightness(toned, lifted))


def teal_orange(picture: FloatArray, masks: Masks) -> FloatArray:
    """Teal shadows, water and sky against orange lights, with skin and foliage left alone."""
    lab = _lab(picture)
    lightness = lab[..., 0]
    dark, light = 1 - _step(lightness, 20, 60), _step(lightness, 40, 80)
    made = _moved(lab, -7 * dark + 6 * light, -9 * dark + 13 * light)
    teal = _moved(lab, -8, -3)
    things = _moved(lab, -4 * dark + 5 * light, -6 * dark + 9 * light)
    same = _moved(lab, 0, 1)
    out = _blended(
        masks,
        {
            "sky": teal,
            "nature": same,
            "water": teal,
            "man_made": made,
            "person": _moved(lab, -4 * dark, -6 * dark),
            "animal": same,
            "vehicle": things,
        },
    )
    out = _with_lightness(out, _curve(out[..., 0], 0.25))
    skin = skin_share(lab, masks)
    return _shown(out + skin * (_with_lightness(lab, _curve(lightness, 0.12)) - out))


def bleach_bypass(picture: FloatArray, masks: Masks) -> FloatArray:
    """Silver left in the print: hard and pale, with people, animals and vehicles spared half of it."""
    lab = _lab(picture)
    hard = _with_lightness(_saturated(lab, 0.38), _curve(lab[..., 0], 0.8))
    spared = _with_lightness(_saturated(lab, 0.85), _curve(lab[..., 0], 0.4))
    front = _subjects(masks)
    return _shown(hard + front * (spared - hard))


RECIPES: dict[str, Recipe] = {
    "golden": golden,
    "pop-out": pop_out,
    "local-xpro": local_xpro,
    "teal-orange": teal_orange,
    "bleach-bypass": bleach_bypass,
    "cold": cold,
    "spring": spring,
}
"""Every shipped look by its name."""
