"""Reads one number as people write it, in English or German style."""

import re


def number(text: str) -> str | None:
    """A number as Python writes it, from 1,234.5 or 1.234,5 or 19,99 or 1 000; None if it is none, or a version."""
    text = re.sub(r"(?<=\d)['’_\s](?=\d{3}(?!\d))", "", text)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+", text):
        text = text.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,\d+", text):
        text = text.replace(",", ".")
    if not re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", text):
        return None
    whole, dot, part = text.partition(".")
    return (whole.lstrip("0") or "0") + dot + part
