"""How much a file may claim before it is believed to be damaged."""

DEFAULT_MAX_PIXELS = 2**27
"""Pixels that a picture may have, 134 million: four of 8K. A header can claim more than any machine has memory for."""
