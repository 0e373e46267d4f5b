"""The steps by which a network's weights are fitted, and the mean of the weights over these steps.

What torch's own ``AdamW``, ``OneCycleLR`` and ``AveragedModel`` do; the tests compare them. Written here because making
an optimiser of torch's loads torch's compiler, which takes about a CPU second, and because over one tensor that holds
all weights a step is ten operations, and not as many for every layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vfxstyle.looks.predictor import Predictor

_WARM_UP = 0.1  # share of the steps in which their size rises
_LOWEST, _LAST = 1 / 25, 1 / 25e4  # size of the first step and of the one after the last, over the largest
_MOMENTUM = (0.85, 0.95)  # while steps are largest, and while they are smallest
_SECOND = 0.999  # decay of the mean of squares
_EPSILON = 1e-8
_DECAY = 8  # weights count as the number of their step to this power, and their mean is that of a tenth of the way ago
_LEAST_STEPS = 20  # of nine the warm-up has no length, of fewer a negative one; of so many it is above a step


@dataclass(frozen=True, slots=True)
class OneCycle:
    """Size and momentum of each step: the size rises, then falls almost to zero, each along half a cosine.

    Source: Smith and Topin, Super-Convergence (2019), in torch's form of two phases.
    """

    steps: int
    """Steps in all, at least 1."""
    largest: float
    """Size of the largest step."""

    def at(self, step: int) -> tuple[float, float]:
        """Size and momentum of a step. step: from 0, below :attr:`steps`."""
        last = max(self.steps, _LEAST_STEPS)
        top = _WARM_UP * (last + 1) - 1
        least, most = _MOMENTUM
        if step <= top:
            way = step / top
            return _between(_LOWEST * self.largest, self.largest, way), _between(most, least, way)
        way = (step - top) / (last - top)
        return _between(self.largest, _LAST * self.largest, way), _between(least, most, way)


def _between(start: float, end: float, way: float) -> float:
    """From the start to the end along half a cosine. way: 0..1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * way))


class Descent:
    """AdamW for a predictor, whose weights become parts of one tensor, and their mean over the steps.

    The predictor must be on its device already, and stay there.

    Sources: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019); of the mean, Shamir and Zhang,
    Stochastic Gradient Descent for Non-smooth Optimization (2013), averaging with polynomial decay.
    """

    averaged: Predictor
    """The predictor with the mean of the weights, late ones counted more."""

    def __init__(self, network: Predictor, cycle: OneCycle, weight_decay: float) -> None:
        self._cycle, self._weight_decay, self._done = cycle, weight_decay, 0
        self._parts = list(network.parameters())
        self._weights = _in_one(self._parts)
        self.averaged = Predictor(network.inputs).to(self._weights.device)
        self.averaged.load_state_dict(network.state_dict())
        self._mean = _in_one(list(self.averaged.parameters()))
        self._first, self._second, self._root = (torch.zeros_like(self._weights) for _ in range(3))

    @torch.no_grad()
    def step(self, loss: Tensor) -> None:
        """Move the weights one step against the gradient of a loss of theirs."""
        gradient = torch.cat([part.reshape(-1) for part in torch.autograd.grad(loss, self._parts)])
        size, momentum = self._cycle.at(self._done)
        self._done += 1
        self._weights.mul_(1 - size * self._weight_decay)
        self._first.lerp_(gradient, 1 - momentum)
        self._second.mul_(_SECOND).addcmul_(gradient, gradient, value=1 - _SECOND)
        torch.sqrt(self._second, out=self._root)
        self._root.div_(math.sqrt(1 - _SECOND**self._done)).add_(_EPSILON)
        self._weights.addcdiv_(self._first, self._root, value=-size / (1 - momentum**self._done))
        self._mean.lerp_(self._weights, self._share_of_step())

    def _share_of_step(self) -> float:
        """How much of the mean the newest weights are; all of it after the first step."""
        return 1.0 if self._done == 1 else (_DECAY + 1) / (_DECAY + 1 + self._done)


def _in_one(parts: list[torch.nn.Parameter]) -> Tensor:
    """One tensor (N,) that holds all the weights, of which each parameter is a part from then on."""
    whole = torch.cat([part.detach().reshape(-1) for part in parts])
    first = 0
    for part in parts:
        part.data = whole[first : first + part.numel()].view_as(part)
        first += part.numel()
    return whole
