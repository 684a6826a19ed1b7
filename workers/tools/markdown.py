"""Strangers' texts as parts of Markdown."""

import re


def escaped(text: str, more: str = "") -> str:
    """`text` with what Markdown would act on made harmless, and the characters in `more` too."""
    return re.sub(rf"([\\`*_\[\]<>!#~|{re.escape(more)}])", r"\\\1", text)
