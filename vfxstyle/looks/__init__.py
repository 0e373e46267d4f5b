"""The look: colour transforms, the network that predicts them, and the preset file.

The names exported here load no torch; the modules that run the network do: :mod:`.predictor`, :mod:`.samples`,
:mod:`.conditioning` and :mod:`.fit`.
"""

from vfxstyle.looks.apply import apply_field
from vfxstyle.looks.detail import bands, folded
from vfxstyle.looks.field import TransformField
from vfxstyle.looks.info import PresetInfo
from vfxstyle.looks.network import OUTPUTS, Standardisation
from vfxstyle.looks.preset import Preset, read_info, read_preset, save_preset
from vfxstyle.looks.transform import basis, fit_transform, transform_lab

__all__ = [
    "OUTPUTS",
    "Preset",
    "PresetInfo",
    "Standardisation",
    "TransformField",
    "apply_field",
    "bands",
    "basis",
    "fit_transform",
    "folded",
    "read_info",
    "read_preset",
    "save_preset",
    "transform_lab",
]
