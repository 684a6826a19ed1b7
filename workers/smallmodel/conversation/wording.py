"""A message as a list of plain words."""

import re
from typing import Final

from workers.smallmodel.routing.words import fold

_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_APOSTROPHE: Final = re.compile(r"(?<=[a-z])['’](?=[a-z])")
_DRAWN_OUT: Final = re.compile(r"(.)\1{2,}")


def plain_words(text: str) -> list[str]:
    """The words of `text`, folded; "what's" is one word."""
    joined = _APOSTROPHE.sub("", fold(text))
    return [_DRAWN_OUT.sub(r"\1", word) for word in _WORD.findall(joined)]
