"""Syntax highlighting of Python. Everything is escaped, so that it is safe for any model output."""

import keyword
import re
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WORDS: Final = "|".join(keyword.kwlist)
_TOKEN: Final = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>[rbfuRBFU]{0,2}(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    rf"|(?P<word>\b(?:{_WORDS})\b)"
    r"|(?P<number>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)"
)


def highlighted(code: str) -> SafeString:
    """`code` as HTML with its comments, strings, keywords and numbers in elements of those classes."""
    parts, at = [], 0
    for found in _TOKEN.finditer(code):
        parts.append(format_html("{}", code[at : found.start()]))
        parts.append(format_html('<span class="py-{}">{}</span>', found.lastgroup, found[0]))
        at = found.end()
    parts.append(format_html("{}", code[at:]))
    return format_html_join("", "{}", ((part,) for part in parts))
