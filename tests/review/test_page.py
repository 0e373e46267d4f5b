"""The review page in a real browser, on frames of the bundled clip: what a colourist does, and that the grade is it."""

import io
import shlex
import shutil

import numpy as np
import pytest
from helpers import EXAMPLE, in_process, read_pixels
from PIL import Image
from serving import serving

from vfxstyle.color import ColorConfig
from vfxstyle.grading.corrections import read_corrections
from vfxstyle.review.session import Asked

FRAMES = 3


@pytest.fixture
def clip(tmp_path):
    """A few frames of the bundled clip."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for path in sorted(EXAMPLE.iterdir())[:FRAMES]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def page(browser, clip, tmp_path, lively_preset):
    """The page of a review, and its faults."""
    with serving(clip, str(lively_preset), analysis=tmp_path / "analysis") as review:
        # kernels that are not compiled yet take longer than a page is waited for
        review.session.graded(Asked(frame=review.session.view.frames[0], preset=str(lively_preset)))
        opened = browser.new_page(viewport={"width": 1400, "height": 800})
        faults = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        opened.goto(review.address)
        settled(opened)
        yield opened, review
        opened.close()
        assert faults == []


def settled(page):
    """Wait until the exact picture is shown."""
    for _ in range(200):
        if path_of(page) is not None and path_of(page) == page.get_attribute("#graded", "data-wanted"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("the picture never settled")


def path_of(page):
    return page.get_attribute("#graded", "data-path")


def picture(page, review):
    """What the page shows of the grade, uint8 (H, W, 3)."""
    answer = page.request.get(review.address + path_of(page))
    return np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGB"))


def press(page, key):
    """Press a key and wait for the picture that it leads to."""
    page.keyboard.press(key)
    page.wait_for_timeout(100)
    settled(page)


def test_scrub_wipe_strength_lasso_undo_save_and_the_grade_is_what_was_shown(page, clip, tmp_path, lively_preset):
    opened, review = page
    number = int(opened.inner_text("#number"))
    press(opened, "ArrowRight")
    assert int(opened.inner_text("#number")) == number + 1
    opened.evaluate("document.activeElement.blur()")
    opened.keyboard.press("w")
    assert "flat" in opened.get_attribute("#sheet", "class")
    opened.keyboard.press("w")
    opened.keyboard.press(" ")
    assert "before" in opened.get_attribute("#sheet", "class")
    opened.keyboard.press(" ")

    full = picture(opened, review)
    opened.locator("#strength").fill("40")
    opened.wait_for_timeout(400)
    settled(opened)
    assert "strength=0.4" in path_of(opened)
    assert np.abs(picture(opened, review).astype(int) - full).mean() > 0.2

    opened.keyboard.press("a")
    box = opened.locator("#sheet").bounding_box()
    corners = [(0.05, 0.05), (0.45, 0.05), (0.45, 0.9), (0.05, 0.9)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    opened.mouse.move(*points[0])
    opened.mouse.down()
    for point in [*points[1:], points[0]]:
        opened.mouse.move(*point, steps=5)
    opened.mouse.up()
    opened.wait_for_selector("#mask", state="visible")
    assert int(opened.inner_text("#selected").split()[0]) > 3
    before = picture(opened, review)
    press(opened, "x")
    opened.wait_for_selector("#mask", state="hidden")
    assert "lasso on" in opened.inner_text("#corrections")
    protected = picture(opened, review)
    assert np.abs(protected.astype(int) - before)[:, : protected.shape[1] // 3].mean() > 0.2
    press(opened, "z")
    np.testing.assert_array_equal(picture(opened, review), before)
    press(opened, "y")
    opened.keyboard.press("s")
    opened.wait_for_selector("#save:disabled")

    opened.wait_for_selector("#command:has-text('--adjust')")
    assert len(read_corrections(review.session.file).made) == 1
    words = shlex.split(opened.inner_text("#command"))
    done = in_process(*words[1:], "-o", tmp_path / "out", "--compression", "zip")
    assert done.exit_code == 0, done.stderr
    config = ColorConfig.load()
    view, _ = config.to_screen(config.space("lin_rec709_scene"))
    for _ in range(FRAMES):
        press(opened, "ArrowLeft")
    for path in sorted((tmp_path / "out").glob("*.exr")):
        shown = picture(opened, review)
        graded = np.clip(view.apply(read_pixels(path)[..., :3]), 0, 1) * 255
        assert np.abs(graded - shown).max() <= 1.5, path  # of a half, and of a code
        press(opened, "ArrowRight")


def test_a_keyboard_alone_is_enough(page):
    opened, _ = page
    opened.keyboard.press("g")
    for key in ("l", "k", "j", "j"):
        opened.keyboard.press(key)
    opened.keyboard.press("Enter")
    opened.wait_for_selector("#mask:not([hidden])")
    press(opened, "x")
    assert "group on" in opened.inner_text("#corrections")
    for layer in ("borders", "groups"):
        opened.keyboard.press("o")
        opened.wait_for_selector(f'#overlay[data-path^="{layer}/"]')
    assert (
        opened.evaluate(
            "document.querySelectorAll('button:not([id]), input:not([aria-label]):not(label input)').length"
        )
        <= 1
    )
    opened.keyboard.press("Escape")
    assert opened.inner_text("#selected") == "nothing selected"


def test_another_look_and_pixels_and_the_server_outlives_its_page(page, browser):
    opened, review = page
    opened.select_option("#preset", "cold")
    opened.wait_for_selector('#graded[data-path*="preset=cold"]')
    opened.evaluate("document.activeElement.blur()")
    opened.keyboard.press("1")
    assert "near" in opened.get_attribute("#sheet", "class")
    opened.keyboard.press("1")
    other = browser.new_page()
    other.goto(review.address)
    other.close()  # in the middle of loading
    assert opened.request.get(review.address + "state").ok


def test_it_can_be_read_in_light_and_in_dark(page):
    """WCAG 2.1: text has 4.5 times the contrast of what is behind it."""
    opened, _ = page
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        ink, paper, soft = opened.evaluate(
            "['color', 'background-color'].map(name => getComputedStyle(document.body)[name])"
            ".concat(getComputedStyle(document.querySelector('.soft')).color)"
        )
        assert contrast(ink, paper) > 7
        assert contrast(soft, paper) > 4.5


def contrast(one, two):
    def light(colour):
        parts = np.array([int(part) / 255 for part in colour[4:-1].split(",")[:3]])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05

    brighter, darker = sorted((light(one), light(two)), reverse=True)
    return brighter / darker
