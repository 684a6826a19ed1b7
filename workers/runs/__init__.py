"""Advancing runs: claim, decide, perform, append."""
