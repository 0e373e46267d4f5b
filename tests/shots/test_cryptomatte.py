"""Cryptomatte as the specification has it, read here by its text and by an independent reader."""

import json

import numpy as np
import pytest

from vfxstyle.shots.cryptomatte import id_of, matte_channels, ranked


def test_names_hash_as_the_specification_publishes():
    """Cryptomatte specification 1.2.0, section 6: "hello" is 0x248bfa47 in MurmurHash3."""
    assert id_of("hello").view(np.uint32) == 0x248BFA47
    for name in (f"tsp_{i:06d}" for i in range(2000)):
        exponent = int(id_of(name).view(np.uint32)) >> 23 & 255
        assert 0 < exponent < 255
        assert np.isfinite(id_of(name))


def test_coverage_sums_to_one_and_is_ranked():
    labels = np.random.default_rng(0).integers(0, 5, (9, 16)).astype(np.int32)
    found, cover = ranked(labels, 64, 36)
    np.testing.assert_allclose(cover.sum(axis=-1), 1, atol=1e-6)
    assert (np.diff(cover, axis=-1) <= 0).all()
    assert ((found >= 0) == (cover > 0)).all()
    for here in range(4):
        for other in range(here + 1, 4):
            assert not ((found[..., here] == found[..., other]) & (found[..., here] >= 0)).any()


def test_at_the_maps_own_size_each_pixel_is_its_label():
    labels = np.arange(12, dtype=np.int32).reshape(3, 4)
    found, cover = ranked(labels, 4, 3)
    np.testing.assert_array_equal(found[..., 0], labels)
    np.testing.assert_array_equal(cover[..., 0], 1)


def test_halfway_between_two_cells_each_has_half():
    found, cover = ranked(np.array([[3, 8]], np.int32), 3, 1)
    assert set(found[0, 1, :2].tolist()) == {3, 8}
    np.testing.assert_allclose(cover[0, 1, :2], 0.5)
    np.testing.assert_array_equal(found[0, [0, 2], 0], [3, 8])


def test_channels_and_manifest():
    labels = np.array([[0, 0, 7], [0, 7, 7]], np.int32)
    found, cover = ranked(labels, 12, 8)
    names = {0: "look_0", 7: "look_7"}
    channels, attributes = matte_channels("look", found, cover, names)
    assert sorted(channels) == [f"look0{i}.{c}" for i in range(2) for c in "ABGR"]
    said = {key.rsplit("/", 1)[1]: value for key, value in attributes.items()}
    assert (said["name"], said["hash"], said["conversion"]) == ("look", "MurmurHash3_32", "uint32_to_float32")
    manifest = json.loads(said["manifest"])
    for label, name in names.items():
        value = np.uint32(int(manifest[name], 16)).view(np.float32)
        mask = sum(
            np.where(channels[f"look0{i}.{a}"] == value, channels[f"look0{i}.{b}"], 0)
            for i in range(2)
            for a, b in ("RG", "BA")
        )
        np.testing.assert_allclose(mask, np.where(found == label, cover, 0).sum(axis=-1), atol=1e-6)
    assert pytest.approx(1) == max(channels["look00.G"].ravel())
