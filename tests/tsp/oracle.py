"""The model of Chang, Wei and Fisher straight from its definition, in plain NumPy: no increments, no closed forms.

Energies are of padded label maps and hold every term, so that any two states of one frame can be compared.
"""

import numpy as np

from tsp.model import Model


def features_of(colour, pad, scale):
    """Whitened y, x, L, a, b of every padded pixel, and which pixels lie inside the frame."""
    height, width = colour.shape[:2]
    y, x = np.mgrid[-pad : height + pad, -pad : width + pad]
    inside = np.zeros(y.shape, bool)
    inside[pad:-pad, pad:-pad] = True
    features = np.zeros((*y.shape, 5))
    features[..., 0], features[..., 1] = y * scale, x * scale
    features[inside, 2:] = colour.reshape(-1, 3)
    return features, inside


def log_normal(values, mean, variance):
    return float((-0.5 * np.log(2 * np.pi * variance) - (values - mean) ** 2 / (2 * variance)).sum())


def one_dimension(values, expected, variance, old):
    """Log-likelihood of whitened values with their mean optimised out, with the mean's prior if it is old."""
    if len(values) == 0:
        return 0.0
    if not old:
        return log_normal(values, values.mean(), 1.0)
    # The prior's normaliser is the same for an empty superpixel and cancels in every difference: left out.
    best = (expected / variance + values.sum()) / (1 / variance + len(values))
    return log_normal(values, best, 1.0) - (best - expected) ** 2 / (2 * variance)


def log_area(model: Model, count, old):
    if count == 0:
        return 0.0
    weight = model.log_old if old else model.log_new
    return weight + log_normal(np.array([float(count)]), model.area, model.area_var)


def one_superpixel(model, features, inside, mask, prior, old):
    score = log_area(model, int(mask.sum()), old)
    for d in range(5):
        owned = mask if d < 2 else mask & inside
        score += one_dimension(features[owned][:, d], prior[d], model.place_prior if d < 2 else model.colour_prior, old)
    return score


def energy(labels, colour, table, model):
    """E of a padded label map: every superpixel, and every margin pixel that is nobody's."""
    features, inside = features_of(colour, model.pad, model.place_scale)
    total = 0.0
    for k in np.unique(labels[labels >= 0]):
        total += one_superpixel(model, features, inside, labels == k, table.priors[k], bool(table.old[k]))
    nobody = (labels < 0) & ~inside
    return total + int(nobody.sum()) * (model.log_unassigned - np.log(2 * np.pi))


def pieces(mask):
    """4-connected pieces of a boolean picture, each a set of (y, x), by flood fill."""
    todo, found = set(zip(*np.nonzero(mask), strict=True)), []
    while todo:
        stack, piece = [todo.pop()], set()
        while stack:
            y, x = stack.pop()
            piece.add((y, x))
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if near in todo:
                    todo.remove(near)
                    stack.append(near)
        found.append(piece)
    return found


def whole(labels, pad):
    """Whether every label is one piece in the padded plane and inside the frame."""
    frame = labels[pad:-pad, pad:-pad]
    return all(len(pieces(labels == k)) == 1 and len(pieces(frame == k)) <= 1 for k in np.unique(labels[labels >= 0]))
