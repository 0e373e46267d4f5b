"""Files that other programs read, read back by OpenColorIO."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from vfxstyle.color.luts import write_cdl, write_cube
from vfxstyle.errors import OutputError
from vfxstyle.looks.lut import Cdl, apply_cube


@pytest.fixture
def cube():
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 3, indexing="ij"), axis=-1).astype(np.float32)
    return np.ascontiguousarray(
        grid[..., [1, 2, 0]] ** 1.3 * 1.2 - 0.05
    )  # no channel in its place, values outside 0..1


def through(path, rgb):
    transform = ocio.FileTransform(str(path), interpolation=ocio.INTERP_LINEAR)
    out = rgb.copy()
    ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor().applyRGB(out)
    return out


@pytest.mark.parametrize("name", ["look.cube", "look.clf"])
def test_a_cube_comes_back(tmp_path, cube, name):
    write_cube(tmp_path / name, cube, "dusk on sh010")
    assert "dusk on sh010" in (tmp_path / name).read_text()
    nodes = (
        np.random.default_rng(0).integers(0, 9, (200, 3)).astype(np.float32) / 8
    )  # where no two ways of lookup differ
    np.testing.assert_allclose(through(tmp_path / name, nodes), apply_cube(cube, nodes), atol=2e-6)
    first = (tmp_path / name).read_bytes()
    write_cube(tmp_path / name, cube, "dusk on sh010")
    assert (tmp_path / name).read_bytes() == first


def test_a_cdl_comes_back(tmp_path):
    cdl = Cdl((1.1, 0.9, 1.2), (0.02, -0.01, 0.03), (0.9, 1.1, 1.05), 0.8)
    write_cdl(tmp_path / "look.cc", cdl.slope, cdl.offset, cdl.power, cdl.saturation, "dusk")
    rgb = np.random.default_rng(0).uniform(0.1, 0.7, (100, 3)).astype(np.float32)
    np.testing.assert_allclose(through(tmp_path / "look.cc", rgb), cdl.apply(rgb), atol=2e-5)


def test_an_unwritable_place_is_named(tmp_path, cube):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_cube(tmp_path / "file" / "look.cube", cube, "")
