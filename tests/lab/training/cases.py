"""Draws cases for training from the examples: a conversation, the candidates, and the right one."""

import random
import re
from dataclasses import dataclass, replace
from typing import Final

from tests.lab.training.examples import ExampleGroup, Examples, ExampleTarget, read_examples
from workers.smallmodel.routing.candidates import Candidate, words_of_name
from workers.smallmodel.routing.head import KINDS, N_WISHES
from workers.smallmodel.routing.words import language_of

Turns = tuple[tuple[str, str], ...]

LONGEST_OFFER: Final = 14
ABSENT_SHARE: Final = 0.2
LATER_SHARE: Final = 0.25
# Probability that the conversation shows the tool call of the turn before.
CALL_SHOWN: Final = 0.5
_TYPO_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class TrainingCase:
    """(role, content) pairs, the candidates, and the index of the right one; len(candidates) is none.

    `wish` is the index in KINDS of what the message wants, offered or not, and len(KINDS) for nothing; `source` is
    the group or line that the case was made from: cases of one source are similar.
    """

    conversation: Turns
    candidates: tuple[Candidate, ...]
    right: int
    kind: str
    wish: int
    source: str


def with_typo(text: str, draw: random.Random) -> str:
    """`text` with one letter swapped, omitted, doubled or wrong, if a word is long enough."""
    places = [match.start() for match in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", text)]
    if not places:
        return text
    at = draw.choice(places)
    letter = text[at]
    wrong = draw.choice(("", letter * 2, draw.choice(_TYPO_LETTERS), text[at + 1] + letter))
    return text[:at] + wrong + text[at + (2 if len(wrong) == 2 and wrong[0] != wrong[1] else 1) :]


class CaseMaker:
    """Draws cases from examples. The same seed gives the same cases."""

    def __init__(self, examples: Examples, seed: int) -> None:
        self._examples = examples
        self._styles = read_examples("styles")
        self._all = [each for group in examples.groups for each in group.members]
        self._random = random.Random(seed)

    def cases(self, rounds: int) -> list[TrainingCase]:
        """About `rounds` cases per example message, shuffled."""
        found = []
        for _ in range(rounds):
            for group in self._examples.groups:
                found += [case for each in group.members for case in self._of(each, group)]
                found += [self._none(text, group, "subject") for text in group.none]
            found += [case for each in self._examples.builtin for case in self._of(each, None)]
            for kind, texts in self._examples.nothing.items():
                found += [self._none(text, None, kind) for text in texts]
        self._random.shuffle(found)
        return found

    def _of(self, target: ExampleTarget, group: ExampleGroup | None) -> list[TrainingCase]:
        found = [self._case((("user", self.styled(text)),), target, group, "plain", text) for text in target.says]
        follows = list(target.then)
        if target.candidate.parameters and self._random.random() < 0.8:
            follows += self._generic_follow(target)
        if not self._examples.builtin:
            follows += self._random.sample(self._styles["go_on"], 2)
        follows += self._tail_follow(target)
        for text in follows:
            other = group and target.then and self._random.random() < 0.4
            source = self._random.choice(group.members) if group and other else target
            talk = (*self._turn(source), ("user", self.styled(text, calm=True)))
            found.append(self._case(talk, target, group, "follow", text))
        return found

    def _case(
        self, talk: Turns, target: ExampleTarget, group: ExampleGroup | None, kind: str, text: str
    ) -> TrainingCase:
        draw, name = self._random, target.candidate.name
        if len(talk) == 1 and draw.random() < LATER_SHARE:
            talk, kind = (*self._earlier(group), *talk), "later"
        absent = draw.random() < ABSENT_SHARE
        overlaps = self._examples.overlaps.get(name, frozenset())
        as_good = overlaps if absent or group else frozenset[str]()
        offered = self._offered(group, {name} | (overlaps if absent else set()), as_good)
        wish = KINDS.index(target.candidate.kind)
        source = group.name if group else text
        if absent:
            return self._made(talk, offered, len(offered), "absent", wish, source)
        offered = [target, *offered[: LONGEST_OFFER - 1]]
        draw.shuffle(offered)
        return self._made(talk, offered, offered.index(target), kind, wish, source)

    def _none(self, text: str, group: ExampleGroup | None, kind: str) -> TrainingCase:
        draw, examples = self._random, self._examples
        near = group or draw.choice([each for each in examples.groups if each.name not in examples.idle])
        offered = self._offered(near, set(), frozenset(), idle=group is None)[:LONGEST_OFFER]
        draw.shuffle(offered)
        talk: Turns = (("user", self.styled(text, calm=True)),)
        if kind == "after" or draw.random() < (0.4 if examples.builtin else 0.2):
            talk = (*self._turn(draw.choice(offered)), *talk)
        source = group.name if group else text
        return self._made(talk, offered, len(offered), f"none {kind}", N_WISHES - 1, source)

    def _made(
        self, talk: Turns, offered: list[ExampleTarget], right: int, kind: str, wish: int, source: str
    ) -> TrainingCase:
        """The case, with varied candidates and calls with their names."""
        originals = [each.candidate for each in offered]
        varied = tuple(each if each.kind else self._varied(each) for each in originals)
        names = {f"[{each.name}]": f"[{one.name}]" for each, one in zip(originals, varied, strict=True)}
        shown = tuple((role, names.get(text, text)) for role, text in talk)
        return TrainingCase(shown, varied, right, kind, wish, source)

    def _offered(
        self,
        group: ExampleGroup | None,
        barred: set[str] | frozenset[str],
        as_good: frozenset[str],
        idle: bool = False,
    ) -> list[ExampleTarget]:
        """Near and far distractors with different names, at least one."""
        draw, examples = self._random, self._examples
        near = [each for each in (group.members if group else ()) if each.candidate.name not in barred]
        offered = draw.sample(near, draw.randint(min(2, len(near)), len(near))) if draw.random() < 0.85 else []
        far = [
            each
            for each in self._all
            if (group is None or each.group != group.name)
            and each.candidate.name not in barred
            and not (idle and each.group in examples.idle)
        ]
        offered += draw.sample(far, min(len(far), draw.choice((0, 1, 2, 3, 4, 6))))
        share = draw.choice((0, 0.4, 1))
        # Where a web search or a calculation would answer as well, the case would have two right answers.
        offered += [
            each
            for each in examples.builtin
            if each.candidate.name not in barred | as_good and (draw.random() < share or not offered)
        ]
        return list({each.candidate.name: each for each in offered or draw.sample(far, 1)}.values())

    def _turn(self, target: ExampleTarget) -> Turns:
        """A message for `target`, perhaps the call, and a reply."""
        draw, styles = self._random, self._styles
        replies = styles["builtin_replies"].get(target.candidate.kind, styles["replies"])
        call = (("assistant", f"[{target.candidate.name}]"),) if draw.random() < CALL_SHOWN else ()
        return (("user", self.styled(draw.choice(target.says))), *call, ("assistant", draw.choice(replies)))

    def _earlier(self, group: ExampleGroup | None) -> Turns:
        """A turn about something else, or small talk."""
        draw, styles = self._random, self._styles
        if draw.random() < 0.3:
            return (("user", draw.choice(styles["openers"])), ("assistant", draw.choice(styles["replies"])))
        near = group.members if group and draw.random() < 0.5 else (*self._all, *self._examples.builtin)
        return self._turn(draw.choice(near))

    def _generic_follow(self, target: ExampleTarget) -> list[str]:
        """ "And in Paris?" for a function with a place."""
        names = set(words_of_name(" ".join(target.candidate.parameters.get("properties", {}))).split())
        kinds = [each for each in self._styles["values"].values() if set(each["words"].split()) & names]
        if not kinds:
            return []
        value = self._random.choice(self._random.choice(kinds)["examples"])
        return [self._follow(value, self._random.choice(("en", "en", "de", "fr", "es")))]

    def _follow(self, value: str, language: str) -> str:
        return str(self._random.choice(self._styles["follow"][language])).format(value)

    def _tail_follow(self, target: ExampleTarget) -> list[str]:
        """ "And with leeks?": the end of another message for the same candidate."""
        text = self._random.choice(target.says)
        words = text.rstrip("?.!？。 ").split()
        if len(words) < 4:
            return []
        return [self._follow(" ".join(words[-self._random.randint(1, 3) :]), language_of(text))]

    def styled(self, text: str, calm: bool = False) -> str:
        """`text` as another user might have typed it."""
        draw = self._random
        if draw.random() < (0.08 if calm else 0.2):
            text = draw.choice(self._styles["polite"][language_of(text)]).format(text)
        if draw.random() < (0.06 if calm else 0.12):
            text = draw.choice(self._styles["context"][language_of(text)]).format(text)
        if draw.random() < 0.15:
            text = text.lower()
        if draw.random() < 0.12:
            text = text.rstrip("?.!？。")
        return with_typo(text, draw) if draw.random() < 0.15 else text

    def _varied(self, candidate: Candidate) -> Candidate:
        """The candidate with its name in camelCase, or without a description, examples or parameters."""
        draw = self._random
        if candidate.parameters:
            if draw.random() < 0.2:
                first, *rest = candidate.name.split("_")
                candidate = replace(candidate, name=first + "".join(word.title() for word in rest))
            return replace(
                candidate,
                description=candidate.description if draw.random() < 0.9 else "",
                parameters=candidate.parameters if draw.random() < 0.9 else {},
            )
        kept = draw.choice((0, 0, 1, 6, 6, 6, 6))
        about = candidate.description
        if draw.random() < 0.19:
            about = "" if draw.random() < 0.2 else about.split(":")[0].split(",")[0]
        return replace(
            candidate,
            when=candidate.when if draw.random() < 0.7 else "",
            examples=candidate.examples[:kept],
            description=about,
        )
