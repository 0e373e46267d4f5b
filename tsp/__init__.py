"""Temporal superpixels: superpixels that live through time.

After Chang, Wei and Fisher, "A Video Representation Using Temporal Superpixels" (CVPR 2013). A library of its
own: it knows frames, flow and labels, and nothing of looks.
"""

from tsp import metrics, overlay
from tsp.energy import Evaluator
from tsp.flow import DISFlow, OpticalFlow
from tsp.settings import Settings
from tsp.stream import segment

__all__ = ["DISFlow", "Evaluator", "OpticalFlow", "Settings", "metrics", "overlay", "segment"]
