import numpy as np

from vfxstyle.features.histogram import BINS, SIZE, colour_histograms

LOW, WIDTH = np.array([0, -110, -110]), np.array([100, 220, 220])


def slow_histogram(lab, x, y):
    """The definition, pixel by pixel, in plain Python."""
    height, width, _ = lab.shape
    window = [
        (dy, dx) for dy in range(-10, 11) for dx in range(-10, 11) if 0 <= y + dy < height and 0 <= x + dx < width
    ]
    colours = np.array([lab[y + dy, x + dx] for dy, dx in window], np.float64)
    away = ((colours - lab[y, x]) ** 2).sum(axis=1)
    places = np.array([dy * dy + dx * dx for dy, dx in window], np.float64)
    weights = np.exp(-away / max(away.mean(), 1e-3) - places / max(places.mean(), 1e-3))
    weights /= weights.sum()
    out = np.zeros((10, 3, BINS))
    for (dy, dx), colour, weight in zip(window, colours, weights, strict=True):
        cell = (dy + 10) // 7 * 3 + (dx + 10) // 7
        for c in range(3):
            at = int(np.clip((colour[c] - LOW[c]) / WIDTH[c] * BINS, 0, BINS - 1))
            out[cell, c, at] += weight
            out[9, c, at] += weight
    return out.reshape(-1)


def picture(seed=0):
    random = np.random.default_rng(seed)
    return (random.random((40, 50, 3)) * WIDTH + LOW).astype(np.float32)


def test_agrees_with_the_definition_also_at_the_borders():
    lab = picture()
    points = np.float32([[25, 20], [0, 0], [49, 39], [3, 20]])
    fast = colour_histograms(lab, points)
    assert fast.shape == (4, SIZE) == (4, 960)
    for row, (x, y) in zip(fast, points.astype(int), strict=True):
        np.testing.assert_allclose(row, slow_histogram(lab, x, y), atol=1e-5)


def test_the_box_and_the_cells_each_sum_to_one():
    rows = colour_histograms(picture(), np.float32([[25, 20], [2, 38]])).reshape(-1, 10, 3, BINS)
    np.testing.assert_allclose(rows[:, 9].sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(rows[:, :9].sum(axis=(1, 3)), 1, rtol=1e-5)


def test_bilateral_weights_keep_the_other_side_of_an_edge_out():
    lab = np.zeros((40, 40, 3), np.float32)
    lab[:, :20, 0], lab[:, 20:, 0] = 20, 80
    box = colour_histograms(lab, np.float32([[17, 20]])).reshape(10, 3, BINS)[9, 0]
    dark, bright = box[int(0.2 * BINS)], box[int(0.8 * BINS)]
    assert bright < 0.05 * dark


def test_without_weights_every_pixel_counts_the_same():
    lab = np.zeros((40, 40, 3), np.float32)
    lab[:, :20, 0], lab[:, 20:, 0] = 20, 80
    rows = colour_histograms(lab, np.float32([[17, 20]]), bilateral=False).reshape(10, 3, BINS)
    dark, bright = rows[9, 0, int(0.2 * BINS)], rows[9, 0, int(0.8 * BINS)]
    np.testing.assert_allclose([dark, bright], [13 / 21, 8 / 21], rtol=1e-5)
