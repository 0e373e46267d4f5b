import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

from vfxstyle.color.difference import delta_e_2000

# Sharma, Wu, Dalal 2005, table 1
PUBLISHED = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0011), 7.2195),
    ((50, -0.0010, 2.4900), (50, 0.0009, -2.4900), 4.8045),
    ((50, -0.0010, 2.4900), (50, 0.0011, -2.4900), 4.7461),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "two", "gap"), PUBLISHED)
def test_published_pairs(one, two, gap):
    assert delta_e_2000(np.float64(one), np.float64(two)) == pytest.approx(gap, abs=5e-5)
    assert delta_e_2000(np.float64(two), np.float64(one)) == pytest.approx(gap, abs=5e-5)


def test_an_independent_implementation_agrees():
    random = np.random.default_rng(0)
    one, two = (random.uniform((0, -100, -100), (100, 100, 100), (5000, 3)) for _ in range(2))
    np.testing.assert_allclose(delta_e_2000(one, two), deltaE_ciede2000(one, two), atol=1e-4)
    assert delta_e_2000(one, one).max() == 0
