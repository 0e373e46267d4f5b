import numpy as np

from vfxstyle.superpixels.groups import group_alike


def test_like_transforms_share_a_group_and_the_largest_comes_first():
    random = np.random.default_rng(0)
    kinds = random.normal(0, 0.1, (4, 30)).astype(np.float32)
    sizes = [50, 30, 15, 5]
    transforms = np.concatenate([kind + random.normal(0, 1e-4, (n, 30)) for kind, n in zip(kinds, sizes, strict=True)])
    group = group_alike(transforms.astype(np.float32), 4, seed=0)
    assert np.bincount(group).tolist() == sizes
    for begin, size in zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
        assert len(set(group[begin : begin + size].tolist())) == 1
    np.testing.assert_array_equal(group, group_alike(transforms.astype(np.float32), 4, seed=0))
    assert group_alike(np.zeros((7, 30), np.float32), 4, seed=0).tolist() == [0] * 7
