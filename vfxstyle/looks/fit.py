"""Fitting the predictor to superpixels with pixel samples of before and after."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import PairsError
from vfxstyle.looks.detail import BANDS
from vfxstyle.looks.network import OUTPUTS, Standardisation
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.samples import Samples, mean_error
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS, basis, fit_transform

SOFTENING = 0.5
"""Lab distance below which the loss turns from a distance into its square."""
_LEAST_STEPS = 20  # the schedule's length at least: torch's divides by zero where a tenth of it is one step
_RIDGE = 1e-5  # of the mean square of V: directions of V that the exemplars hardly show are not blown up


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How the predictor is fitted."""

    epochs: int = 24
    """Passes over all superpixels."""
    batch: int = 256
    """Superpixels in a step."""
    learning_rate: float = 1e-3
    """Step size at its highest, after a tenth of the steps; it falls to zero along a cosine."""
    weight_decay: float = 1.0
    """Pull of the weights towards zero (AdamW)."""
    dropout: float = 0.25
    """Share of hidden neurons left out at random in a step."""
    noise: float = 0.4
    """Standard deviation of the noise added to standardised semantic inputs in a step: exemplars show too few scenes to
    pin these down, while plain colours are what the look is made of and stay as they are."""
    patience: int = 10
    """Epochs without a better held-out error after which fitting stops."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept: the one that predicts held-out superpixels best, or the last."""
    seed: int = 0
    """Seed of the weights, the order, the noise and the dropout."""

    @property
    def judged(self) -> tuple[int, ...]:
        """Epochs after which the network is measured: all, or of very many every so many, and the last."""
        every = max(1, self.epochs // 50)
        return tuple(n for n in range(1, self.epochs + 1) if n % every == 0 or n == self.epochs)


REGULARISATIONS: tuple[tuple[float, float], ...] = ((0.2, 0.1), (0.4, 0.25), (0.8, 0.4))
"""Noise and dropout, from light to strong, of which held-out pictures choose."""
_AS_GOOD = 1.02
"""Held-out error, over the smallest, up to which a stronger setting is taken: the trial is shorter than the real
fit, and what is learnt by heart grows with the passes."""
_TRIAL_SHARE, _TRIAL_EPOCHS = 4, 12  # a trial sees every fourth superpixel in half the passes: an eighth of the work


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the superpixels came to."""

    number: int
    """From 1; 0 is the start, the best single transform of all superpixels."""
    loss: float
    """Mean training loss, Lab units."""
    error: float
    """Mean distance on the held-out superpixels, or on the training ones where none is held out."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted predictor."""

    network: Predictor
    """The predictor, of the best epoch."""
    standardisation: Standardisation
    """Of its inputs."""
    start: FloatArray
    """float32 (33,), outputs of the best single transform of all superpixels, from which fitting started."""
    curve: tuple[Epoch, ...]
    """Every epoch that was judged."""

    def blended(self, share: float) -> Predictor:
        """The predictor with ``share``, 0..1, of what sets its outputs apart from the best single transform."""
        network = Predictor(self.network.inputs)
        network.load_state_dict(self.network.state_dict())
        with torch.no_grad():
            network.last.weight.mul_(share)
            network.last.bias.copy_(share * network.last.bias + (1 - share) * torch.from_numpy(self.start))
        return network.eval()


class _Conditioning:
    """The transform in coordinates in which training pixels are uncorrelated and of unit size.

    V's terms differ in size by orders of magnitude and L, L^2 and 1 go nearly together; steps of one size for all get
    slowly anywhere.
    """

    def __init__(self, samples: Samples) -> None:
        values = basis(samples.before).reshape(-1, TERMS)
        scatter = values.T.astype(np.float64) @ values / len(values)
        size, directions = np.linalg.eigh(scatter)
        self.colour = (directions / np.sqrt(np.maximum(size, 0) + _RIDGE)).astype(np.float32)
        scaled = samples.bands.reshape(-1, BANDS) / LAB_SCALE[0]
        self.gains = (1 / np.sqrt((scaled.astype(np.float64) ** 2).mean(axis=0) + _RIDGE)).astype(np.float32)

        self.turn = np.zeros((OUTPUTS, OUTPUTS), np.float32)
        """Outputs for V and the bands themselves, from outputs in these coordinates."""
        for row in range(3):
            part = slice(row * TERMS, (row + 1) * TERMS)
            self.turn[part, part] = self.colour
        self.turn[COEFFICIENTS:, COEFFICIENTS:] = np.diag(self.gains)

    def values(self, before: FloatArray, bands: FloatArray) -> tuple[FloatArray, FloatArray]:
        return basis(before) @ self.colour, bands / np.float32(LAB_SCALE[0]) * self.gains

    def folded(self, network: Predictor) -> Predictor:
        """The same predictor with outputs for V and the bands themselves."""
        out = Predictor(network.inputs)
        out.load_state_dict(network.state_dict())
        matrix = torch.from_numpy(self.turn)
        with torch.no_grad():
            out.last.weight.copy_(matrix @ network.last.weight.cpu())
            out.last.bias.copy_(matrix @ network.last.bias.cpu())
        return out.eval()

    def start(self, samples: Samples) -> FloatArray:
        """Outputs of the best single transform of all superpixels, gains of zero."""
        phi = fit_transform(samples.before.reshape(-1, 3), samples.after.reshape(-1, 3)).reshape(3, TERMS)
        inside = np.linalg.solve(self.colour.astype(np.float64), phi.T).T
        return np.concatenate([inside.reshape(-1), np.zeros(BANDS)]).astype(np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one core.

    A step is too small to share: two cores gain little, and where another process wants one of them they wait for each
    other, up to sixty times as long (measured: 130 instead of 2 ms a step).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def fit(
    samples: Samples,
    held_out: Samples | None,
    settings: FitSettings,
    device: torch.device,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fitted:
    """Fit a predictor. ``after_epoch`` is called after those of :attr:`FitSettings.judged`.

    It starts from the best single transform of all superpixels. With held-out superpixels the epoch that predicts them
    best is kept, the start too if none beats it, and fitting ends when ``patience`` epochs brought nothing; without
    them, and where the settings say so, the last epoch is kept.
    """
    standardisation = Standardisation.of(samples.features)
    conditioning = _Conditioning(samples)
    torch.manual_seed(settings.seed)
    order = np.random.default_rng(settings.seed)
    network = Predictor(samples.features.shape[1], settings.dropout).to(device)
    start = conditioning.start(samples)
    with torch.no_grad():
        network.last.bias.copy_(torch.from_numpy(start))
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    steps = settings.epochs * -(-len(samples.features) // settings.batch)
    steps = max(steps, _LEAST_STEPS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, steps + 1, pct_start=0.1)

    def judged(number: int, loss: float) -> Epoch:
        current = conditioning.folded(network)
        epoch = Epoch(number, loss, mean_error(current, standardisation, held_out or samples, device))
        if to_the_end or not curve or epoch.error < min(earlier.error for earlier in curve):
            kept[:] = [current]
        curve.append(epoch)
        return epoch

    example = _TrainingTensors(samples, standardisation, conditioning, device)
    to_the_end = held_out is None or settings.keep == "last"
    due = set(settings.judged)
    curve: list[Epoch] = []
    kept: list[Predictor] = []
    judged(0, float("nan"))
    for number in range(1, settings.epochs + 1):
        network.train()
        shuffled = torch.from_numpy(order.permutation(len(samples.features))).to(device)
        losses = []
        for first in range(0, len(shuffled), settings.batch):
            loss = example.loss(network, shuffled[first : first + settings.batch], settings.noise)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        if number not in due:
            continue
        after_epoch(judged(number, float(np.mean(losses))))
        if not to_the_end and number - min(curve, key=lambda epoch: epoch.error).number >= settings.patience:
            break
    return Fitted(kept[0], standardisation, conditioning.turn @ start, tuple(curve))


def regularised(
    samples: Samples, held_out: Samples, settings: FitSettings, device: torch.device
) -> tuple[FitSettings, dict[tuple[float, float], float]]:
    """Settings with the strongest of :data:`REGULARISATIONS` that predicts held-out pictures well, and all errors.

    Well is within two per cent of the best. Each is tried on a part of the superpixels of all pictures: how much of a
    look can be learnt by heart is a matter of how many pictures there are. Raises
    :class:`~vfxstyle.errors.PairsError` if no error comes out as a number.
    """
    part = samples.only(np.arange(len(samples.features)) % _TRIAL_SHARE == 0)
    trial = replace(settings, epochs=min(settings.epochs, _TRIAL_EPOCHS))
    errors = {}
    for noise, dropout in REGULARISATIONS:
        fitted = fit(part, held_out, replace(trial, noise=noise, dropout=dropout), device)
        errors[noise, dropout] = min(epoch.error for epoch in fitted.curve)
    finite = [error for error in errors.values() if math.isfinite(error)]
    if not finite:
        raise PairsError("Training came to no finite error; look for pictures with broken numbers among the pairs.")
    noise, dropout = max(tried for tried, error in errors.items() if error <= _AS_GOOD * min(finite))
    return replace(settings, noise=noise, dropout=dropout), errors


class _TrainingTensors:
    """The superpixels as tensors on the device, made ready once for all steps."""

    def __init__(
        self, samples: Samples, standardisation: Standardisation, conditioning: _Conditioning, device: torch.device
    ) -> None:
        colours, bands = conditioning.values(samples.before, samples.bands)
        self.inputs = standardisation.apply(torch.from_numpy(samples.features).to(device))
        self.colours, self.bands = torch.from_numpy(colours).to(device), torch.from_numpy(bands).to(device)
        self.wanted = torch.from_numpy(samples.after - samples.before).to(device)
        self.scale = torch.tensor(LAB_SCALE, device=device)
        self.semantic = samples.semantic

    def loss(self, network: Predictor, chosen: Tensor, noise: float) -> Tensor:
        """Mean distance, in Lab units, between predicted and graded pixels, soft near zero.

        The paper takes its square, whose best answer between two possible looks is a mixture of both. The distance is
        what is measured in the end, and its best answer is one of the two.
        """
        inputs = self.inputs[chosen]
        if noise:
            seen = inputs[:, : self.semantic]
            inputs = torch.cat([seen + noise * torch.randn_like(seen), inputs[:, self.semantic :]], dim=1)
        outputs = network(inputs)
        phi, gains = outputs[:, :COEFFICIENTS].reshape(-1, 3, TERMS), outputs[:, COEFFICIENTS:]
        change = self.colours[chosen] @ phi.transpose(1, 2)
        contrast = self.bands[chosen] @ gains[..., None]
        change = torch.cat([change[..., :1] + contrast, change[..., 1:]], dim=-1)
        missed = change * self.scale - self.wanted[chosen]
        return ((missed.square().sum(dim=-1) + SOFTENING**2).sqrt() - SOFTENING).mean()
