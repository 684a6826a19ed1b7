"""PPTX: slides."""
