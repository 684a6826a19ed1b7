"""Lets only supported sentences of an answer through, by code, while the answer is being generated.

This enforces "answers only from its knowledge" for any model. A small model given the right passage still turns
"every 450 hours" into "every 150 hours"; so each sentence is held back until it is complete, and shown only if a
passage supports it. Text without claims is shown unchanged: greetings, headings, questions, code, tables, and what
the instructions ask for.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.judging import Judge, MakeGloss, Meaning
from gpts.knowledge.sentences import CodeFence, sentence_spans
from gpts.knowledge.support import is_claim

# The share of a sentence's terms beyond the question's, weighted by rarity, that one or two adjacent sentences of a
# passage must contain if words are the only evidence. At 0.7 no false sentence was shown among the bundled model's
# answers to 40 starters of 2026-11-24.
MIN_SHARE: Final = 0.7
# Rejected sentences in a row after which generation is stopped.
PATIENCE: Final = 4
# How many sentences, list items and the like a total may stand before the formula that gives it.
_MOST_HELD: Final = 10
# Characters of an answer used to detect its language.
TAIL_CHARS: Final = 600


class Gate:
    """Withholds unsupported sentences of an answer: `n_withheld` so far.

    `by_figures`: only sentences with a figure or name that is not in the files and does not follow from them are
    withheld: of a summary, letter or translation, which is in other words than the files, and of what a model writes
    that is known to keep to its sources. `asked_in`: the language of a question that is understood alone; an answer
    of a few words, such as "64", is shown only if its source is about that question.
    `language`: that of the question; what is in another one that cannot be compared with the files is shown unchecked
    only if the question is not in theirs.
    `is_shut`: too many in a row, so generation should stop. It also stops if the answer `repeats` what one of the
    `earlier` answers to other questions says first, before anything else was said.
    """

    def __init__(
        self,
        question: str,
        passages: Sequence[Passage],
        meaning: Meaning | None = None,
        instructions: str = "",
        *,
        by_figures: bool = False,
        asked_in: str = "",
        gloss: MakeGloss = lambda answer: None,
        language: str = "",
        earlier: Iterable[str] = (),
    ) -> None:
        self._judge = Judge(passages, question, meaning, gloss, asked_in, language)
        self._instructions = instructions
        self._by_figures = by_figures
        self._fence = CodeFence()
        self._pending = ""
        # A sentence that waits for one which tells how its figures come about, and what is between them: each with
        # what stands before it.
        self._held: list[tuple[str, str]] = []
        self._kept = ""
        self._n_shown = 0
        self._has_claim = False
        self.n_withheld = self._n_in_a_row = 0
        self.is_shut = self.repeats = False
        self._said_first = frozenset(filter(None, map(self._first_claim, earlier)))

    def feed(self, text: str) -> str:
        """The part of the answer that may be shown after `text` was generated."""
        self._pending += text
        spans = sentence_spans(self._pending)
        if len(spans) < 2:
            return ""
        whole, self._pending = self._pending[: spans[-1].start], self._pending[spans[-1].start :]
        return self._release(whole)

    def finish(self) -> str:
        """The part of the withheld text that may be shown at the end of the reply."""
        whole, self._pending = self._pending, ""
        shown = self._release(whole)
        self._settle(shows=False)
        shown += self._show() if self._has_claim else ""
        # A greeting alone is not an answer, unless the model generated nothing else.
        return shown if self._has_claim or self.n_withheld else shown + self._show()

    def _release(self, text: str) -> str:
        end = 0
        for span in sentence_spans(text):
            sentence = text[span.start : span.end]
            if self.is_shut:
                break
            self._take(text[end : span.start], sentence)
            end = span.end
        # The break after the last sentence belongs to the next one, if that is shown.
        self._pending = text[end:] + self._pending
        return self._show() if self._has_claim else ""

    def _show(self) -> str:
        shown, self._n_shown = self._kept[self._n_shown :], len(self._kept)
        return shown

    def _take(self, gap: str, sentence: str) -> None:
        """Keep, hold or withhold a sentence, before which `gap` stands."""
        makes_claim = not self._fence.covers(sentence) and is_claim(sentence, self._instructions)
        if makes_claim and not self._passes(sentence):
            self._settle(shows=False)
            self._held = [(gap, sentence)] if self._by_figures else []
        elif self._held:
            self._held.append((gap, sentence))
            is_known = self._is_known(self._held[0][1])
            if is_known or len(self._held) > _MOST_HELD:
                self._settle(shows=is_known)
        else:
            self._keep(gap, sentence)

    def _keep(self, gap: str, sentence: str) -> None:
        self._kept += (gap if self._kept else "") + sentence

    def _settle(self, *, shows: bool) -> None:
        """Keep what was held; its sentence only if that `shows`, as its figures follow by now."""
        if shows:
            self.n_withheld -= 1
            self._has_claim = True
        for each in self._held if shows else self._held[1:]:
            self._keep(*each)
        self._held = []

    def _passes(self, sentence: str) -> bool:
        self.repeats = not self._has_claim and _plain(sentence) in self._said_first
        if not self.repeats and self._is_supported(sentence):
            self._has_claim, self._n_in_a_row = True, 0
            return True
        self.n_withheld += 1
        self._n_in_a_row += 1
        self.is_shut = self.repeats or self._n_in_a_row >= PATIENCE
        return False

    def _first_claim(self, answer: str) -> str:
        """The first sentence of `answer` that says something, to be compared; empty if none does."""
        sentences = (answer[span.start : span.end] for span in sentence_spans(answer))
        return next((_plain(each) for each in sentences if is_claim(each, self._instructions)), "")

    def _is_known(self, sentence: str) -> bool:
        """Whether each name and figure of `sentence` is in the passages, or follows from what was said so far."""
        text = "\n".join((self._kept, *(each for _, each in self._held), sentence))
        return self._judge.knows_names_and_figures(sentence, text[-TAIL_CHARS:])

    def _is_supported(self, sentence: str) -> bool:
        if self._by_figures:
            return self._is_known(sentence)
        text = f"{self._kept}\n{sentence}"[-TAIL_CHARS:]
        (verdict,) = self._judge.judge([sentence], text)
        if verdict.source is None:
            return verdict.level == "not_checked" and self._judge.may_be_unread(sentence, text)
        # What follows a sentence that was shown is about the same.
        if not self._has_claim and not self._judge.is_asked(sentence, verdict.source):
            return False
        is_said = verdict.level == "supported" and self._judge.share_beyond(sentence, verdict.source) >= MIN_SHARE
        return is_said or verdict.is_near


def _plain(sentence: str) -> str:
    return sentence.strip().casefold()
