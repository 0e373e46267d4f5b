import numpy as np
import pytest
from PIL import Image

from vfxstyle.features import RawFeatures, assemble
from vfxstyle.features.classes import CLASS_NUMBERS, GROUP_COUNT, GROUPS, class_shares, group_members
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.features.registry import backbone_class, load_backbone
from vfxstyle.features.vectors import all_blocks, class_blocks, context_blocks

NAMES = [*GROUPS, "the rest"]


def test_every_class_is_in_one_group():
    assert sorted(number for group in group_members() for number in group) == list(range(1000))
    assert len(group_members()) == GROUP_COUNT == len(NAMES)


def test_shares_sum_to_one_however_large_the_features():
    random = np.random.default_rng(0)
    shares = class_shares((random.random((5, 1280)) * [[0], [1], [6], [100], [6e4]]).astype(np.float16))
    assert shares.shape == (5, CLASS_NUMBERS)
    logarithms, own = shares[:, :GROUP_COUNT], shares[:, GROUP_COUNT:]
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(np.exp(logarithms), own, atol=1e-6)
    np.testing.assert_allclose(own.sum(axis=1), 1, rtol=1e-5)


def test_features_of_another_network_are_refused():
    with pytest.raises(ValueError, match="1280"):
        class_shares(np.zeros((2, 320), np.float16))


def test_superpixels_of_one_feature_have_one_name_however_many_there_are():
    one = (np.random.default_rng(0).random((1, 1280)) * 4).astype(np.float16)
    np.testing.assert_allclose(
        class_shares(np.repeat(one, 9000, axis=0)), np.repeat(class_shares(one), 9000, axis=0), atol=1e-4
    )


def test_the_block_of_a_scale_is_made_of_its_semantic_features():
    random = np.random.default_rng(0)
    blocks = {f"semantic_{scale}": (random.random((3, 1280)) * 4).astype(np.float16) for scale in ("coarse", "fine")}
    raw = RawFeatures(np.zeros(1280, np.float16), blocks | {"surround": np.zeros((3, 12), np.float16)})
    vectors = assemble(["classes_fine", "surround", "classes_coarse"], raw=raw, projections={})
    np.testing.assert_array_equal(vectors[:, :CLASS_NUMBERS], class_shares(blocks["semantic_fine"]))
    np.testing.assert_array_equal(vectors[:, -CLASS_NUMBERS:], class_shares(blocks["semantic_coarse"]))


def test_networks_whose_classifier_is_not_known_have_no_such_block():
    assert class_blocks(backbone_class("vgg16")) == ()
    assert not any(name.startswith("classes") for name in all_blocks(backbone_class("vgg16")))


def test_training_adds_no_noise_to_shares_of_classes():
    """They stand after the features of the network, to which it does."""
    backbone = backbone_class("efficientnet-lite0")
    names = all_blocks(backbone)
    assert names[-2:] == class_blocks(backbone)
    assert names[: len(context_blocks(backbone))] == context_blocks(backbone)


@pytest.mark.parametrize(("clip", "group"), [("blackswan", "water birds"), ("car-shadow", "cars")])
def test_subjects_are_named_after_what_they_are(clip, group, real_data):
    frame, mask = (
        Image.open(real_data / "davis2016" / kind / "480p" / clip / name)
        for kind, name in (("JPEGImages", "00020.jpg"), ("Annotations", "00020.png"))
    )
    rows = (np.array(mask) > 0).astype(np.int32)
    output = run_network(load_backbone("efficientnet-lite0-quick", "cpu"), [np.float32(frame) / 255])
    raw = extract_features(output, 0, Segmentation.whole(rows, np.float32([[9, 9], [400, 240]])))
    for scale in ("coarse", "fine"):
        rest, subject = class_shares(raw.blocks[f"semantic_{scale}"])[:, GROUP_COUNT:]
        assert NAMES[subject.argmax()] == group
        assert NAMES[rest.argmax()] != group
