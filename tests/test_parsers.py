"""Our own parsers (presets, manifests, frame ranges) before anything that hypothesis thinks of."""

import json

import pytest
from helpers import EXAMPLE, make_preset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parsers import PresetParts, read_manifest, read_preset_file, read_range, signed

from vfxstyle.looks import save_preset

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return PresetParts(save_preset(make_preset(), tmp_path_factory.mktemp("preset") / "good.safetensors").read_bytes())


def test_the_good_preset_is_read(good):
    """So that what is refused below is refused for what was changed."""
    assert read_preset_file(good.packed(good.header))


@FEW
@given(data=st.binary(max_size=200))
def test_any_bytes_are_no_preset(data):
    assert not read_preset_file(data)


@FEW
@given(
    changes=st.dictionaries(
        st.sampled_from(
            ["name", "backbone", "parts", "projected", "weights", "lab_scale", "schema", "description", "card", "more"]
        ),
        ANYTHING,
        min_size=1,
        max_size=3,
    )
)
def test_a_preset_that_says_anything_of_itself_is_usable_or_refused(good, changes):
    read_preset_file(good.saying(json.dumps({**good.said, **changes})))


@FEW
@given(st.data())
def test_a_preset_with_tensors_of_any_shape_or_name_is_usable_or_refused(good, data):
    name = data.draw(st.sampled_from([name for name in good.header if name != "__metadata__"]))
    other = data.draw(
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["F32", "F16", "F64", "I64", "BOOL", "BF16", "U8"]) | ANYTHING,
                "shape": st.lists(st.integers(-1, 2**40), max_size=4) | ANYTHING,
                "data_offsets": st.lists(st.integers(-1, 2**40), min_size=2, max_size=2) | ANYTHING,
            }
        )
    )
    renamed = data.draw(st.just(name) | st.text(max_size=12))
    changed = {key: value for key, value in good.header.items() if key != name} | {renamed: other}
    read_preset_file(good.packed(changed))


MANIFEST = {
    "settings": {},
    "frames": [1001],
    "size": [512, 288],
    "color_tag": {},
    "unreadable": {"1002": "why"},
    "plate": {"a.exr": {"size": 1, "mtime_ns": 1, "sha256": ""}},
    "plate_folder": "/nowhere",
    "chosen_frames": [1001],
    "superpixels": 1,
    "labels_sha256": {"1001": ""},
}


def test_the_good_manifest_is_read():
    """So that what is not one below is none for what was changed."""
    assert read_manifest(signed(MANIFEST), EXAMPLE) == [1001]


@FEW
@given(
    changes=st.dictionaries(
        st.sampled_from(["schema", "identity", "sha256", *MANIFEST]), ANYTHING, min_size=1, max_size=3
    )
)
def test_a_manifest_that_says_anything_is_asked_without_harm(changes):
    """Even one that carries the right hash of itself."""
    read_manifest(signed({**MANIFEST, **changes}), EXAMPLE)


FIELDS = ("unreadable", "labels_sha256", "plate", "settings", "chosen_frames", "plate_folder")


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in FIELDS for value in ([], "", None, 7) if not isinstance(value, type(MANIFEST[name]))],
)
def test_a_manifest_with_a_field_of_another_kind_is_none(name, value):
    assert read_manifest(signed({**MANIFEST, name: value}), EXAMPLE) == []


@FEW
@given(data=st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_no_manifest(data):
    assert not read_manifest(data, EXAMPLE)


def test_nesting_without_end_is_refused(good):
    """What the standard library's reader gives up on with an error of its own kind."""
    deep = b"[" * 100_000
    assert not read_manifest(deep, EXAMPLE)
    assert not read_preset_file(good.saying(deep.decode()))


def test_half_a_character_in_a_card_is_refused(good):
    """Which no terminal and no file could be given."""
    assert not read_preset_file(good.saying(json.dumps({**good.said, "card": {"data": "\ud800"}})))


@FEW
@given(text=st.text(max_size=30) | st.text("0123456789-,x:y# ", max_size=20))
def test_any_text_is_a_range_or_refused(text):
    read_range(text)


@FEW
@given(numbers=st.sets(st.integers(-100_000, 100_000), min_size=1, max_size=30))
def test_a_list_of_frames_is_read_as_written(numbers):
    assert read_range(",".join(map(str, sorted(numbers)))) == tuple(sorted(numbers))


@pytest.mark.parametrize("text", ["1-1000000000", "1-2000000", "0-99999999999999999999", "1-10x0", "1e9", "1-2-3"])
def test_ranges_that_nobody_means_are_refused_at_once(text):
    assert read_range(text) == ()
