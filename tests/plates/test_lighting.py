import numpy as np
import pytest

from vfxstyle.plates.lighting import (
    BALANCED,
    ORDINARY,
    ORDINARY_WARMTH,
    OTHER_LIGHT,
    Measured,
    lighting_of,
    measured,
    stops_and_warmth,
)
from vfxstyle.plates.picture import in_ordinary_light, measured_frame
from vfxstyle.plates.spaces import Light
from vfxstyle.shots import Frame
from vfxstyle.shots.windows import Window

TUNGSTEN = np.array([1.680, 0.866, 0.326], np.float32)  # 3200 K in linear Rec.709
RNG = np.random.default_rng(0)


def lighting(frames):
    return lighting_of(*stops_and_warmth(frames))


@pytest.fixture
def street():
    """Grey things of any brightness, linear light."""
    return np.repeat(np.kron(RNG.random((18, 32, 1)), np.ones((4, 4, 1))), 3, axis=2).astype(np.float32) * 0.4


def test_brightness_and_warmth_follow_the_light(street):
    plain, dark, warm = (measured(street * gains) for gains in (np.float32(1), np.float32(0.25), TUNGSTEN))
    assert dark.brightness == pytest.approx(plain.brightness - 2, abs=1e-5)
    assert dark.warmth == pytest.approx(plain.warmth, abs=1e-5)
    assert warm.warmth - plain.warmth == pytest.approx(np.log2(1.680 / 0.326), abs=1e-3)


def test_a_shot_in_ordinary_light_keeps_its_own():
    ordinary = Measured(np.log2(ORDINARY), ORDINARY_WARMTH + 0.8 * BALANCED)
    np.testing.assert_allclose(lighting([ordinary]), 1, rtol=1e-6)
    np.testing.assert_array_equal(lighting([]), np.ones(3))


def test_another_light_is_taken_out_as_a_whole(street):
    for gains in (TUNGSTEN, 1 / TUNGSTEN):
        left = gains / lighting([measured(street * gains)])
        assert np.log2(left[0] / left[2]) + measured(street).warmth == pytest.approx(ORDINARY_WARMTH, abs=1e-3)


def warmth_that_stays(warmth):
    own = lighting_of(0, warmth)
    return warmth - float(np.log2(own[0] / own[2]))


def test_no_two_shots_are_farther_apart_than_they_were_measured():
    steps = np.linspace(-4, 4, 801)
    stays = np.array([warmth_that_stays(warmth) for warmth in steps])
    inner, outer = abs(steps - ORDINARY_WARMTH) <= BALANCED, abs(steps - ORDINARY_WARMTH) >= OTHER_LIGHT
    np.testing.assert_allclose(stays[inner], steps[inner], atol=1e-6)
    np.testing.assert_allclose(stays[outer], ORDINARY_WARMTH, atol=1e-6)
    assert abs(np.diff(stays)).max() < 0.0101  # of measured steps of 0.01


def test_black_bars_a_lamp_and_a_fade_do_not_count(street):
    plain = measured(street)
    bars = measured(np.pad(street, ((12, 12), (0, 0), (0, 0))))
    assert bars.brightness == pytest.approx(plain.brightness, abs=0.1)
    lit = street.copy()
    lit[:3, :3] = 5000, 2000, 100
    assert measured(lit).brightness == pytest.approx(plain.brightness, abs=0.3)
    frames = [measured(street * np.float32(level)) for level in (1, 1, 1, 0.5, 0.01)]
    np.testing.assert_allclose(lighting(frames), lighting([plain]), rtol=1e-5)


@pytest.mark.parametrize("odd", [(2000, 3, -1), (60000, 60000, 60000), (0, 0, 500)])
def test_a_few_odd_pixels_do_not_move_the_light(street, odd):
    plain = measured(street)
    noisy = street.copy()
    noisy[[3, 30, 50], [100, 7, 60]] = odd
    assert measured(noisy).warmth == pytest.approx(plain.warmth, abs=0.02)
    assert measured(noisy).brightness == pytest.approx(plain.brightness, abs=0.02)


@pytest.mark.parametrize("premultiplied", [True, False])
def test_light_is_measured_on_what_alpha_covers(street, premultiplied):
    window = Window(0, 0, street.shape[1], street.shape[0])
    light = Light(None, np.eye(3, dtype=np.float32))
    warm = street * TUNGSTEN
    alpha = np.ones(street.shape[:2], np.float32)
    plain = measured_frame(Frame(1, "made", warm, window, window, alpha=alpha), light)
    alpha[:, 64:] = np.linspace(1, 0.1, 64)  # a soft edge over half of the picture
    cover = alpha[..., None]
    soft = Frame(
        1, "made", warm * cover if premultiplied else warm, window, window, alpha=alpha, premultiplied=premultiplied
    )
    assert measured_frame(soft, light).brightness == pytest.approx(plain.brightness, abs=1e-4)
    assert measured_frame(soft, light).warmth == pytest.approx(plain.warmth, abs=1e-4)
    alpha[:, 64:] = 0
    under = np.where(alpha[..., None] > 0, warm, np.float32([0, 0, 40]))  # a glow that covers nothing
    cut = measured_frame(Frame(1, "made", under, window, window, alpha=alpha, premultiplied=premultiplied), light)
    assert cut == measured(np.ascontiguousarray(warm[:, :64]))
    none = measured_frame(Frame(1, "made", warm, window, window, alpha=np.zeros_like(alpha)), light)
    assert none == measured_frame(Frame(1, "made", warm, window, window), light)


@pytest.mark.parametrize("little", [0, 1e-38, 1e-6, 0.01, np.nan, np.inf])
def test_alpha_that_covers_nothing_says_nothing(street, little):
    window = Window(0, 0, street.shape[1], street.shape[0])
    light = Light(None, np.eye(3, dtype=np.float32))
    alpha = np.full(street.shape[:2], little, np.float32)
    alpha[40, 40] = 1
    noisy = street.copy()
    noisy[40, 40] = 60000
    plain = measured_frame(Frame(1, "made", noisy, window, window), light)
    assert measured_frame(Frame(1, "made", noisy, window, window, alpha=alpha, premultiplied=True), light) == plain


def test_a_few_stars_are_light(street):
    night = np.zeros_like(street)
    night[[3, 30, 50], [100, 7, 60]] = 0.5
    assert measured(night) is not None


def test_a_black_picture_has_no_light():
    assert measured(np.zeros((8, 8, 3), np.float32)) is None
    shown, own = in_ordinary_light(np.zeros((8, 8, 3), np.float32))
    assert not shown.any()
    np.testing.assert_array_equal(own, 1)


def test_pixels_that_are_not_finite_do_not_count(street):
    window = Window(0, 0, street.shape[1], street.shape[0])
    light = Light(None, np.eye(3, dtype=np.float32))
    faulty = street.copy()
    faulty[::9, ::9] = np.nan
    faulty[::7, 3] = np.inf
    frames = [Frame(1, "made", rgb, window, window) for rgb in (street, faulty)]
    plain, other = (measured_frame(frame, light) for frame in frames)
    assert other.brightness == pytest.approx(plain.brightness, abs=0.1)


def test_pictures_of_one_thing_in_any_light_are_one_picture(street):
    from vfxstyle.color import linear_to_srgb

    plain, dark = (in_ordinary_light(linear_to_srgb(street * np.float32(gain)))[0] for gain in (1, 0.3))
    np.testing.assert_allclose(dark, plain, atol=1e-4)
