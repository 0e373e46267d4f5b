"""Fitting the predictor to superpixels with pixel samples of before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vfxstyle.style.predictor import Predictor, Standardisation
from vfxstyle.style.transform import LAB_SCALE, TERMS, basis, fit_transform, transform_lab

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How the predictor is fitted."""

    epochs: int = 14
    """Passes over all superpixels."""
    batch: int = 1024
    """Superpixels in a step."""
    learning_rate: float = 1e-3
    """Step size at the start; it falls to zero along a cosine."""
    weight_decay: float = 1e-2
    """Pull of the weights towards zero (AdamW)."""
    dropout: float = 0.25
    """Share of hidden neurons left out at random in a step."""
    seed: int = 0
    """Seed of the weights, the order and the dropout."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Superpixels to learn from."""

    features: npt.NDArray[np.float16]
    """float16 (N, D), feature vectors."""
    before: FloatArray
    """float32 (N, P, 3), CIELab D65 of P pixels of each superpixel."""
    after: FloatArray
    """float32 (N, P, 3), the same pixels in the graded picture."""
    picture: npt.NDArray[np.int32]
    """int32 (N,), which pair the superpixel is from."""

    def of_pictures(self, chosen: npt.NDArray[np.bool_]) -> Samples:
        """The superpixels of some pictures. chosen: bool (pictures,)."""
        keep = chosen[self.picture]
        return Samples(self.features[keep], self.before[keep], self.after[keep], self.picture[keep])


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean per-pixel L2 distances in Lab, the paper's measure, over some pictures."""

    distance: float
    """From the plate to the graded picture: what there is to learn."""
    global_oracle: float
    """From the best single transform of each picture, fitted to the answer itself."""
    predicted: float
    """From the prediction."""


def fit(
    samples: Samples,
    held_out: Samples | None,
    settings: FitSettings,
    device: torch.device,
    after_epoch: Callable[[int, float], None] = lambda epoch, error: None,
) -> tuple[Predictor, Standardisation]:
    """Fit a predictor; with held-out superpixels, the epoch that predicts them best is kept.

    after_epoch: called with the epoch, from 1, and its error on the held-out (or the training) superpixels.
    """
    torch.manual_seed(settings.seed)
    order = np.random.default_rng(settings.seed)
    standardisation = Standardisation.of(samples.features)
    network = Predictor(samples.features.shape[1], settings.dropout).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    steps = settings.epochs * -(-len(samples.features) // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    best_error, best_state = np.inf, network.state_dict()
    for epoch in range(1, settings.epochs + 1):
        network.train()
        shuffled = order.permutation(len(samples.features))
        for start in range(0, len(shuffled), settings.batch):
            chosen = np.sort(shuffled[start : start + settings.batch])
            loss = _loss(network, standardisation, samples, chosen, device)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        error = measure(network, standardisation, held_out or samples, device).predicted
        if error < best_error:
            best_error = error
            best_state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        after_epoch(epoch, error)
    network.load_state_dict(best_state)
    return network.eval(), standardisation


def _loss(
    network: Predictor,
    standardisation: Standardisation,
    samples: Samples,
    chosen: npt.NDArray[np.int64],
    device: torch.device,
) -> Tensor:
    """Mean squared distance, in Lab units, between predicted and graded pixels."""
    features = torch.from_numpy(samples.features[chosen]).to(device)
    values = torch.from_numpy(basis(samples.before[chosen])).to(device)
    scale = torch.tensor(LAB_SCALE, device=device)
    wanted = torch.from_numpy(samples.after[chosen] - samples.before[chosen]).to(device)
    phi = network(standardisation.apply(features)).reshape(-1, 3, TERMS)
    change = torch.einsum("nrt,npt->npr", phi, values) * scale
    return (change - wanted).square().sum(dim=-1).mean()


@torch.inference_mode()
def measure(network: Predictor, standardisation: Standardisation, samples: Samples, device: torch.device) -> Errors:
    """The errors of a predictor on superpixels, with the two yardsticks beside it."""
    network.eval()
    predicted = 0.0
    for start in range(0, len(samples.features), 8192):
        part = slice(start, start + 8192)
        features = torch.from_numpy(samples.features[part]).to(device)
        phi = network(standardisation.apply(features)).cpu().numpy()
        predicted += _summed_error(transform_lab(samples.before[part], phi[:, None]), samples.after[part])
    count = samples.before.shape[0] * samples.before.shape[1]
    distance = _summed_error(samples.before, samples.after)
    return Errors(distance / count, _summed_oracle_error(samples) / count, predicted / count)


def _summed_error(one: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(one - other, axis=-1).sum(dtype=np.float64))


def _summed_oracle_error(samples: Samples) -> float:
    total = 0.0
    for picture in np.unique(samples.picture):
        own = samples.picture == picture
        before, after = samples.before[own].reshape(-1, 3), samples.after[own].reshape(-1, 3)
        total += _summed_error(transform_lab(before, fit_transform(before, after)), after)
    return total
