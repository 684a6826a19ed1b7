"""What a file's owner changed about its passages: blocks of the document, by their text as it was read.

Corrections refer to the text, not to places, so they hold for another edition of a file where the text is the same.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field

from gpts.knowledge.documents import Block, Document
from gpts.values import Text, Value

_Span = tuple[int, int]
# A passage's range in the old text, its start in the new one, and its end there if its text changed, else 0.
_Piece = tuple[int, int, int, int]

MOST_CHARS: Final = 20_000
MOST_QUESTIONS: Final = 10
QUESTION_CHARS: Final = 200


class Correction(Value):
    """A passage's text as it was read, what it says instead (empty: the same), and as what it is also asked.

    A `pinned` passage is given with every question.
    """

    original: Annotated[Text, Field(min_length=1, max_length=MOST_CHARS)]
    text: Annotated[Text, Field(max_length=MOST_CHARS)] = ""
    dropped: bool = False
    pinned: bool = False
    also_asked: Annotated[
        tuple[Annotated[Text, Field(max_length=QUESTION_CHARS)], ...], Field(max_length=MOST_QUESTIONS)
    ] = ()

    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return not (self.dropped or self.pinned or self.also_asked or (self.text and self.text != self.original))


# By `passage_key` of the original.
Corrections = Mapping[str, Correction]


def passage_key(text: str) -> str:
    """The key of a passage with this text: 16 hexadecimal digits."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def digest(corrections: Corrections) -> str:
    """A name for what these corrections make of a document, "" for none."""
    if not corrections:
        return ""
    data = {key: each.model_dump(mode="json") for key, each in sorted(corrections.items())}
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]


def corrected(document: Document, corrections: Corrections) -> Document:
    """`document` with these corrections; findings in a changed passage cover all of it."""
    if not corrections:
        return document
    blocks: list[Block] = []
    pieces: list[_Piece] = []
    end = 0
    for start, block in document.placed():
        new = _corrected(block, corrections)
        if new is not None:
            blocks.append(new)
            pieces.append((start, start + len(block.text), end, end + len(new.text) if new.text != block.text else 0))
            end += len(new.text) + 2
    findings = tuple(
        each.model_copy(update={"spans": tuple(_moved(each.spans, pieces))}) if each.spans else each
        for each in document.findings
    )
    return document.model_copy(update={"blocks": tuple(blocks), "findings": findings})


def _corrected(block: Block, corrections: Corrections) -> Block | None:
    """The block with its correction, None if it is dropped; headings keep their text."""
    correction = None if block.is_heading() else corrections.get(passage_key(block.text))
    if correction is None:
        return block
    if correction.dropped:
        return None
    text = correction.text.strip() or block.text
    return block.model_copy(
        update={
            "text": text,
            "marks": block.marks if text == block.text else (),
            "also_asked": correction.also_asked,
            "pinned": correction.pinned,
        }
    )


def _moved(spans: Iterable[_Span], pieces: Sequence[_Piece]) -> Iterator[_Span]:
    """`spans` in the new text."""
    for start, end in spans:
        for old, old_end, new, new_end in pieces:
            if old < end and start < old_end:
                yield (new, new_end) if new_end else (new + max(start, old) - old, new + min(end, old_end) - old)
