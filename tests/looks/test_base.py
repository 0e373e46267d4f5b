"""The base of a look: what it does is found again, and nothing is found where there is nothing."""

import numpy as np
import pytest

from vfxstyle.color import lab_to_linear, linear_to_lab
from vfxstyle.looks import TransformField, apply_field, transform_lab
from vfxstyle.looks.base import NO_BASE, Base, base_of_tensors, base_tensors, cube_change, places, with_gain
from vfxstyle.looks.base_fit import (
    CUBE_SIZE,
    FINE_SIZE,
    PlacedPixels,
    choose_base,
    fit_gain,
    fit_lut,
    fit_place,
    fitted_to_points,
)

RANDOM = np.random.default_rng(0)
LIGHT = (0.05 + 0.55 * RANDOM.random((6000, 3))).astype(np.float32)
LAB = linear_to_lab(LIGHT)
PLACE = (2 * RANDOM.random((6000, 2)) - 1).astype(np.float32)
FOLDS = np.arange(6000) % 3


def pixels(after):
    return PlacedPixels(LAB, after.astype(np.float32), PLACE)


def vignette():
    """Light times 1.2 in the middle, falling as a Gaussian."""
    return LIGHT * (1.2 * np.exp(-0.5 * (PLACE**2).sum(axis=1)))[:, None].astype(np.float32)


def film():
    """A curve that bends twice, of every channel its own."""
    bent = np.sqrt(LIGHT) + np.array([0.05, 0.03, -0.04], np.float32) * np.sin(2 * np.pi * np.sqrt(LIGHT))
    return linear_to_lab(bent.astype(np.float32) ** 2)


@pytest.mark.parametrize("first", [True, False])
def test_a_gain_with_a_transform_is_one_transform(first):
    colour = RANDOM.normal(0, 0.05, 30).astype(np.float32)
    gain = np.exp(RANDOM.normal(0, 0.2, 50)).astype(np.float32)
    lab = LAB[:50]

    black = np.array([16, 0, 0])

    def lit(values):
        return gain[:, None] * (values + black) - black

    expected = transform_lab(lit(lab).astype(np.float32), colour) if first else lit(transform_lab(lab, colour))
    np.testing.assert_allclose(transform_lab(lab, with_gain(colour, gain, first=first)), expected, atol=2e-4)


def test_a_vignette_is_found_with_its_numbers():
    base = fit_gain(pixels(linear_to_lab(vignette())))
    np.testing.assert_allclose(base.gain, [0, 0, -0.5, 0, -0.5, 0], atol=5e-3)
    chosen, errors = choose_base(pixels(linear_to_lab(vignette())), FOLDS, few_numbers_only=True)
    assert errors["gain"] < 0.02 * errors["none"]
    assert list(base_tensors(chosen)) == ["gain", "colour"]
    assert "vignette" in chosen.words


def test_a_gradient_of_colour_is_found_by_place():
    tint = np.exp(PLACE[:, :1] * np.array([[-0.4, 0, 0.3]], np.float32))
    chosen, errors = choose_base(pixels(linear_to_lab(LIGHT * tint)), FOLDS, few_numbers_only=False)
    assert chosen.place.size
    assert errors["place"] < 0.1 * errors["none"]
    assert "from left to right" in chosen.words


def test_only_few_numbers_by_place_where_folds_cannot_tell():
    tint = np.exp(PLACE[:, :1] * np.array([[-0.4, 0, 0.3]], np.float32))
    chosen, errors = choose_base(pixels(linear_to_lab(LIGHT * tint)), FOLDS, few_numbers_only=True)
    assert "place" not in errors
    assert not chosen.place.size


def test_a_film_look_is_a_cube():
    chosen, errors = choose_base(pixels(film()), FOLDS, few_numbers_only=False)
    assert list(base_tensors(chosen)) == ["cube"]
    assert errors["LUT"] < 0.4 * errors["none"]
    assert chosen.words == "a global look"
    assert "gain and LUT" not in errors  # place says nothing by itself


def test_where_colour_and_place_say_nothing_there_is_no_base():
    noise = LAB + RANDOM.normal(0, 4, LAB.shape).astype(np.float32)
    chosen, _ = choose_base(pixels(noise), FOLDS, few_numbers_only=False)
    assert chosen.is_none
    assert chosen.words == ""


def test_things_treated_apart_do_not_pull_the_base():
    """A tenth of the pixels, at the right, has another grade altogether."""
    after = linear_to_lab(vignette())
    after[PLACE[:, 0] > 0.8] += [25, 10, 10]
    assert np.linalg.norm(fit_gain(pixels(after)).gain - [0, 0, -0.5, 0, -0.5, 0]) < 0.2


@pytest.mark.parametrize("kind", ["cube", "gain", "place"])
def test_a_picture_graded_with_a_base_is_what_the_base_says(kind):
    base = {
        "cube": Base(cube=RANDOM.normal(0, 3, (5, 5, 5, 3)).astype(np.float32)),
        "gain": fit_gain(pixels(linear_to_lab(vignette()))),
        "place": fit_place(pixels(linear_to_lab(vignette()))),
    }[kind]
    picture = LIGHT[: 40 * 60].reshape(40, 60, 3)
    lab = linear_to_lab(picture)
    field = base.added_to(TransformField(np.zeros((40, 60, 30), np.float32), lab))
    out, _ = apply_field(picture, field)
    expected = lab_to_linear(lab + base.change(lab, places(40, 60)))
    bright = expected.min(axis=-1) > 0.01  # below lies the toe
    np.testing.assert_allclose(out[bright], expected[bright], atol=2e-4)


def test_shares_say_how_much_of_each_cube_a_cell_has():
    cubes = RANDOM.normal(0, 3, (2, 4, 4, 4, 3)).astype(np.float32)
    picture = LIGHT[: 30 * 30].reshape(30, 30, 3)
    lab = linear_to_lab(picture)
    shares = RANDOM.random((30, 30, 2)).astype(np.float32)
    out, _ = apply_field(picture, TransformField(np.zeros((30, 30, 30), np.float32), lab, cubes, shares))
    change = sum(shares[..., i, None] * cube_change(cubes[i], lab) for i in range(2))
    expected = lab_to_linear(lab + change)
    bright = expected.min(axis=-1) > 0.01
    np.testing.assert_allclose(out[bright], expected[bright], atol=2e-4)


def test_a_base_is_taken_apart_and_put_together():
    base = fit_gain(pixels(linear_to_lab(vignette())))
    again = base_of_tensors(base_tensors(base), gain_first=base.gain_first)
    np.testing.assert_array_equal(again.change(LAB, PLACE), base.change(LAB, PLACE))
    assert base_of_tensors({}, gain_first=True).is_none
    assert NO_BASE.is_none
    for parts in ({"gain": 5}, {"gain": 6}, {"cube": (3, 3, 2, 3)}, {"place": 3}):
        with pytest.raises(ValueError, match="wrong size"):
            base_of_tensors({name: np.zeros(size, np.float32) for name, size in parts.items()}, gain_first=True)


def test_a_fine_cube_is_nearer_to_a_look_of_many_pixels():
    many = np.concatenate([LAB + RANDOM.uniform(-1, 1, LAB.shape).astype(np.float32) for _ in range(8)])
    light = lab_to_linear(many)
    after = linear_to_lab(np.where(light > 0.4, 0.4 + 0.5 * (light - 0.4), light).astype(np.float32))
    given = PlacedPixels(many, after, np.tile(PLACE, (8, 1)))
    bases = [choose_base(given, np.tile(FOLDS, 8), few_numbers_only=True, fine=fine)[0] for fine in (False, True)]
    assert [len(base.cube) for base in bases] == [CUBE_SIZE, FINE_SIZE]
    coarse, fine = (given.missed_by(base).mean() for base in bases)
    assert fine < 0.8 * coarse


def test_a_cube_is_fitted_to_single_pixels_where_they_say_more_than_means():
    means = LAB.reshape(-1, 2, 3).mean(axis=1), film().reshape(-1, 2, 3).mean(axis=1)
    base = fit_lut(PlacedPixels(*means, PLACE[::2]), size=33)
    found = fitted_to_points(base, pixels(film()))
    missed = [np.linalg.norm(film() - LAB - cube_change(one.cube, LAB), axis=1).mean() for one in (base, found)]
    assert missed[1] < 0.8 * missed[0]
    assert found.cube.shape == base.cube.shape
    grain = RANDOM.normal(0, 15, LAB.shape)
    assert fitted_to_points(base, pixels(film() + grain)) is base
    assert fitted_to_points(NO_BASE, pixels(film())) is NO_BASE
