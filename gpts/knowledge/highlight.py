"""Finds the words of a page that make up a quote, to mark them on the page's picture."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

# Shorter matches may occur anywhere by chance, unless they are the whole quote.
_MIN_PART_CHARS: Final = 12
# The share of a run of letters that must agree for it to be the quote with recognition errors.
_MIN_AGREEMENT: Final = 0.8
# Shorter runs of equal letters are coincidences.
_MIN_RUN: Final = 6
_MAX_CHARS: Final = 40_000
_SIGNS: Final = re.compile(r"[\W_]+")


def quoted_words(quote: str, words: Sequence[str]) -> tuple[int, ...]:
    """The indexes of `words`, a page's in order, that make up `quote`; empty if it is not on the page.

    Only letters and digits count: case, hyphens at line ends, ligatures, punctuation and the bars of table rows are
    ignored. A quote that begins or ends on another page matches with the part on this page, and single misread
    letters are tolerated.
    """
    wanted = _letters(quote)
    letters, owners = _spelled(words)
    if not wanted or not letters or len(letters) > _MAX_CHARS:
        return ()
    start = _whole(wanted, letters, owners)
    if start is not None:
        return _owners(owners, [(start, start + len(wanted))])
    return _owners(owners, _parts(quote, wanted, letters))


def _letters(text: str) -> str:
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold())


def _spelled(words: Sequence[str]) -> tuple[str, list[int]]:
    """All letters of `words` concatenated, and for each the index of its word."""
    letters: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(words):
        spelled = _letters(word)
        letters.append(spelled)
        owners += [index] * len(spelled)
    return "".join(letters), owners


def _whole(wanted: str, letters: str, owners: Sequence[int]) -> int | None:
    """Where the complete quote starts, preferably at whole words; None if it does not occur."""
    first = None
    at = letters.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        begins = at == 0 or owners[at - 1] != owners[at]
        ends = end == len(letters) or owners[end - 1] != owners[end]
        if begins and ends:
            return at
        first = at if first is None else first
        at = letters.find(wanted, at + 1)
    # A short quote must not match inside a longer word: "art" is not "part".
    return first if len(wanted) >= _MIN_PART_CHARS else None


def _parts(quote: str, wanted: str, letters: str) -> list[tuple[int, int]]:
    """The ranges of the page that match the quote: one misread stretch, a page's share of it, or its rows."""
    together = _agreeing(wanted, letters)
    if together:
        return together
    rows = [row for row in (_letters(line) for line in quote.splitlines()) if row]
    found: list[tuple[int, int]] = []
    for row in rows if len(rows) > 1 else ():
        at = letters.find(row, found[-1][1] if found else 0)
        if at < 0:
            at = letters.find(row)
        if at >= 0 and len(row) >= _MIN_PART_CHARS // 2:
            found.append((at, at + len(row)))
    return found if sum(end - start for start, end in found) >= _MIN_PART_CHARS else []


def _agreeing(wanted: str, letters: str) -> list[tuple[int, int]]:
    runs = list(_runs(wanted, letters))
    if not runs:
        return []
    n_same = sum(length for _, _, length in runs)
    start, end = runs[0][1], runs[-1][1] + runs[-1][2]
    on_page = end - start
    in_quote = runs[-1][0] + runs[-1][2] - runs[0][0]
    is_close = n_same >= _MIN_AGREEMENT * max(on_page, in_quote) and n_same >= _MIN_PART_CHARS
    covers = in_quote >= _MIN_AGREEMENT * len(wanted)
    # The rest of the quote is on the page before or after: then its part is at the top or bottom of this page.
    at_top = start == runs[0][1] and _near(start, 0, letters) and not _near(runs[0][0], 0, wanted)
    at_bottom = _near(end, len(letters), letters) and not _near(runs[-1][0] + runs[-1][2], len(wanted), wanted)
    return [(start, end)] if is_close and (covers or at_top or at_bottom) else []


def _near(place: int, edge: int, text: str) -> bool:
    """Whether `place` is at the edge, apart from a header or footer that the quote leaves out."""
    return abs(place - edge) <= min(200, len(text) // 3 + 1)


def _runs(wanted: str, letters: str) -> Iterator[tuple[int, int, int]]:
    """Runs of equal letters as (in the quote, on the page, length), in order, around the longest one."""
    matcher = SequenceMatcher(None, wanted, letters, autojunk=False)
    longest = matcher.find_longest_match()
    if longest.size < _MIN_RUN:
        return
    # Only the stretch of the page that the quote can fill around its longest run is compared.
    low = max(0, longest.b - int(1.3 * longest.a) - _MIN_RUN)
    high = longest.b + longest.size + int(1.3 * (len(wanted) - longest.a - longest.size)) + _MIN_RUN
    around = SequenceMatcher(None, wanted, letters[low:high], autojunk=False)
    for block in around.get_matching_blocks():
        if block.size >= 3:
            yield block.a, block.b + low, block.size


def _owners(owners: Sequence[int], ranges: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(sorted({index for start, end in ranges for index in owners[start:end]}))
