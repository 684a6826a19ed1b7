"""Reads the items of a large JSON list one at a time: a file of any size takes the memory of its largest item."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TextIO

from gpts.portable.errors import NotImportable

CHUNK_CHARS: Final = 1 << 20
# Enough to see where the list begins.
HEAD_CHARS: Final = 200
# The longest conversation that was seen has 20 MB. Parsing takes ten times as much memory, of a hostile one twenty.
MAX_ITEM_CHARS: Final = 30_000_000
_LIST: Final = re.compile(r'\s*(?:\{\s*"(?:conversations|chats|data)"\s*:\s*)?\[')
_GAP: Final = re.compile(r"[\s,]*")
DEEP: Final = "It is nested too deeply to be an export."


def items_of(file: TextIO, max_chars: int = MAX_ITEM_CHARS) -> Iterator[Any]:
    """The items of the list in `file`, or of the list within its object; another value is the only item.

    Raises NotImportable if it is damaged, cut off, or has an item longer than `max_chars`.
    """
    decoder, text = json.JSONDecoder(), file.read(max(HEAD_CHARS, CHUNK_CHARS))
    start = _LIST.match(text)
    at = start.end() if start else 0
    while True:
        at = _end_of_gap(text, at)
        if start and text.startswith("]", at):
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError as error:
            raise NotImportable(DEEP) from error
        except ValueError as error:
            # Damaged, or cut off at the end of what was read: as much again costs no more than twice the time.
            more = file.read(max(CHUNK_CHARS, len(text) - at))
            if not more:
                raise NotImportable("It is damaged or incomplete JSON.") from error
            text, at = text[at:] + more, 0
            if len(text) > max_chars:
                raise NotImportable(f"It has a part of more than {max_chars // 10**6} million characters.") from error
            continue
        yield value
        if not start:
            return


def _end_of_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at
