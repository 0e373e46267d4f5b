"""Settings of the temporal superpixel model, derived from one wish: superpixels per frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What steers the segmentation; names and defaults follow Chang, Wei and Fisher (CVPR 2013)."""

    num_superpixels: int = 1000
    """Wished superpixels in a frame (K)."""
    seed: int = 0
    """Seed of everything random. The present moves are all deterministic and draw nothing."""
    area_var: float = 400.0
    """Variance of the area prior, in px^2."""
    deltap_scale: float = 0.001
    """Half the variance of a tracked superpixel's place about its prediction, in whitened units."""
    deltaa_scale: float = 100.0
    """Inverse scale of the variance of a tracked superpixel's colour about its last colour."""
    birth_share: float = 0.5
    """A hole smaller than this share of the ideal area is filled by its neighbours instead of being born."""
    death_share: float = 0.125
    """A superpixel smaller than this share of the ideal area is given to a neighbour."""
    split_share: float = 2.25
    """A superpixel larger than this multiple of the ideal area is cut in two."""
    max_sweeps: int = 10
    """Most sweeps of local moves over a frame."""

    def __post_init__(self) -> None:
        if self.num_superpixels < 1:
            raise ValueError(f"num_superpixels is {self.num_superpixels}; it must be at least 1.")
        if self.max_sweeps < 1:
            raise ValueError(f"max_sweeps is {self.max_sweeps}; it must be at least 1.")
        for name in ("area_var", "deltap_scale", "deltaa_scale", "birth_share", "death_share", "split_share"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive.")
