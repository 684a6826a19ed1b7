"""What becomes of text that readers do not see: how much of it is worth an owner's attention."""

import re
from typing import Final

from workers.knowledge.parsers.outline import Outline

# Hidden text of fewer words names a thing ("Picture 3", "Bottom of Form"); more of them tell something. Scripts
# without spaces tell as much in this many characters.
_TELLING_WORDS: Final = 5
_TELLING_CHARS: Final = 40
_WORD: Final = re.compile(r"[^\W\d_]{2}")


def tells_something(text: str) -> bool:
    """Whether text is more than a name or a number."""
    return len(text.split()) >= _TELLING_WORDS or len(text.strip()) >= _TELLING_CHARS


def add_tricks(outline: Outline, tricks: dict[str, list[str]], page: int | None = None) -> None:
    """Add text that tricks hide, by trick; numbers and marks without a word steer nobody and are only told."""
    for trick, texts in tricks.items():
        text = " ".join(texts)
        if _WORD.search(text):
            outline.invisible(text, trick, page)
        else:
            outline.leave_out(text, f"characters that readers can't see: {trick}", page)
