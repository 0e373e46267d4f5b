"""Two layers and their matte are found again on frames that were graded with them."""

import cv2
import numpy as np

from vfxstyle.color import linear_to_lab, linear_to_srgb, srgb_to_linear
from vfxstyle.looks.base import Base, cube_change, gain_terms, places
from vfxstyle.looks.base_fit import PlacedPixels, fit_place
from vfxstyle.looks.detail import bands
from vfxstyle.looks.layer_cubes import layers_of_points
from vfxstyle.looks.layer_fit import layers_of_gates
from vfxstyle.looks.layer_search import find_layers
from vfxstyle.looks.layers import GradeLayers

RANDOM = np.random.default_rng(0)
SIZE = (120, 200)


def picture():
    coarse = RANDOM.random((12, 20, 3)).astype(np.float32)
    fine = RANDOM.normal(0, 0.03, (*SIZE, 3)).astype(np.float32)
    return np.clip(0.1 + 0.7 * cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC) + fine, 0.02, 0.98)


def disc(x):
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    return ((columns - x) ** 2 + (rows - 60) ** 2 < 30**2).astype(np.float32)


def lab_of(srgb):
    return linear_to_lab(srgb_to_linear(srgb.astype(np.float32)))


def graded(plate, matte):
    near = linear_to_srgb(srgb_to_linear(plate) * np.array([1.5, 1.2, 0.9], np.float32))
    far = linear_to_srgb(srgb_to_linear(plate) * np.array([0.4, 0.5, 0.7], np.float32))
    return far + matte[..., None] * (near - far)


def test_a_feathered_matte_is_found_with_its_feather():
    plates, mattes = [picture(), picture()], [disc(70), disc(120)]
    change = [
        lab_of(graded(p, cv2.GaussianBlur(m, (0, 0), 3.0))) - lab_of(p) for p, m in zip(plates, mattes, strict=True)
    ]
    found = find_layers([lab_of(p) for p in plates], change)
    assert found is not None
    layers, missed = found
    assert layers.feather == 3.0
    assert missed < 0.1 * np.mean([np.linalg.norm(c, axis=-1).mean() for c in change])
    for gate, matte in zip(layers.gates, mattes, strict=True):
        assert ((gate > 0.5) == (matte > 0.5)).mean() > 0.99


def test_a_wide_window_is_no_feathered_matte():
    plates = [picture(), picture()]
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    windows = [np.exp(-(((columns - x) / 40) ** 2 + ((rows - 60) / 25) ** 2) / 2) for x in (70, 120)]
    change = [lab_of(graded(p, w)) - lab_of(p) for p, w in zip(plates, windows, strict=True)]
    found = find_layers([lab_of(p) for p in plates], change)
    assert found is not None
    layers, _ = found
    assert layers.feather == 0.0
    assert np.abs(layers.shaped(layers.gates[0]) - windows[0]).mean() < 0.08


def test_one_grade_for_everything_has_no_layers():
    plate = picture()
    change = lab_of(graded(plate, np.zeros(SIZE, np.float32))) - lab_of(plate)
    assert find_layers([lab_of(plate)], [change]) is None


def test_a_small_subject_that_is_graded_strongly_is_found():
    """Smoothing lowers the gate of a small subject a little in every pass, and the second layer would grow with it."""
    plate = picture()
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    matte = ((abs(columns - 90) < 4) & (abs(rows - 60) < 30)).astype(np.float32)
    change = lab_of(graded(plate, cv2.GaussianBlur(matte, (0, 0), 1.0))) - lab_of(plate)
    found = find_layers([lab_of(plate)], [change])
    assert found is not None
    layers, missed = found
    assert layers.feather in (0.5, 1.0, 1.5)
    assert missed < 0.1 * np.linalg.norm(change, axis=-1).mean()
    assert ((layers.gates[0] > 0.5) == (matte > 0.5)).mean() > 0.99


def feathered(x):
    return cv2.GaussianBlur(disc(x), (0, 0), 3.0)


def test_local_contrast_is_in_the_layers_where_the_grade_has_some():
    plates, mattes = [picture(), picture()], [feathered(70), feathered(120)]
    change = [lab_of(graded(p, m)) - lab_of(p) for p, m in zip(plates, mattes, strict=True)]
    plain = find_layers([lab_of(p) for p in plates], change)
    assert plain is not None
    assert not plain[0].gains.any()
    for one, plate, matte in zip(change, plates, mattes, strict=True):
        one[..., 0] += bands(lab_of(plate)[..., 0]) @ np.array([1.0, 0.0, 0.0], np.float32) * (1 - 0.5 * matte)
    found = find_layers([lab_of(p) for p in plates], change)
    assert found is not None
    layers, missed = found
    assert layers.feather == 3.0
    np.testing.assert_allclose(layers.gains[:, 0], [1.0, 0.5], atol=0.1)
    assert missed < 0.2


def test_a_vignette_lies_under_both_layers_and_is_not_taken_for_a_part_of_one():
    """A look's base has seen both layers; only its kind is taken, and it is fitted anew to one of them."""
    plates, mattes = [picture(), picture()], [feathered(70), feathered(120)]
    gain = np.array([0, 0, -0.7, 0, -0.7, 0], np.float32)
    fall = np.exp(gain_terms(places(*SIZE)) @ gain)[..., None]
    change = []
    for plate, matte in zip(plates, mattes, strict=True):
        darker = linear_to_srgb(srgb_to_linear(graded(plate, matte).astype(np.float32)) * fall)
        change.append(lab_of(darker) - lab_of(plate))
    base = Base(gain=np.full(6, 0.3, np.float32), colour=np.zeros(30, np.float32))
    found = find_layers([lab_of(p) for p in plates], change, base)
    assert found is not None
    layers, missed = found
    assert layers.feather == 3.0
    assert missed < 0.08 * np.mean([np.linalg.norm(c, axis=-1).mean() for c in change])
    for gate, matte in zip(layers.gates, mattes, strict=True):
        assert ((gate > 0.5) == (matte > 0.5)).mean() > 0.99
    corner = layers.by_place.change(np.array([[50, 0, 0]] * 2, np.float32), np.array([[-1, -1], [0, 0]], np.float32))
    assert corner[0, 0] < corner[1, 0] - 10
    without = find_layers([lab_of(p) for p in plates], change)
    assert without is None or without[1] > 2 * missed


def test_a_limb_thinner_than_any_feather_stays_in_the_matte():
    plate = picture()
    matte = disc(90)
    matte[58:61, 120:170] = 1  # an arm of 3 px
    noise = RANDOM.normal(0, 2, (*SIZE, 3)).astype(np.float32)
    change = lab_of(graded(plate, cv2.GaussianBlur(matte, (0, 0), 1.0))) - lab_of(plate) + noise
    found = find_layers([lab_of(plate)], [change])
    assert found is not None
    layers, _ = found
    assert layers.has_matte
    assert (layers.gates[0][58:61, 122:168] > 0.5).mean() > 0.9


def test_what_the_first_layer_says_nothing_of_stays_as_the_base_has_it():
    """The second layer is at one edge, where a polynomial of the first is a guess."""
    plates = [picture(), picture()]
    sky = np.zeros(SIZE, np.float32)
    sky[:48] = 1
    fall = (1 - 0.5 * places(*SIZE)[..., 1:]).astype(np.float32) * 0.7
    change = []
    for plate in plates:
        darker = linear_to_srgb(
            srgb_to_linear(graded(plate, cv2.GaussianBlur(sky, (0, 0), 3.0)).astype(np.float32)) * fall
        )
        change.append(lab_of(darker) - lab_of(plate))
    labs = [lab_of(plate) for plate in plates]
    pixels = PlacedPixels(
        np.concatenate([lab.reshape(-1, 3) for lab in labs]),
        np.concatenate([(lab + one).reshape(-1, 3) for lab, one in zip(labs, change, strict=True)]),
        np.tile(places(*SIZE).reshape(-1, 2), (2, 1)),
    )
    base = fit_place(pixels)
    given = layers_of_gates(labs, change, [sky, sky], base, are_mattes=True)
    assert given is not None
    without = [one - base.change(lab, places(*SIZE)) for lab, one in zip(labs, change, strict=True)]
    own = layers_of_gates(labs, without, [sky, sky], are_mattes=True)
    assert own is not None
    assert given[1] < 1.05 * own[1]


def shrunk(srgb):
    """A picture of a quarter of the size, averaged in light as an analysis picture, and the middle pixels of these."""
    light = srgb_to_linear(srgb.astype(np.float32))
    mean = light.reshape(SIZE[0] // 4, 4, SIZE[1] // 4, 4, 3).mean(axis=(1, 3))
    return linear_to_srgb(mean), srgb[2::4, 2::4].astype(np.float32)


def curved(plate, matte):
    """What two grades make of a picture of which either bends light, so that it matters whether pixels are averaged."""
    light = srgb_to_linear(plate)
    near, far = linear_to_srgb(light**0.5), linear_to_srgb(0.7 * light**1.6)
    return np.asarray(far + matte[..., None] * (near - far), np.float32)


def test_layers_are_fitted_to_single_pixels_and_not_to_their_means():
    random = np.random.default_rng(3)
    coarse = cv2.resize(random.random((6, 10, 3)).astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    plates = [
        np.clip(0.1 + 0.7 * coarse + random.normal(0, 0.12, (*SIZE, 3)), 0.02, 0.98).astype(np.float32)
        for _ in range(6)
    ]
    matte = disc(100)
    before, after = ([shrunk(plate) for plate in side] for side in (plates, [curved(p, matte) for p in plates]))
    means, points = (
        [(lab_of(one[of]), lab_of(other[of])) for one, other in zip(before, after, strict=True)] for of in (0, 1)
    )
    layers = GradeLayers(np.zeros((2, 13, 13, 13, 3), np.float32), np.stack([matte[2::4, 2::4]] * 6), 0.5)
    labs = [lab for lab, _ in means]
    at_points, at_means = layers_of_points(layers, labs, points), layers_of_points(layers, labs, means)
    assert at_points.cubes.shape == (2, 25, 25, 25, 3)
    lab = lab_of(plates[0])
    for index, alone in enumerate((np.zeros(SIZE), np.ones(SIZE))):
        wanted = lab_of(curved(plates[0], alone)) - lab
        shown = matte == index
        right, biased = (
            np.linalg.norm((cube_change(found.cubes[index], lab) - wanted)[shown].mean(axis=0))
            for found in (at_points, at_means)
        )
        assert right < 0.4 * biased


def test_layers_stay_where_single_pixels_say_no_more_than_means():
    plate, matte, grain = picture(), disc(100), RANDOM.normal(0, 8, (*SIZE, 3)).astype(np.float32)
    lab, after = lab_of(plate), lab_of(curved(plate, matte))
    layers = layers_of_gates([lab], [after - lab], [matte])[0]
    found = layers_of_points(layers, [lab], [(lab, after + grain)])
    assert layers.cubes.shape[1] == 13
    assert found.cubes.shape[1] == 25
    for index in (0, 1):  # twice as many nodes between the same ones
        np.testing.assert_allclose(
            cube_change(found.cubes[index], lab), cube_change(layers.cubes[index], lab), atol=1e-3
        )


def test_a_layer_of_which_no_pixel_has_much_is_left_as_it_is():
    plate, share = picture(), np.zeros(SIZE, np.float32)
    share[58:62, 40:160] = 0.05
    layers = GradeLayers(np.zeros((2, 13, 13, 13, 3), np.float32), share[None], 0.0)
    found = layers_of_points(layers, [lab_of(plate)], [(lab_of(plate), lab_of(curved(plate, share)))])
    assert not found.cubes.any()


def test_a_layer_that_is_all_feather_is_fitted_too():
    plate = picture()
    matte = np.zeros(SIZE, np.float32)
    matte[58:62, 40:160] = 1
    layers = GradeLayers(np.zeros((2, 13, 13, 13, 3), np.float32), matte[None], 4.0)
    soft = layers.shaped(matte)
    assert soft.max() < 0.5
    after = curved(plate, soft)
    found = layers_of_points(layers, [lab_of(plate)], [(lab_of(plate), lab_of(after))])
    made = cube_change(found.cubes[1], lab_of(plate))
    wanted = lab_of(curved(plate, np.ones(SIZE))) - lab_of(plate)
    on_it = matte > 0
    missed = np.linalg.norm(made - wanted, axis=-1)[on_it].mean()
    assert missed < 0.5 * np.linalg.norm(wanted, axis=-1)[on_it].mean()
