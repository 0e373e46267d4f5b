"""The shot analysis: which one is wanted, how it is made, and how it lies on disk."""
