"""Backbones of other packages, and networks that are loaded once."""

import os
import sys

import pytest
from helpers import BACKBONE, vfxstyle

from vfxstyle.errors import UsageError
from vfxstyle.features.backbones import SEMANTIC, Backbone
from vfxstyle.features.registry import GROUP, backbone_class, load_backbone

CPU = "cpu"
FACTS = """
    name = "{name}"
    layers = {{"semantic": 2}}
    components = {{"global": 1, "semantic": 1}}
    cell_origins = {{"semantic": 3.5}}
    border = reach = 32
"""
METHODS = """
    weights = None
    loads = 0

    @classmethod
    def find_weights(cls, named):
        return cls.weights

    @classmethod
    def load(cls, device, named=None):
        cls.loads += 1
        return cls(device)

    def _normalised(self, batch): ...
    def _coarse(self, batch): ...
    def _dense(self, batch): ...
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package that brings a backbone: its name, the source of its class, the name of its module."""

    def of(name, source, module="a_net"):
        site = tmp_path / f"site_{module}"
        facts = site / f"{module}-2.0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 2.0\n")
        (facts / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}:Net\n")
        (site / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return of


def net(name="net", body=METHODS):
    heading = "from vfxstyle.features.torch_backbone import TorchBackbone\nclass Net(TorchBackbone):"
    return heading + FACTS.format(name=name) + body


def test_a_package_brings_a_backbone(install):
    install("net", net())
    kind = backbone_class("net")
    assert issubclass(kind, Backbone)
    assert kind.name == "net"


def test_an_unknown_backbone_lists_what_is_installed(install):
    install("net", "raise RuntimeError('imported, though nobody asked for it')")
    with pytest.raises(
        UsageError,
        match="no backbone 'resnet'; installed are: efficientnet-lite0, efficientnet-lite0-quick, "
        f"net, {BACKBONE}, vgg16",
    ):
        backbone_class("resnet")


def test_a_package_cannot_replace_a_backbone_of_vfxstyle(install):
    install("vgg16", "raise RuntimeError('imported')")
    assert backbone_class("vgg16").__module__ == "vfxstyle.features.vgg"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_that_name", "cannot be imported .*nothing_of_that_name"),
        ("1 / 0", "cannot be imported .*division by zero"),
        ("", "cannot be imported .*Net"),
        ("Net = 7", "7 is not a subclass of vfxstyle.features.backbones.Backbone"),
        (net(body="\n    pass\n"), "it lacks the methods _coarse, _dense, _normalised, find_weights, load"),
        (net("other"), "it calls itself 'other'"),
        (net().replace("border = reach = 32", "border = 32"), "it does not state its reach"),
        (net().replace('"semantic"', '"last"'), "it has no layer 'semantic'"),
        (net().replace('{"semantic": 3.5}', "{}"), "do not name the same layers"),
    ],
)
def test_a_broken_package_is_named_with_what_is_wrong(install, source, message):
    install("net", source)
    with pytest.raises(UsageError, match=rf"Backbone 'net' of a_net 2\.0 .*{message}.*uninstall that package"):
        backbone_class("net")


def test_two_packages_with_one_backbone_are_named(install):
    install("net", net())
    install("net", net(), module="b_net")
    with pytest.raises(UsageError, match=r"brought by a_net 2\.0 and b_net 2\.0; uninstall all of them but one"):
        backbone_class("net")


def test_a_network_is_loaded_once_and_again_when_its_weights_change(install, tmp_path):
    install("net", net())
    kind = backbone_class("net")
    kind.weights = tmp_path / "weights"
    kind.weights.write_bytes(b"one")
    first = load_backbone("net", CPU)
    assert load_backbone("net", CPU) is first
    assert kind.loads == 1
    kind.weights.write_bytes(b"other")
    second = load_backbone("net", CPU)
    assert second is not first
    os.utime(kind.weights, (1, 1))
    assert load_backbone("net", CPU) is not second
    assert kind.loads == 3


def test_the_backbone_of_the_tests_is_that_of_a_package(make_shot):
    """In this process and in those that tests start."""
    assert SEMANTIC in backbone_class(BACKBONE).layers
    told = vfxstyle("analyze", make_shot(), "--backbone", "absent")
    assert told.returncode == 2
    assert f"installed are: efficientnet-lite0, efficientnet-lite0-quick, {BACKBONE}, vgg16" in told.stderr
