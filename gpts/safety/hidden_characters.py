"""Finds text hidden in invisible characters, decodes it where possible, and shows it.

Misplaced invisible characters are of two kinds. Strays, left by word processors and web pages, are removed silently.
Codes, which hold a message or reverse text, become findings.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from gpts.knowledge.documents import Block, Document, Finding
from gpts.safety.findings import finding, merged, without
from gpts.safety.invisible_characters import (
    ANNOTATIONS,
    FORCED_DIRECTION,
    RIGHT_TO_LEFT,
    is_private,
    is_selector,
    is_tag,
    strays,
    visible,
)

# Fewer bits than this cannot encode a word.
_CODE_LENGTH: Final = 8
_SELECTORS: Final = 3
# Bullets and icons of fonts appear alone or in small groups.
_PRIVATE_LENGTH: Final = 12
# Most visible characters allowed between two characters of one code.
_GAP: Final = 2
_AROUND_CHARS: Final = 120
_MAX_FINDINGS: Final = 50

_Span = tuple[int, int]


def without_strays(document: Document) -> Document:
    """`document` without stray invisible characters, and with a finding for each block that holds a code."""
    codes: list[tuple[int, Block, list[int]]] = []
    gone: list[_Span] = []
    for start, block in document.placed():
        wrong = list(strays(block.text))
        if wrong:
            held = sorted(at for cluster in _clusters(wrong) if _is_code(block.text, cluster) for at in cluster)
            gone += ((start + at, start + at + 1) for at in set(wrong).difference(held))
            if held:
                codes.append((start, block, held))
    found = [_finding(offset, block, held) for offset, block, held in codes]
    document = document.model_copy(update={"findings": (*document.findings, *_capped(found))})
    return without(document, gone).model_copy(update={"title": visible(document.title)})


def _clusters(places: Sequence[int]) -> Iterator[list[int]]:
    """Groups of `places` with at most _GAP visible characters between neighbours."""
    cluster: list[int] = []
    for at in places:
        if cluster and at - cluster[-1] - 1 > _GAP:
            yield cluster
            cluster = []
        cluster.append(at)
    if cluster:
        yield cluster


def _is_code(text: str, cluster: Sequence[int]) -> bool:
    """Whether the characters at `cluster` hold a message or reverse text, rather than being strays."""
    hidden = [text[at] for at in cluster]
    if any(
        is_tag(each) or each in FORCED_DIRECTION or each in RIGHT_TO_LEFT or each in ANNOTATIONS for each in hidden
    ):
        return True
    if sum(map(is_selector, hidden)) >= _SELECTORS:
        return True
    private = sum(map(is_private, hidden))
    others = [each for each in hidden if not is_private(each) and ord(each) >= 0xA0]  # no control characters
    return private >= _PRIVATE_LENGTH or (len(others) >= _CODE_LENGTH and not _is_padding(text, cluster, others))


def _is_padding(text: str, cluster: Sequence[int], hidden: Sequence[str]) -> bool:
    """Whether the same few characters repeat among spaces, as in the padded preview lines of mails."""
    between = "".join(text[at + 1 : following] for at, following in pairwise(cluster))
    periodic = any(all(a == b for a, b in zip(hidden, hidden[n:], strict=False)) for n in range(1, 5))
    return periodic and not between.strip()


def _finding(offset: int, block: Block, held: Sequence[int]) -> Finding:
    hidden = "".join(block.text[at] for at in held)
    turned = all(each in FORCED_DIRECTION or each in RIGHT_TO_LEFT or each == "\u202c" for each in hidden)
    message = (
        "Invisible characters change the direction of the text, so readers see it in a different order."
        if turned
        else f"{len(held)} invisible characters contain a message that readers can't see."
    )
    text = f"{decoded(hidden)}, in: {_around(block.text, held)}"
    spans = merged((offset + at, offset + at + 1) for at in held)
    return finding("hidden_characters", "quarantine", message, text, block, spans, name=block.text)


def _around(text: str, held: Sequence[int]) -> str:
    """The visible text around the hidden characters, with a mark in their place."""
    start, end = max(0, held[0] - _AROUND_CHARS), held[-1] + _AROUND_CHARS
    places = set(held)
    shown = "".join("\ufffc" if at in places else text[at] for at in range(start, min(end, len(text))))
    return re.sub("\ufffc+", "\u2e31", shown)


def decoded(hidden: str) -> str:
    """The message in `hidden`, in quotes, or else the code points of its characters."""
    for decode in (_from_tags, _from_selectors, _from_bits):
        if message := decode(hidden):
            return f"“{message}”"
    shown = " ".join(f"U+{ord(each):04X}" for each in hidden[:40])
    return f"{shown} …" if len(hidden) > 40 else shown


def _from_tags(hidden: str) -> str:
    return "".join(chr(ord(each) - 0xE0000) for each in hidden if 0xE0020 <= ord(each) <= 0xE007E)


def _from_selectors(hidden: str) -> str:
    """The bytes encoded by variation selectors, one in each of the 256."""
    code = [ord(each) - (0xFE00 if ord(each) < 0xFE10 else 0xE0100 - 16) for each in hidden if is_selector(each)]
    pairs = zip(code[::2], code[1::2], strict=False)
    return _readable(bytes(code)) or _readable(bytes(a * 16 + b for a, b in pairs if a < 16 and b < 16))


def _from_bits(hidden: str) -> str:
    """The bytes encoded by two characters as zero and one, in either order."""
    kinds = sorted(set(hidden))
    if len(kinds) != 2:
        return ""
    for one in kinds:
        bits = "".join("1" if each == one else "0" for each in hidden)
        for width in (8, 7):
            whole = [int(bits[at : at + width], 2) for at in range(0, len(bits) - width + 1, width)]
            if message := _readable(bytes(whole)):
                return message
    return ""


def _readable(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    return text if len(text) >= 2 and text.isprintable() else ""


def _capped(found: Sequence[Finding]) -> list[Finding]:
    """At most _MAX_FINDINGS; the last one includes all further ones."""
    if len(found) <= _MAX_FINDINGS:
        return list(found)
    last = found[_MAX_FINDINGS - 1]
    rest = found[_MAX_FINDINGS - 1 :]
    spans = tuple(span for each in rest for span in each.spans)
    everywhere = f"{last.message} Also in {len(rest) - 1} more places."
    return [*found[: _MAX_FINDINGS - 1], last.model_copy(update={"spans": spans, "message": everywhere})]
