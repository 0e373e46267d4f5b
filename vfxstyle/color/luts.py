"""Global LUTs and CDLs as files that other programs read: .cube and .clf for a 3D LUT, .cc for a CDL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import ColorError, OutputError
from vfxstyle.files import printable, write_atomically

LUT_SUFFIXES = (".cube", ".clf")
"""File name extensions of a 3D LUT, lower case, with the dot."""
CDL_SUFFIX = ".cc"
"""File name extension of a CDL, lower case, with the dot."""

# OpenColorIO's names of the two formats
_CLF = "Academy/ASC Common LUT Format"
_CC = "ColorCorrection"


def write_cube(
    path: Path,
    cube: FloatArray,
    title: str,
    around: tuple[ocio.Transform, ocio.Transform] | None = None,
) -> None:
    """Write a 3D LUT.

    path: its extension, one of :data:`LUT_SUFFIXES`, is the format.
    cube: float32 (n, n, n, 3), indexed by red, green, blue, over 0..1.
    title: one line of description.
    around: for .clf only, the steps before the cube, into its space, and after it, out of that again.
    Raises :class:`~vfxstyle.errors.OutputError` if the file cannot be written, :class:`~vfxstyle.errors.ColorError` if
    OpenColorIO cannot express the LUT.
    """
    lut = ocio.Lut3DTransform(gridSize=cube.shape[0])
    lut.setData(np.ascontiguousarray(cube, np.float32).reshape(-1))
    lut.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    try:
        if path.suffix.lower() == ".clf":
            text = _as_clf([around[0], lut, around[1]] if around else [lut], title)
        else:
            text = _as_cube(lut, cube.shape[0], title)
    except ocio.Exception as error:
        raise ColorError(f"{path} cannot be made: {error}") from error
    _store(path, text)


def write_cdl(
    path: Path,
    slope: Sequence[float],
    offset: Sequence[float],
    power: Sequence[float],
    saturation: float,
    description: str,
) -> None:
    """Write a CDL as a ColorCorrection file.

    slope, offset, power: of red, green and blue. saturation: 1 leaves it unchanged. description: one line.
    Raises :class:`~vfxstyle.errors.OutputError` if the file cannot be written.
    """
    cdl = ocio.CDLTransform(slope=list(slope), offset=list(offset), power=list(power), sat=saturation)
    cdl.setFirstSOPDescription(printable(description))
    cdl.setID(printable(path.stem))
    group = ocio.GroupTransform([cdl])
    _store(path, group.write(_CC, config=ocio.Config.CreateRaw()))


def _as_clf(steps: Sequence[ocio.Transform], title: str) -> str:
    group = ocio.GroupTransform(list(steps))
    metadata = group.getFormatMetadata()
    metadata.addChildElement("Description", printable(title))
    metadata.setID(printable(title))  # the default ID is random
    return str(group.write(_CLF, config=ocio.Config.CreateRaw()))


def _as_cube(lut: ocio.Lut3DTransform, size: int, title: str) -> str:
    """The text of a .cube file, made by OpenColorIO's baker as the conversion between two spaces."""
    config = ocio.Config.CreateRaw()
    config.addColorSpace(ocio.ColorSpace(name="plain"))  # "raw" itself is data, which is not converted
    config.addColorSpace(ocio.ColorSpace(name="graded", fromReference=lut))
    baker = ocio.Baker()
    baker.setConfig(config)
    baker.setFormat("iridas_cube")
    baker.setInputSpace("plain")
    baker.setTargetSpace("graded")
    baker.setCubeSize(size)
    baker.getFormatMetadata().addChildElement("Description", printable(title))
    return str(baker.bake())


def _store(path: Path, text: str) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}; choose another place.") from error
