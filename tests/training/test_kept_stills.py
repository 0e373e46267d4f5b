import numpy as np
import pytest
from helpers import BACKBONE, make_preset, moving_picture

from vfxstyle.features.registry import load_backbone
from vfxstyle.training.kept_files import CACHE, kept_folder
from vfxstyle.training.kept_stills import KeptStills

PICTURE = (0.2 + 0.5 * moving_picture(0)).astype(np.float32)


@pytest.fixture
def stills(tmp_path, monkeypatch):
    """Makes stills as a training does, and counts how often the network was wanted."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    wanted = []

    def made(device="cpu", pairs=3):
        def backbone():
            wanted.append(1)
            return load_backbone(BACKBONE, "cpu")

        return KeptStills(make_preset().info, device, backbone, pairs=pairs)

    return made, wanted


def assert_same(one, other):
    np.testing.assert_array_equal(one.lab, other.lab)
    np.testing.assert_array_equal(one.rows, other.rows)
    for name in ("labels", "centroids", "colours"):
        np.testing.assert_array_equal(getattr(one.table, name), getattr(other.table, name))
    np.testing.assert_array_equal(one.raw.global_, other.raw.global_)
    assert one.raw.blocks.keys() == other.raw.blocks.keys()
    for name, block in one.raw.blocks.items():
        np.testing.assert_array_equal(block, other.raw.blocks[name])


def test_the_next_training_finds_what_was_made_and_loads_no_network(stills):
    made, wanted = stills
    first = made().features(PICTURE, 60)
    assert len(wanted) == 1
    assert_same(made().features(PICTURE.copy(), 60), first)
    assert len(wanted) == 1


def test_other_pictures_counts_and_devices_are_made(stills):
    made, wanted = stills
    made().features(PICTURE, 60)
    made().features(PICTURE[:, ::-1], 60)
    made().features(PICTURE, 61)
    made("cuda:1").features(PICTURE, 60)
    assert len(wanted) == 4


def test_of_many_pairs_nothing_is_kept(stills):
    made, wanted = stills
    for _ in range(2):
        made(pairs=10).features(PICTURE, 60)
    assert len(wanted) == 2
    assert not kept_folder().exists()


def test_a_damaged_file_is_made_again(stills):
    made, wanted = stills
    first = made().features(PICTURE, 60)
    (file,) = kept_folder().iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert_same(made().features(PICTURE, 60), first)
    assert len(wanted) == 2


def test_where_nothing_can_be_kept_features_are_made(stills, tmp_path):
    made, wanted = stills
    (tmp_path / "cache").write_text("a file where the folder would be")
    own = made()
    assert_same(own.features(PICTURE, 60), own.features(PICTURE, 60))
    assert len(wanted) == 2
