"""The device path: superpixels in whole-array steps, for torch on a GPU or a CPU."""
