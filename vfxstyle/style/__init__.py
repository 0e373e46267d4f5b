"""The look: colour transforms, the network that predicts them, and the preset file."""

from vfxstyle.style.apply import TransformField, apply_field
from vfxstyle.style.detail import bands, folded
from vfxstyle.style.fit import Epoch, FitSettings, Fitted, fit, regularised
from vfxstyle.style.predictor import OUTPUTS, Predictor, Standardisation, predict
from vfxstyle.style.preset import Preset, PresetInfo, read_info, read_preset, save_preset
from vfxstyle.style.samples import Errors, Samples, measure, predicted_lab
from vfxstyle.style.transform import basis, fit_transform, transform_lab

__all__ = [
    "OUTPUTS",
    "Epoch",
    "Errors",
    "FitSettings",
    "Fitted",
    "Predictor",
    "Preset",
    "PresetInfo",
    "Samples",
    "Standardisation",
    "TransformField",
    "apply_field",
    "bands",
    "basis",
    "fit",
    "fit_transform",
    "folded",
    "measure",
    "predict",
    "predicted_lab",
    "read_info",
    "read_preset",
    "regularised",
    "save_preset",
    "transform_lab",
]
