"""Measurements of the engine and of the platform around it, on the same weights in one run."""
