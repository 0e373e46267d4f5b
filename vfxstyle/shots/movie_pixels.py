"""Decoded pictures of movies as R'G'B', at the depth they were coded in."""

from __future__ import annotations

import av
import numpy as np

from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.shots.yuv import Matrix, planes_to_rgb

# planar forms of formats whose channels lie beside each other, or whose bytes are the other way round; a copy of the
# same code values, which tests compare
_PLANAR = {
    **dict.fromkeys(("rgb24", "bgr24", "rgb0", "0rgb", "bgr0", "0bgr", "rgb8", "bgr8"), "gbrp"),
    **dict.fromkeys(("rgb555le", "rgb565le", "bgr555le", "bgr565le", "rgb555be", "rgb565be"), "gbrp"),
    **dict.fromkeys(("rgba", "bgra", "argb", "abgr", "ya8", "pal8"), "gbrap"),
    **dict.fromkeys(("rgb48le", "rgb48be", "bgr48le", "bgr48be"), "gbrp16le"),
    **dict.fromkeys(("rgba64le", "rgba64be", "bgra64le", "bgra64be", "ya16le", "ya16be"), "gbrap16le"),
    **dict.fromkeys(("x2rgb10le", "x2bgr10le"), "gbrp10le"),
    **dict.fromkeys(("yuyv422", "uyvy422", "yvyu422", "nv16"), "yuv422p"),
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    **dict.fromkeys(("p210le", "p210be", "nv20le"), "yuv422p10le"),
    **dict.fromkeys(("p010le", "p010be"), "yuv420p10le"),
    **dict.fromkeys(("p212le", "y212le"), "yuv422p12le"),
    **dict.fromkeys(("v30xle", "xv30le"), "yuv444p10le"),
    **dict.fromkeys(("xv36le", "p412le"), "yuv444p12le"),
    **dict.fromkeys(("vyu444", "vuyx"), "yuv444p"),
    **dict.fromkeys(("ayuv", "vuya", "uyva"), "yuva444p"),
    "ayuv64le": "yuva444p16le",
    **dict.fromkeys(("monow", "monob"), "gray"),
    "gray16be": "gray16le",
    "xyz12be": "xyz12le",
}
_DCDM_PEAK = 52.37 / 48  # SMPTE ST 428-1: luminance of the largest code over that of white
_DCDM_EXPONENT = 2.6
_XYZ_TO_P3 = np.array(
    [
        [2.4934969119, -0.9313836179, -0.4027107845],
        [-0.8294889696, 1.7626640603, 0.0236246858],
        [0.0358458302, -0.0761723893, 0.9568845240],
    ],
    np.float32,
)  # D65 white, SMPTE EG 432-1


def has_alpha(picture: av.VideoFrame) -> bool:
    """Whether a picture has an alpha channel, a palette's transparent entries included."""
    return any(component.is_alpha for component in picture.format.components) or picture.format.name == "pal8"


def is_xyz(picture: av.VideoFrame) -> bool:
    """Whether a picture holds X'Y'Z', as digital cinema packages do."""
    return picture.format.name in ("xyz12le", "xyz12be")


def picture_to_rgb(picture: av.VideoFrame, matrix: Matrix) -> tuple[FloatArray, FloatArray | None]:
    """R'G'B' and alpha of a picture.

    matrix: of Y'CbCr. Returns float32 (H, W, 3), 0..1 between black and white, super-white and sub-black codes kept,
    and float32 (H, W), 0..1, or None. X'Y'Z' becomes P3 primaries with a D65 white and an exponent of 2.6.
    Raises ValueError, with a phrase that says which pixel format, for one that is not read.
    """
    if picture.format.name in _PLANAR:
        picture = picture.reformat(format=_PLANAR[picture.format.name])
    layout = picture.format
    bits, count = layout.components[0].bits, len(layout.components)
    if is_xyz(picture):
        return _from_xyz(picture), None
    if layout.name.endswith(("f16le", "f16be", "f32le", "f32be", "32le", "32be")) or not 8 <= bits <= 16:
        raise ValueError(f"the pixel format {layout.name}")
    is_read = count in (1, 3, 4) and (layout.is_planar or count == 1) and len(picture.planes) >= count
    if not is_read or layout.name.endswith("be"):
        raise ValueError(f"the pixel format {layout.name}")
    top = np.float32((1 << bits) - 1)
    planes = [_plane_codes(picture.planes[component.plane], bits) for component in layout.components]
    if count == 1:  # grey is full-range, whatever else is said
        grey = planes[0].astype(np.float32) / top
        return np.stack([grey, grey, grey], axis=-1), None
    alpha = planes[3].astype(np.float32) / top if count == 4 else None
    if layout.is_rgb:
        return np.stack(planes[:3], axis=-1).astype(np.float32) / top, alpha
    if layout.components[1].width not in (layout.width, (layout.width + 1) // 2):
        raise ValueError(f"the chroma layout {layout.name}")
    full = int(picture.color_range) == 2 or layout.name.startswith("yuvj")
    rgb = planes_to_rgb(planes[0], planes[1], planes[2], bits=bits, full_range=full, matrix=matrix)
    return rgb, alpha


def _from_xyz(picture: av.VideoFrame) -> FloatArray:
    """P3 D65 with an exponent of 2.6, of X'Y'Z' in the high twelve bits of sixteen."""
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), "<u2").reshape(plane.height, plane.line_size // 2)
    codes = (rows[:, : 3 * picture.width] >> 4).reshape(plane.height, picture.width, 3)
    light = (codes.astype(np.float32) / np.float32(4095)) ** np.float32(_DCDM_EXPONENT) * np.float32(_DCDM_PEAK)
    p3 = light @ _XYZ_TO_P3.T
    encoded: FloatArray = np.copysign(np.abs(p3) ** np.float32(1 / _DCDM_EXPONENT), p3)
    return encoded


def _plane_codes(plane: av.video.plane.VideoPlane, bits: int) -> AnyArray:
    kind = np.uint8 if bits == 8 else np.uint16
    rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // np.dtype(kind).itemsize)
    return np.ascontiguousarray(rows[:, : plane.width])
