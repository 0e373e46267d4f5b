"""The look: colour transforms, the network that predicts them, and the preset file."""

from vfxstyle.style.apply import TransformField, apply_field
from vfxstyle.style.fit import Errors, FitSettings, Samples, fit, measure
from vfxstyle.style.predictor import Predictor, Standardisation, predict
from vfxstyle.style.preset import Preset, PresetInfo, read_info, read_preset, save_preset
from vfxstyle.style.transform import basis, fit_transform, transform_lab

__all__ = [
    "Errors",
    "FitSettings",
    "Predictor",
    "Preset",
    "PresetInfo",
    "Samples",
    "Standardisation",
    "TransformField",
    "apply_field",
    "basis",
    "fit",
    "fit_transform",
    "measure",
    "predict",
    "read_info",
    "read_preset",
    "save_preset",
    "transform_lab",
]
