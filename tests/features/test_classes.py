import hashlib

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from vfxstyle.features import PCA, RawFeatures, assemble, projected_blocks
from vfxstyle.features.classes import CLASSIFIER, GROUP_COUNT, GROUPS, SHARES_SIZE, class_shares, group_members
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.features.registry import backbone_class, load_backbone
from vfxstyle.features.torch_efficientnet import TorchEfficientNetLite0
from vfxstyle.features.vectors import all_blocks, class_blocks, context_blocks
from vfxstyle.training.examples import TrainingExample, samples_of

COLOURS = {"histogram": 960, "pixel": 3, "mean": 3, "spread": 3, "surround": 12}
NAMES = [*GROUPS, "the rest"]


def test_every_class_is_in_one_group():
    assert sorted(number for group in group_members() for number in group) == list(range(1000))
    assert len(group_members()) == GROUP_COUNT == len(NAMES)


def test_shares_sum_to_one_however_large_the_features():
    random = np.random.default_rng(0)
    shares = class_shares((random.random((5, 1280)) * [[0], [1], [6], [100], [6e4]]).astype(np.float16))
    assert shares.shape == (5, SHARES_SIZE)
    logarithms, own = shares[:, :GROUP_COUNT], shares[:, GROUP_COUNT:]
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(np.exp(logarithms), own, atol=1e-6)
    np.testing.assert_allclose(own.sum(axis=1), 1, rtol=1e-5)


def test_features_of_another_network_are_refused():
    with pytest.raises(ValueError, match="takes 1280 features"):
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
    np.testing.assert_array_equal(vectors[:, :SHARES_SIZE], class_shares(blocks["semantic_fine"]))
    np.testing.assert_array_equal(vectors[:, -SHARES_SIZE:], class_shares(blocks["semantic_coarse"]))


def test_networks_whose_classifier_is_not_known_have_no_such_block():
    assert class_blocks(backbone_class("vgg16")) == ()
    assert not any(name.startswith("classes") for name in all_blocks(backbone_class("vgg16")))


def test_training_adds_no_noise_to_shares_of_classes():
    """It adds some to the first columns, as many as the samples say; the shares are the last ones."""
    kind, random = backbone_class("efficientnet-lite0"), np.random.default_rng(0)
    raw = RawFeatures(
        random.random(1280).astype(np.float16),
        {
            **{
                n: random.random((3, kind.layers[n.split("_")[0]])).astype(np.float16) for n in context_blocks(kind)[1:]
            },
            **{n: random.random((3, size)).astype(np.float16) for n, size in COLOURS.items()},
        },
    )
    names, none = all_blocks(kind), np.zeros((3, 1, 3), np.float32)
    sizes = {"global": 1280, **{name: block.shape[1] for name, block in raw.blocks.items()}}
    projections = {
        n: PCA(np.zeros(sizes[n], np.float32), np.eye(2, sizes[n], dtype=np.float32)) for n in projected_blocks(names)
    }
    example = TrainingExample(
        raw=raw, pixels=np.zeros((3, 1), np.int32), before=none, bands=none, shape=(1, 1), after=none
    )
    samples = samples_of([example], names, projections)
    assert samples.semantic == 2 * len(context_blocks(kind))
    np.testing.assert_allclose(samples.features[:, -SHARES_SIZE:], class_shares(raw.blocks["semantic_fine"]), rtol=1e-3)
    assert samples.features.shape[1] > samples.semantic + 2 * SHARES_SIZE


def test_the_classifier_is_the_network_s_own():
    last = TorchEfficientNetLite0("cpu").network(32).classifier
    tensors = load_file(CLASSIFIER)
    np.testing.assert_allclose(tensors["weight"], last.weight.detach().numpy(), rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(tensors["bias"], last.bias.detach().numpy())


def test_what_presets_of_this_format_expect_stays_as_it_is():
    """Other groups, or another classifier, would regrade every shot whose look takes shares of classes."""
    assert hashlib.sha256(repr(group_members()).encode()).hexdigest()[:16] == "6df87f9fa73065a4"
    tensors = load_file(CLASSIFIER)
    numbers = tensors["weight"].tobytes() + tensors["bias"].tobytes()
    assert hashlib.sha256(numbers).hexdigest()[:16] == "a74dfadeccd5f7dd"


def test_a_network_that_derives_from_another_does_not_have_its_classifier():
    class FineTuned(backbone_class("efficientnet-lite0")):
        """The same layers with other weights."""

    assert class_blocks(FineTuned) == ()


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
