"""Half floats of a picture, to and fro."""

import numpy as np
import pytest

from vfxstyle.shots.halves import half_planes, picture_of_planes

ALL = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256)


def test_every_half_float_becomes_its_float():
    planes = [ALL, ALL[::-1], ALL.T]
    made = picture_of_planes(planes)
    expected = np.stack([plane.astype(np.float32) for plane in planes], axis=-1)
    np.testing.assert_array_equal(made.view(np.uint32), expected.view(np.uint32))


def test_and_back():
    picture = picture_of_planes([ALL] * 3)
    back = half_planes(picture)
    finite = np.isfinite(ALL)
    for plane in back:
        np.testing.assert_array_equal(plane[finite].view(np.uint16), ALL[finite].view(np.uint16))
        np.testing.assert_array_equal(np.isnan(plane), np.isnan(ALL))


def test_planes_of_other_types_are_taken_as_they_are():
    planes = [ALL.astype(np.float32), ALL, np.ones((256, 256), np.float32)]
    made = picture_of_planes(planes)
    for index, plane in enumerate(planes):
        np.testing.assert_array_equal(made[..., index], plane.astype(np.float32))


def test_planes_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        picture_of_planes([ALL, ALL[:100, :100], ALL])
