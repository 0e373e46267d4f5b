"""The preset file: everything needed to apply a look, in one safetensors file without executable parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import OutputError, PresetError
from vfxstyle.features.vectors import holds_classes
from vfxstyle.files import file_digest, write_atomically
from vfxstyle.looks.base import BASE_PARTS, NO_BASE, Base, base_of_tensors, base_tensors
from vfxstyle.looks.graded_frames import GradedFrames, graded_of, graded_tensors, graded_values
from vfxstyle.looks.info import (
    ANY_LIGHT_SCHEMA,
    CLASSLESS_SCHEMA,
    PICTURED_SCHEMA,
    PLAIN_SCHEMA,
    PRESET_SCHEMA,
    UNPICTURED_SCHEMA,
    PresetInfo,
    check_types,
)
from vfxstyle.looks.learning import Learning, learning_of, learning_tensors, learning_values
from vfxstyle.looks.network import Layers, Standardisation, layer_tensors, predict, taken_layers
from vfxstyle.looks.transform import LAB_SCALE

SUFFIX = ".safetensors"
"""File name extension of presets."""
_KEY = "vfxstyle.preset"  # of the entry in the file's metadata that holds PresetInfo as JSON
_BLOCKS = "parts"  # the name in the file of ``blocks``
_NETWORK = "network."  # before the names of its tensors
_PICTURES = "pictures"
_GRADED = "graded"  # before the names of tensors of graded frames, and what the header says of them
_LEARNING = "learning"  # the same of what training goes on from
_LARGEST_FILE = 2**30  # bytes; a preset has about 1 MB, of VGG-16 20, for each graded frame 2 or 3, of tall ones 10


@dataclass(frozen=True, slots=True)
class Preset:
    """A loaded look."""

    info: PresetInfo
    """Description of the preset."""
    projections: Mapping[str, tuple[FloatArray, FloatArray]]
    """PCA of each projected block, by name: float32 mean, (C,), and components, (K, C)."""
    standardisation: Standardisation
    """Standardisation of the feature vector."""
    layers: Layers
    """Weights and biases of the network from a feature vector to a transform."""
    digest: str
    """SHA-256 of the file's contents, as hexadecimal digits; empty for a preset that was not loaded from a file."""
    base: Base = NO_BASE
    """What the look does by colour alone or by place; the network predicts what is left."""
    graded: GradedFrames | None = None
    """Graded frames of the shot that it was learnt from, which are carried along it."""
    pictures: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """float32 (N, K), projected global features of the pictures that it was learnt from; empty where it keeps none."""
    learning: Learning | None = None
    """What training goes on from."""

    @property
    def found(self) -> str:
        """What was found before superpixels learnt anything, in words; empty for nothing."""
        words = [self.base.words] if self.base.words else []
        if self.graded is not None and self.graded.layers is not None:
            words.append(f"something treated apart, on {self.graded.layers.share:.0%} of the frame")
        return "; ".join(words)

    def predict(self, features: npt.NDArray[np.floating]) -> FloatArray:
        """A transform and gains, float32 (N, 33), for each feature vector, float (N, D)."""
        return predict(self.layers, self.standardisation, features)

    @property
    def inputs(self) -> int:
        """Length of the feature vector that the preset expects."""
        return len(self.standardisation.mean)


def save_preset(preset: Preset, path: Path) -> Path:
    """Write a preset under a temporary name and rename it. Returns ``path``.

    Raises :class:`~vfxstyle.errors.OutputError` if the file cannot be written.
    """
    tensors: dict[str, np.ndarray] = {
        "standardisation.mean": preset.standardisation.mean,
        "standardisation.std": preset.standardisation.std,
    }
    for name, (mean, components) in preset.projections.items():
        tensors[f"pca.{name}.mean"] = mean
        tensors[f"pca.{name}.components"] = components.astype(np.float16)
    tensors |= layer_tensors(preset.layers, _NETWORK)
    for name, part in base_tensors(preset.base).items():
        tensors[_tensor_of_base(name, preset.base.gain_first)] = part
    if preset.pictures.size:
        tensors[_PICTURES] = preset.pictures.astype(np.float16)
    values = asdict(preset.info)
    if preset.graded is not None:
        tensors |= {f"{_GRADED}.{name}": part for name, part in graded_tensors(preset.graded).items()}
        values[_GRADED] = graded_values(preset.graded)
    if preset.learning is not None:
        tensors |= {f"{_LEARNING}.{name}": part for name, part in learning_tensors(preset.learning).items()}
        values[_LEARNING] = learning_values(preset.learning)
    values["schema"] = _schema_of(preset)
    if not preset.info.any_light:
        del values["any_light"]
    values[_BLOCKS] = values.pop("blocks")
    header = {_KEY: json.dumps(values, sort_keys=True)}
    data = save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, header)
    if len(data) > _LARGEST_FILE:
        raise OutputError(
            f"Preset {path} would take {len(data) >> 20} MiB, and {_LARGEST_FILE >> 20} is the most; learn the look "
            "from fewer graded frames."
        )
    try:
        write_atomically(path, data)
    except OSError as error:
        raise OutputError(f"Preset {path} cannot be written: {error.strerror}; choose another place.") from error
    return path


def _schema_of(preset: Preset) -> int:
    """The first version of the format that has all that a look has."""
    if any(map(holds_classes, preset.info.blocks)):
        return PRESET_SCHEMA
    if preset.learning is not None or (preset.graded is not None and preset.graded.layers is not None):
        return CLASSLESS_SCHEMA
    if preset.info.any_light:
        return ANY_LIGHT_SCHEMA
    if preset.pictures.size:
        return PICTURED_SCHEMA
    return PLAIN_SCHEMA if preset.base.is_none and preset.graded is None else UNPICTURED_SCHEMA


def read_info(path: Path) -> PresetInfo:
    """The description of a preset, read without loading its tensors.

    Raises :class:`~vfxstyle.errors.PresetError` if the file is not a preset of a known version.
    """
    with _opened(path) as file:
        return _info(file.metadata(), path)[0]


def read_preset(path: Path) -> Preset:
    """Load a preset and check all its tensors.

    Raises :class:`~vfxstyle.errors.PresetError`, which names the file and the fault, if it is not a preset of a known
    version or is damaged.
    """
    with _opened(path) as file:
        info, parts = _info(file.metadata(), path)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    for name, value in tensors.items():
        if value.dtype not in (np.float16, np.float32) or not np.isfinite(value).all():
            raise _damaged(path, f"tensor '{name}' is not finite floating point")
    try:
        projections = {
            part: (
                tensors.pop(f"pca.{part}.mean").astype(np.float32),
                tensors.pop(f"pca.{part}.components").astype(np.float32),
            )
            for part in info.projected
        }
        standardisation = Standardisation(
            tensors.pop("standardisation.mean").astype(np.float32),
            tensors.pop("standardisation.std").astype(np.float32),
        )
        base = _base(tensors, path)
        graded = _graded(tensors, parts.get(_GRADED), base, path)
        if graded is not None and info.any_light:
            raise _damaged(path, "graded frames are of looks for the light of their shot")
        pictures = _pictures(tensors, projections, path)
        learning = _learning(tensors, parts.get(_LEARNING), len(standardisation.mean), path)
        layers = _layers(tensors, len(standardisation.mean), path)
    except KeyError as error:
        raise _damaged(path, f"tensor {error} is missing") from error
    _check_shapes(projections, standardisation, path)
    return Preset(info, projections, standardisation, layers, file_digest(path), base, graded, pictures, learning)


def _damaged(path: Path, what: str) -> PresetError:
    return PresetError(f"Preset {path} is damaged: {what}; copy or train it again.")


def _opened(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _damaged(path, f"it is larger than {_LARGEST_FILE >> 20} MiB")
        return safe_open(path, framework="numpy")
    except OSError as error:
        raise PresetError(f"Preset {path} cannot be read: {error.strerror or error}; check the path.") from error
    except SafetensorError as error:
        raise _damaged(path, f"not a safetensors file ({error})") from error


def _info(metadata: Mapping[str, str] | None, path: Path) -> tuple[PresetInfo, dict[str, Any]]:
    """The description in a file's header, and what it says of graded frames and of how the look was learnt."""
    parts: dict[str, Any] = {}
    try:
        values = json.loads((metadata or {})[_KEY])
        schema = int(values["schema"])
        if PLAIN_SCHEMA <= schema <= PRESET_SCHEMA:
            values["blocks"] = values.pop(_BLOCKS)
            parts = {name: values.pop(name) for name in (_GRADED, _LEARNING) if name in values}
            for name in ("blocks", "projected", "lab_scale"):
                values[name] = tuple(values[name])
            info = PresetInfo(**values)
            check_types(info)
    except (KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
        raise _damaged(path, "it does not carry a vfxstyle preset header") from error
    if not PLAIN_SCHEMA <= schema <= PRESET_SCHEMA or info.lab_scale != LAB_SCALE:
        remedy = "train the look again" if schema < PLAIN_SCHEMA else "update vfxstyle"
        raise PresetError(
            f"Preset {path} has format version {schema}, this vfxstyle reads {PLAIN_SCHEMA} to {PRESET_SCHEMA}; "
            f"{remedy}."
        )
    return info, parts


def _tensor_of_base(name: str, gain_first: bool) -> str:
    return f"base.{name}" if name != "gain" or gain_first else "base.gain_after"


def _base(tensors: dict[str, np.ndarray], path: Path) -> Base:
    """The base of the look, taken out of ``tensors``."""
    gain_first = "base.gain_after" not in tensors
    named = {name: tensors.pop(_tensor_of_base(name, gain_first), None) for name in BASE_PARTS}
    try:
        return base_of_tensors(
            {name: part.astype(np.float32) for name, part in named.items() if part is not None}, gain_first=gain_first
        )
    except ValueError as error:
        raise _damaged(path, str(error)) from error


def _graded(tensors: dict[str, np.ndarray], values: Any, base: Base, path: Path) -> GradedFrames | None:
    """The graded frames, taken out of ``tensors``."""
    own = _taken_out(tensors, _GRADED)
    if not own:
        return None
    try:
        return graded_of(own, values, base)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"its graded frames cannot be used ({error})") from error


def _learning(tensors: dict[str, np.ndarray], values: Any, inputs: int, path: Path) -> Learning | None:
    """What training goes on from, taken out of ``tensors``."""
    own = _taken_out(tensors, _LEARNING)
    if values is None and not own:
        return None
    try:
        return learning_of(own, values, inputs)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"what training goes on from cannot be used ({error})") from error


def _taken_out(tensors: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The tensors of a part of the file, out of all, by their names in it."""
    own = [name for name in tensors if name.startswith(f"{part}.")]
    return {name.removeprefix(f"{part}."): tensors.pop(name) for name in own}


def _pictures(
    tensors: dict[str, np.ndarray], projections: Mapping[str, tuple[FloatArray, FloatArray]], path: Path
) -> FloatArray:
    """Global features of the pictures that the look was learnt from, taken out of ``tensors``."""
    pictures = tensors.pop(_PICTURES, np.zeros((0, 0))).astype(np.float32)
    if pictures.size and (pictures.ndim != 2 or pictures.shape[1] != len(projections["global"][1])):
        raise _damaged(path, "what it keeps of its pictures has the wrong size")
    return pictures


def _layers(tensors: dict[str, np.ndarray], inputs: int, path: Path) -> Layers:
    """Weights and biases of the predictor, taken out of ``tensors``, which must hold nothing else by then."""
    try:
        layers = taken_layers(tensors, _NETWORK, inputs)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if tensors:
        raise _damaged(path, f"it holds unknown tensors ({', '.join(sorted(tensors)[:3])})")
    return layers


def _check_shapes(
    projections: Mapping[str, tuple[FloatArray, FloatArray]], standardisation: Standardisation, path: Path
) -> None:
    if standardisation.std.shape != standardisation.mean.shape or not (standardisation.std > 0).all():
        raise _damaged(path, "its standardisation is not usable")
    for part, (mean, components) in projections.items():
        if components.ndim != 2 or mean.shape != components.shape[1:]:
            raise _damaged(path, f"the projection of '{part}' has the wrong size")
