import pytest

from vfxstyle.shots.channels import alpha_channel, rgb_channels


@pytest.mark.parametrize(
    ("names", "rgb", "alpha"),
    [
        (["B", "G", "R", "A", "Z"], ("R", "G", "B"), "A"),
        (["r", "g", "b", "alpha"], ("r", "g", "b"), "alpha"),
        ({"red", "green", "blue"}, ("red", "green", "blue"), None),
        ({"Red", "Green", "Blue", "Alpha"}, ("Red", "Green", "Blue"), "Alpha"),
        (["r", "g", "b", "R", "G", "B", "a"], ("R", "G", "B"), "a"),
        (["R", "G", "b"], None, None),
        ([], None, None),
    ],
)
def test_channels_are_known_by_their_names(names, rgb, alpha):
    assert rgb_channels(names) == rgb
    assert alpha_channel(names) == alpha
