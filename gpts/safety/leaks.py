"""Keeps a GPT's instructions, and its files at length, out of its answers, for any words of the model.

Text is compared letter by letter without case, spaces and punctuation: as it is, backwards, in reversed order of
words, in rot13, base64 and hex. What is put in other words or in another language passes: no comparison of letters
finds that. Phrases in quotation marks are not compared, because instructions quote what a GPT is to say; and nothing
is that is shorter than about twelve words.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from gpts.knowledge.documents import Passage

INSTRUCTIONS_WITHHELD: Final = "[A part of this GPT's instructions was left out here.]"
QUOTE_WITHHELD: Final = "[The rest of this quotation was left out; ask for the part that you need.]"
# Letters and digits: about twelve English words. A leak in code is no accident, so half of that will do.
LEAK_LETTERS: Final = 48
ENCODED_LETTERS: Final = 24
# A paragraph that is printed with changes: this share of its letters.
PARAGRAPH_SHARE: Final = 0.6
# From this share on, a streamed answer is held back until it is clear what becomes of it.
_SUSPICIOUS: Final = 0.3
# Runs of equal letters are found by pieces of this many.
_PIECE: Final = 16
# Letters of one file that an answer may print word for word; quotations shorter than a phrase do not count.
QUOTED_LETTERS: Final = 1_500
_PHRASE_LETTERS: Final = 80

_SPOKEN: Final = re.compile(r"“[^”]*”|«[^»]*»|„[^“”]*[“”]|\"[^\"\n]*\"")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{20,}\s+)*[A-Za-z0-9+/_-]{24,}")
_HEX: Final = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,]*){24,}")
# Words that may be lines of base64, and the last of them, which may still grow; pairs of digits of hex.
_LINE: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}")
_LAST_LINE: Final = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
_PAIRS: Final = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[:,]*)+")
_LAST_PAIRS: Final = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[:,]*)*(?:0x?|\\x?)?[0-9a-fA-F]?")
# How far back a growing text is looked at, in characters.
_BACK: Final = 2_000
# What precedes a token must give a piece's letters even where a few signs stand between each two of them.
_TAIL: Final = 120
# What counts as a token: more at once is compared as a whole.
_TOKEN: Final = 24
# How far an answer may grow, in characters, before it is compared with the files again.
_STRIDE: Final = 60

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Letters:
    """The letters and digits of a text in lower case, and where each stands in it."""

    text: str
    places: tuple[int, ...]

    def span(self, run: Span) -> Span:
        """The range of the text that a range of the letters comes from."""
        return self.places[run[0]], self.places[run[1] - 1] + 1

    def pieces(self) -> Iterator[tuple[int, str]]:
        """Every piece of _PIECE letters with its place among the letters."""
        return ((at, self.text[at : at + _PIECE]) for at in range(len(self.text) - _PIECE + 1))


class Instructions:
    """A GPT's instructions, prepared for comparison with its answers."""

    def __init__(self, text: str) -> None:
        # Piece -> the paragraphs, each in its disguises, that hold it; none where it runs from one to the next.
        self._pieces: dict[str, set[int]] = defaultdict(set)
        self._sizes: list[int] = []
        unspoken = _SPOKEN.sub("\n\n", text)
        for disguise in _disguises(unspoken):
            self._pieces.update({piece: set() for _, piece in _letters(disguise).pieces()})
        for paragraph in re.split(r"\n+", unspoken):
            for disguise in _disguises(paragraph):
                self._add(_letters(disguise))

    def are_in(self, text: str) -> bool:
        """Whether `text` holds any piece of them."""
        return any(piece in self._pieces for _, piece in _letters(text).pieces())

    def spans(self, text: str) -> list[Span]:
        """The ranges of `text` that print them, also in code."""
        letters = _letters(text)
        found = [letters.span(run) for run in self._printed(letters, LEAK_LETTERS)]
        return found + [span for span, plain in _decoded(text) if self._printed(_letters(plain), ENCODED_LETTERS)]

    def beginning(self, text: str) -> int:
        """Where in a growing `text` something begins that may become a leak; its length if there is no such thing."""
        letters = _letters(text)
        runs = self._runs(letters)
        starts = [runs[-1][0]] if runs and runs[-1][1] == len(letters.text) else []
        if any(share >= _SUSPICIOUS for share in self._shares(letters, runs).values()):
            starts.append(runs[0][0])
        return min([letters.places[start] for start in starts] + [_growing_code(text)])

    def _add(self, paragraph: _Letters) -> None:
        if len(paragraph.text) < LEAK_LETTERS:
            return
        for _, piece in paragraph.pieces():
            self._pieces[piece].add(len(self._sizes))
        self._sizes.append(len(paragraph.text))

    def _printed(self, letters: _Letters, n_letters: int) -> list[Span]:
        """The runs of letters that print the instructions: long ones, and all of a paragraph that is mostly there."""
        runs = self._runs(letters)
        mostly = {number for number, share in self._shares(letters, runs).items() if share >= PARAGRAPH_SHARE}
        return [run for run in runs if run[1] - run[0] >= n_letters or mostly & self._paragraphs(letters, run)]

    def _runs(self, letters: _Letters) -> list[Span]:
        return _runs(at for at, piece in letters.pieces() if piece in self._pieces)

    def _paragraphs(self, letters: _Letters, run: Span) -> set[int]:
        return {number for at in range(run[0], run[1] - _PIECE + 1) for number in self._at(letters, at)}

    def _at(self, letters: _Letters, at: int) -> set[int]:
        return self._pieces.get(letters.text[at : at + _PIECE], set())

    def _shares(self, letters: _Letters, runs: Sequence[Span]) -> dict[int, float]:
        """The share of each paragraph's letters that the runs hold, nothing counted twice."""
        seen: set[str] = set()
        held: dict[int, int] = defaultdict(int)
        for start, end in runs:
            new: dict[int, int] = defaultdict(int)
            for at in range(start, end - _PIECE + 1):
                piece = letters.text[at : at + _PIECE]
                for number in self._pieces[piece] if piece not in seen else ():
                    new[number] += 1
                seen.add(piece)
            for number, n_pieces in new.items():
                held[number] += n_pieces + _PIECE - 1
        return {number: n_letters / self._sizes[number] for number, n_letters in held.items()}


class Files:
    """The passages that an answer may quote from, but not print at length."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._pieces: dict[str, set[str]] = defaultdict(set)
        for passage in passages:
            self._pieces[passage.file_name].update(piece for _, piece in _letters(passage.text).pieces())

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def spans(self, text: str) -> list[Span]:
        """The ranges of `text` that print more of one file than may be quoted."""
        if len(text) <= QUOTED_LETTERS:
            return []
        letters = _letters(text)
        return [letters.span(run) for pieces in self._pieces.values() for run in _beyond(letters, pieces)]


def leaks(text: str, instructions: str, passages: Sequence[Passage] = ()) -> tuple[Span, ...]:
    """The ranges of an answer that print the instructions, or more of a file than may be quoted, in order."""
    return tuple(span for span, _ in _found(text, Instructions(instructions), Files(passages)))


def withheld(text: str, instructions: str, passages: Sequence[Passage] = ()) -> str:
    """The answer with a sentence in place of each leak."""
    guard = LeakGuard(instructions, passages)
    return guard.feed(text) + guard.finish()


class LeakGuard:
    """Lets an answer through piece by piece, with a sentence in place of each leak.

    What may be the beginning of a leak is held back until it is clear what becomes of it; at most the first
    few words of one get through.
    """

    def __init__(self, instructions: str, passages: Sequence[Passage] = ()) -> None:
        self._instructions, self._files = Instructions(instructions), Files(passages)
        self._text = ""
        self._sent = 0
        self._looked_to = 0
        self._left_out_to = -1

    def feed(self, piece: str) -> str:
        """What may be shown by now of the answer that goes on with `piece`."""
        self._text += piece
        if self._is_harmless(len(piece)):
            shown, self._sent = self._text[self._sent :], len(self._text)
            return shown
        self._looked_to = len(self._text)
        start = self._start()
        return self._release(start + self._instructions.beginning(self._text[start:]))

    def finish(self) -> str:
        """The rest of the answer."""
        return self._release(len(self._text))

    def _is_harmless(self, n_new: int) -> bool:
        """Whether nothing is held back and the last characters begin nothing: so it is with nearly every token.

        Only then is most of the comparing saved, which would cost more than the model's own work.
        """
        if self._sent != len(self._text) - n_new or n_new > _TOKEN or self._left_out_to >= 0:
            return False
        if self._files and len(self._text) > max(QUOTED_LETTERS, self._looked_to + _STRIDE):
            return False
        tail = self._text[-(n_new + _TAIL) :]
        return _growing_code(tail) == len(tail) and not self._instructions.are_in(tail)

    def _start(self) -> int:
        return max(0, self._sent - _BACK)

    def _release(self, end: int) -> str:
        """The answer from where it was shown up to `end`, without its leaks."""
        start, shown = self._start(), ""
        leaked = [(start + a, start + b) for a, b in self._instructions.spans(self._text[start:])]
        spans = [(span, INSTRUCTIONS_WITHHELD) for span in leaked]
        spans += [(span, QUOTE_WITHHELD) for span in self._files.spans(self._text)]
        for (first, last), sentence in sorted(spans):
            if last <= self._sent or first >= end:
                continue
            between = self._text[self._left_out_to : max(self._sent, first)]
            # A leak that goes on where one was left out needs no second sentence.
            if self._left_out_to < 0 or any(char.isalnum() for char in between):
                shown += self._text[self._sent : max(self._sent, first)] + sentence
            self._sent = self._left_out_to = min(last, max(end, first))
        shown += self._text[self._sent : end]
        self._sent = max(self._sent, end)
        return shown


def _found(text: str, instructions: Instructions, files: Files) -> list[tuple[Span, str]]:
    """Every leak in `text`, with the sentence that stands for it."""
    found = [(span, INSTRUCTIONS_WITHHELD) for span in instructions.spans(text)]
    return sorted(found + [(span, QUOTE_WITHHELD) for span in files.spans(text)])


def _beyond(letters: _Letters, pieces: set[str]) -> Iterator[Span]:
    """The runs of letters that print the file, from where they come to more than may be quoted."""
    n_letters = 0
    for start, end in _runs(at for at, piece in letters.pieces() if piece in pieces):
        if end - start < _PHRASE_LETTERS:
            continue
        n_letters += end - start
        if n_letters > QUOTED_LETTERS:
            yield max(start, end - (n_letters - QUOTED_LETTERS)), end


def _runs(hits: Iterable[int]) -> list[Span]:
    """The ranges of letters that pieces at the places `hits`, in order, cover without a gap."""
    runs: list[Span] = []
    last = -2
    for at in hits:
        if at == last + 1:
            runs[-1] = (runs[-1][0], at + _PIECE)
        else:
            runs.append((at, at + _PIECE))
        last = at
    return runs


def _letters(text: str) -> _Letters:
    found = [(letter, at) for at, char in enumerate(text) for letter in _letters_of(char)]
    return _Letters("".join(letter for letter, _ in found), tuple(at for _, at in found))


@cache
def _letters_of(char: str) -> str:
    """What a character counts as: in lower case, without width and style; nothing for spaces and punctuation."""
    return unicodedata.normalize("NFKC", char).casefold() if char.isalnum() else ""


def _disguises(text: str) -> tuple[str, ...]:
    """The text as it is, backwards, with its words backwards, and in rot13."""
    return text, text[::-1], " ".join(reversed(text.split())), codecs.encode(text, "rot13")


def _decoded(text: str) -> Iterator[tuple[Span, str]]:
    """What the base64 and hex in `text` says, with its range; base64 from each place where it may begin."""
    for match in _HEX.finditer(text):
        digits = re.sub(r"0x|\\x|[\s:,]", "", match.group())
        yield match.span(), bytes.fromhex(digits).decode("utf-8", "ignore")
    for match in _BASE64.finditer(text):
        code = re.sub(r"\s", "", match.group()).replace("-", "+").replace("_", "/")
        for skipped in range(4):
            yield match.span(), _from_base64(code[skipped:])


def _growing_code(text: str) -> int:
    """Where the base64 or hex at the end of a growing text begins, its length if there is none."""
    words = list(re.finditer(r"\S+", text))
    if words and _LAST_LINE.fullmatch(words[-1].group()):
        return next(
            (after.start() for word, after in _backwards(words) if not _LINE.fullmatch(word.group())),
            words[0].start(),
        )
    first = words[0].start() if words else len(text)
    pairs = next((after.start() for word, after in _backwards(words) if not _PAIRS.fullmatch(word.group())), first)
    ends_in_pairs = bool(words) and _LAST_PAIRS.fullmatch(words[-1].group()) is not None
    return pairs if ends_in_pairs and len(text) - pairs >= _PIECE else len(text)


def _backwards(words: Sequence[re.Match[str]]) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Each word with the one after it, from the end."""
    return ((words[at], words[at + 1]) for at in range(len(words) - 2, -1, -1))


def _from_base64(code: str) -> str:
    try:
        return base64.b64decode(code[: len(code) // 4 * 4]).decode("utf-8", "ignore")
    except (binascii.Error, ValueError):
        return ""
