"""Temporal superpixels: superpixels that live through time.

After Chang, Wei and Fisher, "A Video Representation Using Temporal Superpixels" (CVPR 2013). A library of its
own: it knows frames, flow and labels, and nothing of looks.
"""

from tsp.flow import DISFlow, OpticalFlow
from tsp.tracker import segment

__all__ = ["DISFlow", "OpticalFlow", "segment"]
