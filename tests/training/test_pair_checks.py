import cv2
import numpy as np
import pytest

from vfxstyle.errors import PairsError
from vfxstyle.training.pair_checks import check_pairs, facts_of
from vfxstyle.training.pairs import ExemplarPair, PairPictures, PictureRef

SRGB = "sRGB Encoded Rec.709 (sRGB) (default of PNG)"


def scene(seed):
    """Smooth blobs and hard edges, as photographs have."""
    random = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(random.random((180, 320, 3)).astype(np.float32), (0, 0), 4)
    picture = np.ascontiguousarray(0.5 + 4 * (noise - 0.5)).clip(0.05, 0.95)
    for _ in range(12):
        corner, size = random.integers(0, [280, 140]), random.integers(10, 60, 2)
        cv2.rectangle(picture, corner.tolist(), (corner + size).tolist(), random.random(3).tolist(), -1)
    return np.ascontiguousarray(picture, np.float32)


def look(picture):
    return np.clip(0.8 * picture**1.4 + [0.15, 0.05, 0], 0, 1).astype(np.float32)


def facts(name, before, after, sizes=((320, 180), (320, 180)), spaces=(SRGB, SRGB)):
    pair = ExemplarPair(name, PictureRef("b"), PictureRef("a"))
    return facts_of(pair, PairPictures(before, after, sizes, spaces, (before, after), False))


def good(count=5):
    return [facts(f"p{i}", scene(i), look(scene(i))) for i in range(count)]


def test_good_pairs_are_passed_in_silence():
    assert check_pairs(good()) == []


def test_graded_frames_of_a_shot_that_are_jpeg_are_pointed_out():
    pictures = PairPictures(scene(1), look(scene(1)), ((320, 180),) * 2, (SRGB, SRGB), (scene(1), look(scene(1))), True)
    frame = facts_of(ExemplarPair("1001", PictureRef("b", 1001), PictureRef("a", 1001)), pictures)
    assert [note.partition(" a JPEG")[0] for note in check_pairs([frame])] == ["pair '1001': the graded frame is"]
    photograph = facts_of(ExemplarPair("p", PictureRef("b.jpg"), PictureRef("a.jpg")), pictures)
    assert check_pairs([photograph]) == []


def test_a_flat_picture_is_no_reason_to_complain():
    flat = np.full((180, 320, 3), 0.4, np.float32)
    assert check_pairs([*good(), facts("flat", flat, look(flat))]) == []


def test_a_graded_picture_that_is_the_plate_is_pointed_out_and_all_of_them_are_refused():
    same = facts("same", scene(7), scene(7))
    (note,) = check_pairs([*good(), same])
    assert note.startswith("pair 'same': after is the same picture as before")
    with pytest.raises(PairsError, match="pair 'same': after is the same picture as before, so there is no look"):
        check_pairs([same])
    slightly = np.clip(scene(7) + np.array([1 / 255, 0, 0]), 0, 1).astype(np.float32)
    assert check_pairs([facts("slightly", scene(7), slightly)]) == []
    small = scene(7)
    small[90:94, 160:164] *= 1.2  # a subject of a few pixels
    assert check_pairs([facts("small", scene(7), small)]) == []


def detailed(seed):
    """A scene with detail everywhere, as a lens shows it."""
    detail = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 0.3, (180, 320, 1)), (0, 0), 1)[..., None]
    return (0.7 * scene(seed) + 0.15 + 0.5 * detail).clip(0.05, 0.95).astype(np.float32)


def blurred(picture):
    picture = picture.copy()
    picture[:, 160:] = cv2.GaussianBlur(picture, (0, 0), 1.5)[:, 160:]
    return picture


def far_out_of_focus(picture):
    return cv2.GaussianBlur(picture, (0, 0), 4)


def sharpened(picture):
    return np.clip(1.5 * picture - 0.5 * cv2.GaussianBlur(picture, (0, 0), 1), 0, 1)


def grainy(picture):
    return np.clip(picture + np.random.default_rng(1).normal(0, 0.02, (180, 320, 1)), 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (blurred, "a look learns no blur"),
        (far_out_of_focus, "no blur"),
        (sharpened, "no sharpening"),
        (grainy, "a look learns no grain"),
    ],
)
def test_what_no_look_learns_is_pointed_out(change, told):
    """Half of a picture is enough for blur; grades of tone, steep or flat, and of local contrast say nothing."""
    plates = [detailed(i) for i in range(5)]
    plain = [facts(f"p{i}", plate, look(plate)) for i, plate in enumerate(plates)]
    steep = facts("steep", plates[0], np.clip(1.6 * plates[0] - 0.3, 0, 1))
    flat = facts("flat", plates[1], 0.4 * plates[1] + 0.3)
    local = facts("local", plates[2], np.clip(1.3 * plates[2] - 0.3 * cv2.GaussianBlur(plates[2], (0, 0), 10), 0, 1))
    assert check_pairs([*plain, steep, flat, local]) == []
    (note,) = check_pairs([*plain, facts("odd", plates[3], change(look(plates[3])))])
    assert note.startswith("pair 'odd': after ")
    assert told in note


def test_pairs_of_different_things_are_pointed_out():
    notes = check_pairs([*good(), facts("odd", scene(20), look(scene(21)))])
    assert len(notes) == 1
    assert "pair 'odd': before and after hardly have an edge in common" in notes[0]


def test_pairs_that_have_got_mixed_up_are_refused_by_name():
    mixed = [facts("a", scene(20), look(scene(21))), facts("b", scene(21), look(scene(20)))]
    with pytest.raises(PairsError, match="pair 'a': after shows what the before of pair 'b' shows"):
        check_pairs([*good(), *mixed])


def test_a_noisy_plate_with_a_strong_look_is_not_refused():
    """Grain in a flat sky has no edge in common with its denoised grade; that is no reason to stop."""
    random = np.random.default_rng(7)
    sky = np.linspace(0.4, 0.8, 180, dtype=np.float32)[:, None, None] * np.ones((1, 320, 3), np.float32)
    grainy = (sky + random.normal(0, 0.05, sky.shape)).clip(0, 1).astype(np.float32)
    check_pairs([*good(), facts("grain", grainy, look(sky))])


def test_a_swapped_pair_is_refused_by_name():
    with pytest.raises(PairsError, match="pair 'turned': before and after seem to be swapped"):
        check_pairs([*good(), facts("turned", look(scene(30)), scene(30))])


def test_of_two_pairs_none_is_called_swapped():
    check_pairs([facts("a", scene(1), look(scene(1))), facts("b", look(scene(2)), scene(2))])


@pytest.mark.parametrize("shift", [(3, 0), (-2, 4), (0.0, -1.5)])
def test_pairs_out_of_register_are_stated_with_the_distance(shift):
    before = scene(3)
    moved = cv2.warpAffine(before, np.float32([[1, 0, shift[0]], [0, 1, shift[1]]]), (320, 180), borderMode=2)
    notes = check_pairs([facts("off", before, look(moved), sizes=((640, 360), (640, 360)))])
    assert len(notes) == 1
    stated = [float(word) for word in notes[0].replace(",", "").split() if word[0] in "+-"]
    np.testing.assert_allclose(stated, np.multiply(shift, 2), atol=0.6)


def test_half_a_pixel_is_in_register():
    before = scene(4)
    moved = cv2.warpAffine(before, np.float32([[1, 0, 0.4], [0, 1, 0]]), (320, 180), borderMode=2)
    (note,) = check_pairs([facts("near", before, look(moved))])
    assert "no blur" in note  # which it is: what lies between pixels loses detail


def test_sizes_and_spaces_that_differ_are_stated():
    before = scene(5)
    notes = check_pairs(
        [facts("a", before, look(before), ((640, 360), (320, 180)), ("Linear Rec.709 (default of EXR)", SRGB))]
    )
    assert "before is 640x360 and after 320x180" in notes[0]
    assert "before is Linear Rec.709 (default of EXR), after sRGB" in notes[1]
    assert "--input-space" in notes[1]
    mixed = [facts("a", before, look(before)), facts("b", before, look(before), spaces=("ACEScct (tag)",) * 2)]
    assert any("different spaces" in note for note in check_pairs(mixed))


def test_real_looks_are_told_from_real_strangers(real_data):
    """The strongest styles on street photographs keep their likeness; no photograph is taken for another."""
    from benchmarks.labelled import labelled_pictures
    from benchmarks.styles import graded

    pictures = labelled_pictures(real_data / "labelmefacade")[::30]
    small = []
    for labelled in pictures:
        picture, groups = labelled.read()
        size = (480, 320)
        small.append([cv2.resize(p, size) for p in (picture, *(graded(s, picture, groups) for s in STRONG))])
    for index, (before, *after) in enumerate(small):
        for result in after:
            assert facts("own", before, result).likeness > 0.35
        assert facts("other", before, small[index - 1][1]).likeness < 0.2


STRONG = ("watercolor", "local-xpro", "golden")
