"""Settings of the temporal superpixel model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

_WHOLE = {"num_superpixels": 1, "seed": 0, "max_sweeps": 1, "max_rounds": 1, "min_life": 1, "memory": 0}
_POSITIVE = ("first_share", "area_var", "deltap_scale", "deltaa_scale", "birth_share", "cov_var_p", "cov_var_a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The numbers of the model, by the names of Chang, Wei and Fisher (CVPR 2013); a default that differs says so."""

    num_superpixels: int = 1000
    """Requested superpixels in a frame without texture (K); texture gives more, see docs/tsp.md. More
    than one for every four pixels counts as that many."""
    seed: int = 0
    """Seed of the draws in split proposals."""
    alpha: float = -15.0
    """Log-weight of a new superpixel, nats per px of the ideal area. It also sets the position variance."""
    beta: float = -2.0
    """Log-weight of an old superpixel, one that was alive in the frame before; nats per px of the ideal area.
    The published choice is -10; the less it costs to stay, the longer superpixels live."""
    first_share: float = 0.65
    """Share of ``alpha`` that a superpixel costs on the first frame, so that it starts with as many as later
    frames keep. The published choice is 1."""
    area_var: float = 400.0
    """Variance of the area prior, px^2."""
    colour_var: float | None = None
    """Variance of a and b within a superpixel, in 8-bit Lab codes squared; the variance of L is twice this. None
    follows from the frame's size: 0.7 H W / 18768 (the published choice without the 0.7), but at least 3."""
    deltap_scale: float = 0.001
    """Half the variance of an old superpixel's place about its prediction, whitened."""
    deltaa_scale: float = 700.0
    """1000 / K over the variance of an old superpixel's colour about its last colour, whitened. The published
    choice is 100; more lets colour change less before the label is given up."""
    reestimate_flow: bool = False
    """Re-estimate each superpixel's flow with a Gaussian process over superpixels. Slower."""
    cov_var_p: float = 1000.0
    """Squared length of that process over places, px^2."""
    cov_var_a: float = 100.0
    """Squared length of that process over colours, 8-bit Lab codes squared."""
    max_sweeps: int = 12
    """Most sweeps of local moves in one round. The published choice is 150, for less than 0.1 % of the energy."""
    max_rounds: int = 2
    """Most rounds of merge, split, switch and local moves in a frame; on the first, of merge and split. The published
    choice is 5, and no merges on the first frame."""
    birth_share: float = 0.4
    """Share of the ideal area from which an uncovered piece becomes a superpixel of its own. The published choice is
    20 px."""
    identity_share: float = 0.45
    """Share of its pixels that must have been carried over by the flow for a superpixel to keep its label."""
    min_life: int = 4
    """Frames that a new superpixel must last; one that does not is taken back by its neighbours. The label map
    of a frame is handed out that much later. 1 keeps every superpixel."""
    memory: int = 3
    """Frames for which a label that has died can be taken up again; 0 for within its last frame only."""
    cut_below: float = 0.7
    """A scene cut is where less than this share of two frames' variance is explained by the flow; 0 for never."""

    def __post_init__(self) -> None:
        for name, least in _WHOLE.items():
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= least):
                raise ValueError(f"{name} is {value}; it must be a whole number, at least {least}.")
        for name in _POSITIVE:
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} is {value}; it must be positive.")
        if self.colour_var is not None and not 0 < self.colour_var < math.inf:
            raise ValueError(f"colour_var is {self.colour_var}; it must be positive, or None.")
        for name in ("identity_share", "cut_below"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be in 0..1.")
        for name in ("alpha", "beta"):
            if not -math.inf < getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be negative.")
        if self.beta < self.alpha:
            raise ValueError(f"beta is {self.beta}; to stay must not cost more than to be new, alpha {self.alpha}.")
