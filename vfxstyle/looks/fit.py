"""Fitting the predictor to superpixels with pixel samples of before and after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.cores import cores
from vfxstyle.looks.conditioning import Conditioning
from vfxstyle.looks.descent import Descent, OneCycle
from vfxstyle.looks.epoch_choice import latest_as_good
from vfxstyle.looks.learning import Network
from vfxstyle.looks.network import Standardisation
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.samples import Samples, errors_by_picture
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS

SOFTENING = 0.5
"""Distance, in Lab units, below which the loss turns from linear to quadratic."""


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
    """Standard deviation of the noise added to standardised semantic inputs in a step. Exemplars show too few scenes to
    determine how these inputs vary; plain colours, which the look depends on directly, get no noise."""
    keep: Literal["as good as best", "last"] = "as good as best"
    """Epoch whose weights are kept: by :func:`latest_as_good` on the held-out superpixels, or the last."""
    seed: int = 0
    """Seed of the weights, of the order of superpixels, of noise and of dropout."""

    @property
    def judged(self) -> tuple[int, ...]:
        """Epochs after which the network is measured, the last among them.

        Where one of them is chosen each, or 50 at most; where the last is kept 10 at most, for the curve alone.
        """
        every = -(-self.epochs // (10 if self.keep == "last" else 50))
        return tuple(n for n in range(1, self.epochs + 1) if n % every == 0 or n == self.epochs)


@dataclass(frozen=True, slots=True)
class FitTask:
    """What a predictor is fitted to, and how."""

    samples: Samples
    """The superpixels that it is fitted to."""
    held_out: Samples | None
    """Superpixels that the epochs are measured on; None for those that it is fitted to."""
    settings: FitSettings
    """How it is fitted."""
    start: Network | None = None
    """The network that fitting goes on from; by default it starts from the best single transform of all superpixels."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The result of one pass over the superpixels."""

    number: int
    """Number of the pass, from 1; 0 is the start: the best single transform of all, or an earlier network."""
    loss: float
    """Mean training loss, in Lab units; NaN for the start."""
    error: float
    """Mean distance, in Lab units, on the held-out superpixels, or on the training ones where none are held out."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted predictor."""

    network: Predictor
    """The predictor of the epoch that is kept."""
    standardisation: Standardisation
    """Standardisation of its inputs."""
    start: FloatArray
    """float32 (33,), outputs of the best single transform of all superpixels."""
    curve: tuple[Epoch, ...]
    """The epochs after which the network was measured, in order, from the start on."""
    epoch: int
    """Number of the epoch that is kept."""

    def blended(self, share: float) -> Predictor:
        """A predictor between the best single transform (``share`` 0) and this one (``share`` 1)."""
        network = Predictor(self.network.inputs)
        network.load_state_dict(self.network.state_dict())
        with torch.no_grad():
            network.last.weight.mul_(share)
            network.last.bias.copy_(share * network.last.bias + (1 - share) * torch.from_numpy(self.start))
        return network.eval()


def fit_side_by_side(
    tasks: Sequence[FitTask], device: str, after_epoch: Callable[[Epoch], None] = lambda epoch: None
) -> list[Fitted]:
    """Fit a predictor to each of several sets of superpixels, on the CPU as many at once as there are cores.

    A step is too small to share between cores: two gain little, and where another process uses one of them they wait
    for each other (measured: 130 instead of 2 ms a step). So each fit trains on one, and comes out as it does alone.
    The rest is as for :func:`fit`.
    """
    before, turn, stopped = torch.get_num_threads(), threading.Lock(), threading.Event()

    def counted(epoch: Epoch) -> None:
        if stopped.is_set():
            raise CancelledError
        with turn:
            after_epoch(epoch)

    at_once = min(cores(), len(tasks)) if device == "cpu" else 1
    pool = ThreadPoolExecutor(at_once, "vfxstyle-fit", lambda: torch.set_num_threads(1))
    try:
        fits = [pool.submit(_fit, task, device, counted) for task in tasks]
        wait(fits, return_when=FIRST_EXCEPTION)
        return [running.result() for running in fits if running.done()]
    finally:
        stopped.set()  # for those that still run where one has failed, or somebody has ended the run
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def fit(task: FitTask, device: str, after_epoch: Callable[[Epoch], None] = lambda epoch: None) -> Fitted:
    """Fit a predictor to superpixels.

    With held-out superpixels the network of the latest epoch that predicts them as well as any is kept, the start too
    if every epoch is worse; see :func:`latest_as_good`. Without them, and where the settings ask for the last, that of
    the last epoch is kept.

    device: where the network is trained. after_epoch: called after the epochs of :attr:`FitSettings.judged`.
    """
    (fitted,) = fit_side_by_side([task], device, after_epoch)
    return fitted


def _fit(task: FitTask, device: str, after_epoch: Callable[[Epoch], None]) -> Fitted:
    state, settings = _Fit(task, device), task.settings
    state.judge(0, float("nan"))
    due = set(settings.judged)
    for number in range(1, settings.epochs + 1):
        loss = state.run_epoch()
        if number in due:
            after_epoch(state.judge(number, loss))
    return state.fitted()


class _Fit:
    """The state of one fit: the network with its optimiser, the epochs judged so far, and their networks.

    Where the last epoch is kept, its network alone.
    """

    def __init__(self, task: FitTask, device: str) -> None:
        samples, settings = task.samples, task.settings
        self.settings, self.device = settings, device
        self.judged_on = task.held_out or samples
        _, counts = np.unique(self.judged_on.picture, return_counts=True)
        self.shares = counts / counts.sum()  # of the superpixels, by picture
        self.to_the_end = task.held_out is None or settings.keep == "last"
        self.standardisation = Standardisation.of(samples.features) if task.start is None else task.start[1]
        self.conditioning = Conditioning(samples)
        self.order = np.random.default_rng(settings.seed)
        self.network = Predictor(samples.features.shape[1], settings.dropout, settings.seed)
        self.start = self.conditioning.start(samples)
        if task.start is not None:
            self.network.set_numbers(self.conditioning.unfolded(task.start[0]))
        else:
            with torch.no_grad():
                self.network.last.bias.copy_(torch.from_numpy(self.start))
        self.network.to(device)
        self.count = len(samples.features)
        cycle = OneCycle(settings.epochs * -(-self.count // settings.batch), settings.learning_rate)
        self.descent = Descent(self.network, cycle, settings.weight_decay)
        self.tensors = _TrainingTensors(samples, self.standardisation, self.conditioning, settings.seed, device)
        self.curve: list[Epoch] = []
        self.networks: list[Predictor] = []
        self.missed: list[DoubleArray] = []

    def run_epoch(self) -> float:
        """Train on every superpixel once, in random order. Returns the mean loss of the steps, in Lab units."""
        self.network.train()
        shuffled = torch.from_numpy(self.order.permutation(self.count)).to(self.device)
        losses = []
        for first in range(0, self.count, self.settings.batch):
            chosen = shuffled[first : first + self.settings.batch]
            loss = self.tensors.loss(self.network, chosen, self.settings.noise)
            self.descent.step(loss)
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def judge(self, number: int, loss: float) -> Epoch:
        """Measure the network after an epoch."""
        network = self.conditioning.folded(self.descent.averaged)
        missed = errors_by_picture(network, self.standardisation, self.judged_on)
        epoch = Epoch(number, loss, float(missed @ self.shares))
        self.curve.append(epoch)
        self.missed.append(missed)
        self.networks = [network] if self.to_the_end else [*self.networks, network]
        return epoch

    def fitted(self) -> Fitted:
        """The predictor of the epoch that is kept."""
        kept = -1 if self.to_the_end else latest_as_good(np.stack(self.missed), self.shares)
        start = self.conditioning.to_outputs @ self.start
        network, number = self.networks[kept], self.curve[kept].number  # where the last is kept, the only network
        return Fitted(network, self.standardisation, start, tuple(self.curve), number)


class _TrainingTensors:
    """The superpixels as tensors on the device, prepared once for all steps."""

    def __init__(
        self,
        samples: Samples,
        standardisation: Standardisation,
        conditioning: Conditioning,
        seed: int,
        device: str,
    ) -> None:
        self._random = torch.Generator(device).manual_seed(seed)
        colours, bands = conditioning.values(samples.before, samples.bands)
        self.inputs = torch.from_numpy(standardisation.apply(samples.features)).to(device)
        self.colours, self.bands = torch.from_numpy(colours).to(device), torch.from_numpy(bands).to(device)
        self.change = torch.from_numpy(samples.after - samples.before).to(device)
        self.scale = torch.tensor(LAB_SCALE, device=device)
        self.semantic = samples.semantic

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._random, device=like.device)

    def loss(self, network: Predictor, chosen: Tensor, noise: float) -> Tensor:
        """Mean distance, in Lab units, between predicted and graded pixels, quadratic near zero.

        The paper minimises the squared distance (docs/method.md, section 1), whose minimum between two possible looks
        is a mixture of both. The minimum of the distance, which is also what errors are measured in, is one of the two.

        chosen: int64 (B,), rows of the superpixels of this step. noise: standard deviation of the noise added to
        semantic inputs.
        """
        inputs = self.inputs[chosen]
        if noise:
            semantic = inputs[:, : self.semantic]
            semantic.add_(self._noise(semantic), alpha=noise)
        outputs = network(inputs)
        phi, gains = outputs[:, :COEFFICIENTS].reshape(-1, 3, TERMS), outputs[:, COEFFICIENTS:]
        change = self.colours[chosen] @ phi.transpose(1, 2)
        contrast = self.bands[chosen] @ gains[..., None]
        change = torch.cat([change[..., :1] + contrast, change[..., 1:]], dim=-1)
        missed = change * self.scale - self.change[chosen]
        return ((missed.square().sum(dim=-1) + SOFTENING**2).sqrt() - SOFTENING).mean()
