"""Learning a look from before/after pairs."""
