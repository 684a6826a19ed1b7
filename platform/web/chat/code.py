"""Python in colours: enough for a reader, and safe whatever the model wrote, for every piece is escaped."""

import keyword
import re
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WORDS: Final = "|".join(keyword.kwlist)
_PIECE: Final = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>[rbfuRBFU]{0,2}(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    rf"|(?P<word>\b(?:{_WORDS})\b)"
    r"|(?P<number>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)"
)


def coloured(code: str) -> SafeString:
    """`code` as HTML with its comments, strings, keywords and numbers in elements of those classes."""
    pieces, at = [], 0
    for found in _PIECE.finditer(code):
        pieces.append(format_html("{}", code[at : found.start()]))
        pieces.append(format_html('<span class="py-{}">{}</span>', found.lastgroup, found[0]))
        at = found.end()
    pieces.append(format_html("{}", code[at:]))
    return format_html_join("", "{}", ((piece,) for piece in pieces))
