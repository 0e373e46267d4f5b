"""The colour space of a file by its tags, or by the default of its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import OpenImageIO as oiio

from vfxstyle.color.config import REC709_DISPLAY, SRGB_DISPLAY, WORKING
from vfxstyle.color.described import REC709, DescribedSpace
from vfxstyle.color.interop import interop_id_of
from vfxstyle.color.rec2020 import REC2020_DISPLAY
from vfxstyle.shots.png import PngColour

_NO_SPACE = ("", "unknown", "data", "raw")
_IN_WORDS = {"jpg": "JPEG", "tif": "TIFF"}
_LIBRARY_NAMES = {
    "linear": WORKING,
    "scene_linear": WORKING,
    "lin_rec709": WORKING,
    "srgb": SRGB_DISPLAY,
    "rec709": REC709_DISPLAY,
}
_DPX_TRANSFERS = {
    "Linear": WORKING,
    "ITU-R 709-4": REC709_DISPLAY,
    "ITU-R 601-5 system B or G": REC709_DISPLAY,
    "ITU-R 601-5 system M": REC709_DISPLAY,
    "SMPTE 274M": REC709_DISPLAY,
}
_DPX_NO_SPACE = ("", "User defined", "Unspecified video", "Undefined")
UNSPECIFIED = (0, 2, 3)
"""Code points of ITU-T H.273 (reserved or unspecified) that name no primaries, no transfer and no matrix."""
_TRANSFER_NAMES = {8: "linear", 9: "logarithmic", 10: "logarithmic", 17: "SMPTE ST 428-1"}
_REC709_CURVES = (1, 6, 14, 15)
_SPACE_OF_CODES = {
    ("sdr", "rec709"): REC709_DISPLAY,
    ("sdr", "rec2020"): REC2020_DISPLAY,
    ("srgb", "rec709"): SRGB_DISPLAY,
    ("srgb", "p3"): "srgb_p3d65_display",
    ("linear", "rec709"): WORKING,
    ("linear", "rec2020"): "lin_rec2020_scene",
    ("linear", "p3"): "lin_p3d65_scene",
    ("gamma22", "rec709"): "g22_rec709_display",
    ("pq", "rec2020"): "pq_rec2020_display",
    ("pq", "p3"): "pq_p3d65_display",
    ("hlg", "rec2020"): "hlg_rec2020_display",
}
_CURVE_OF_CODE = {**dict.fromkeys(_REC709_CURVES, "sdr"), 4: "gamma22", 8: "linear", 13: "srgb", 16: "pq", 18: "hlg"}
_PRIMARIES_OF_CODE = {1: "rec709", 5: "rec709", 6: "rec709", 7: "rec709", 9: "rec2020", 12: "p3"}
CODES_OF_SPACE = {
    REC709_DISPLAY: (1, 1, 1),
    SRGB_DISPLAY: (1, 13, 1),
    "srgb_rec709_scene": (1, 13, 1),
    "g24_rec709_scene": (1, 1, 1),
    "ocio:itu709_rec709_scene": (1, 1, 1),
    "g22_rec709_display": (1, 4, 1),
    REC2020_DISPLAY: (9, 14, 9),
    "srgb_p3d65_display": (12, 13, 1),
    "pq_rec2020_display": (9, 16, 9),
    "pq_p3d65_display": (12, 16, 1),
    "hlg_rec2020_display": (9, 18, 9),
}
"""ITU-T H.273 code points of primaries, transfer and matrix for movies, by interop name of their space."""


@dataclass(frozen=True, slots=True)
class ColorTag:
    """The colour space of a file, and where it is known from."""

    space: str
    """Interop name of the space; empty where the file's tags name no known space."""
    source: str
    """The tag or default that the space is from, as in ``default of JPEG``; with its value where it names no space."""
    assumed: bool = False
    """Whether the file has no tag and the documented default of its format is taken."""
    described: DescribedSpace | None = field(default=None, compare=False)
    """The space in numbers, where the file gives them, for configurations that have none of its name."""

    def as_json(self) -> dict[str, str | bool]:
        """What people are told of it, as JSON values."""
        return {"space": self.space, "source": self.source, "assumed": self.assumed}


def tag_of_exr(header: Mapping[str, Any]) -> ColorTag:
    """The colour tag of an OpenEXR header: ``colorInteropID``, the ACES container flag, ``chromaticities``.

    A file without tags is scene-linear Rec.709, the default of the format's specification.
    """
    named = str(header.get("colorInteropID", "") or header.get("oiio:ColorSpace", ""))
    if named.lower() not in _NO_SPACE:
        return ColorTag(_LIBRARY_NAMES.get(named.lower(), named), f"colorInteropID '{named}'")
    if header.get("acesImageContainerFlag"):
        return ColorTag("lin_ap0_scene", "acesImageContainerFlag")
    stated = header.get("chromaticities")
    if stated is not None:
        space = interop_id_of(tuple(stated))
        numbers = " ".join(f"{value:.4g}" for value in stated)
        source = f"chromaticities {numbers}"
        red, green, blue, white = zip(*[iter(map(float, stated))] * 2, strict=True)
        described = DescribedSpace(source, chromaticities=(*red, *green, *blue, *white))
        return ColorTag(space, source, described=described) if space else _tag_of_numbers(described)
    return ColorTag(WORKING, "default of EXR", assumed=True)


def tag_of_picture(spec: oiio.ImageSpec, extension: str, chunks: PngColour | None = None) -> ColorTag:
    """The colour tag of a DPX, Cineon, TIFF, PNG or JPEG header.

    A file without tags is sRGB, except a floating-point TIFF, which is scene-linear Rec.709. Of what a PNG says, cICP
    comes before an ICC profile, and that before sRGB, and that before gAMA and cHRM, as its specification has it.
    extension: that of the file's name, lower case, without the dot. chunks: those of a PNG.
    """
    if extension in ("dpx", "cin"):
        return _tag_of_scan(spec, extension)
    if chunks is not None and chunks.codes is not None and chunks.codes[1] not in UNSPECIFIED:
        return _tag_of_codes(chunks.codes, "PNG cICP")
    profile = spec.get("ICCProfile")
    if profile is not None:
        return _tag_of_profile(bytes(profile), spec.get_string_attribute("ICCProfile:profile_description"))
    if chunks is not None and chunks.exponent is not None:
        source = f"PNG gAMA {1 / chunks.exponent:.5g}" + (" and cHRM" if chunks.chromaticities else "")
        chromaticities = chunks.chromaticities or REC709
        return _tag_of_numbers(DescribedSpace(source, chromaticities=chromaticities, exponent=chunks.exponent))
    if chunks is not None and chunks.has_profile:
        return ColorTag("", "ICC profile, which is damaged or not for RGB")
    tag = spec.get_string_attribute("colorInteropID")
    if chunks is None:  # of a PNG OpenImageIO says what the chunks have said already
        tag = tag or spec.get_string_attribute("oiio:ColorSpace")
    if not tag and spec.get_string_attribute("Exif:InteroperabilityIndex") == "R03":
        return ColorTag("g22_adobergb_scene", "Exif interoperability R03, Adobe RGB")
    # OpenImageIO tags a JPEG or PNG without a tag as sRGB
    given = tag.lower() in _NO_SPACE or (tag == "srgb_rec709_scene" and extension in ("jpg", "jpeg", "png"))
    if not given:
        return ColorTag(_LIBRARY_NAMES.get(tag.lower(), tag), f"header tag '{tag}'")
    if extension in ("tif", "tiff") and str(spec.format) in ("float", "half", "double"):
        return ColorTag(WORKING, "default of floating-point TIFF", assumed=True)
    return ColorTag(SRGB_DISPLAY, f"default of {_IN_WORDS.get(extension, extension.upper())}", assumed=True)


def _tag_of_profile(profile: bytes, name: str) -> ColorTag:
    """The tag of an ICC profile: by its primaries and curves, never by its name."""
    source = f"ICC profile '{name}'"
    described = DescribedSpace(source, profile=profile)
    try:
        codes = described.codes
    except ValueError as error:
        return ColorTag("", f"{source}, which {error}")
    by_codes = None if codes is None else _tag_of_codes(codes, source)
    return by_codes if by_codes is not None and by_codes.space else _tag_of_numbers(described)


def _tag_of_numbers(described: DescribedSpace) -> ColorTag:
    """The tag of a space that a file describes under the name of its source."""
    try:
        known = described.known_as()
        if known:
            return ColorTag(known, described.name, described=described)
        own = replace(described, name=f"{described.name} {described.digest}")
    except ValueError as error:
        return ColorTag("", f"{described.name}, which {error}")
    return ColorTag("", own.name, described=own)


def _tag_of_scan(spec: oiio.ImageSpec, extension: str) -> ColorTag:
    stamped = spec.get_string_attribute("colorInteropID")
    if stamped:
        return ColorTag(stamped, f"header tag '{stamped}'")
    if extension == "cin":
        return ColorTag("", "Cineon printing density")
    transfer = spec.get_string_attribute("dpx:Transfer")
    if transfer in _DPX_TRANSFERS:
        return ColorTag(_DPX_TRANSFERS[transfer], f"DPX transfer '{transfer}'")
    if transfer in _DPX_NO_SPACE:
        return ColorTag(SRGB_DISPLAY, f"default of {extension.upper()}", assumed=True)
    return ColorTag("", f"DPX transfer '{transfer}'")


def tag_of_movie(primaries: int, transfer: int) -> ColorTag:
    """The colour tag of a movie's H.273 codes for primaries and transfer.

    Unspecified primaries are those of Rec.709, an unspecified transfer is that of a Rec.709 display (BT.1886).
    """
    if transfer in UNSPECIFIED and primaries in UNSPECIFIED:
        return ColorTag(REC709_DISPLAY, "default of movies", assumed=True)
    return _tag_of_codes((primaries, transfer), "movie tags")


def _tag_of_codes(codes: tuple[int, int], of: str) -> ColorTag:
    primaries, transfer = codes
    stated = f"{of}, primaries {primaries}, transfer {transfer}"
    curve = "sdr" if transfer in UNSPECIFIED else _CURVE_OF_CODE.get(transfer, "")
    gamut = "rec709" if primaries in UNSPECIFIED else _PRIMARIES_OF_CODE.get(primaries, "")
    if transfer in _TRANSFER_NAMES:
        stated += f" ({_TRANSFER_NAMES[transfer]})"
    return ColorTag(_SPACE_OF_CODES.get((curve, gamut), ""), stated)
