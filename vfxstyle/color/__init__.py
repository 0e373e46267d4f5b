"""Colour: Lab, transfer encodings, and the reversible grading encoding."""

from vfxstyle.color.encoding import Encoding, decode, encode, from_grading, to_grading
from vfxstyle.color.lab import lab_to_linear, linear_to_lab

__all__ = ["Encoding", "decode", "encode", "from_grading", "lab_to_linear", "linear_to_lab", "to_grading"]
