"""Principal components of feature vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class PCA:
    """The leading principal components of a set of vectors."""

    mean: FloatArray
    """float32 (C,), mean of the vectors it was fitted to."""
    components: FloatArray
    """float32 (K, C), unit directions, the one of largest variance first."""

    def project(self, vectors: FloatArray) -> FloatArray:
        """Coordinates of vectors.

        vectors: float (N, C). Returns float32 (N, K). Raises ValueError for vectors of another length.
        """
        return np.asarray((np.asarray(vectors, np.float32) - self.mean) @ self.components.T, np.float32)


class PCAFit:
    """Fits a PCA to vectors that come in batches; it holds their sum and scatter matrix alone."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._sum = np.zeros(channels)
        self._scatter = np.zeros((channels, channels))

    def add(self, vectors: FloatArray) -> None:
        """Add a batch. vectors: float (N, C)."""
        batch = vectors.astype(np.float64)
        self._count += len(batch)
        self._sum += batch.sum(axis=0)
        self._scatter += batch.T @ batch

    def result(self, components: int) -> PCA:
        """The PCA with ``components`` directions, or with fewer where there are fewer channels or vectors."""
        mean = self._sum / max(self._count, 1)
        covariance = self._scatter / max(self._count, 1) - np.outer(mean, mean)
        _, directions = np.linalg.eigh(covariance)
        kept = min(components, len(mean), max(self._count - 1, 1))
        leading = directions[:, ::-1][:, :kept].T
        # eigh leaves the sign open; fixing it makes presets reproducible
        signs = np.sign(leading[np.arange(kept), np.abs(leading).argmax(axis=1)])
        return PCA(mean.astype(np.float32), (leading * signs[:, None]).astype(np.float32))
