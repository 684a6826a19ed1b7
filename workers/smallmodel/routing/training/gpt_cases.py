"""Cases for training the choice of a GPT: a conversation, the GPTs offered, and which of them is right."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from workers.smallmodel.routing.candidates import Candidate
from workers.smallmodel.routing.training.cases import CONTEXT, POLITE, with_typo
from workers.smallmodel.routing.training.gpt_examples import Domain, Gpt
from workers.smallmodel.routing.words import language_of

REPLIES: Final = (
    "Happy to help. What exactly is it about?",
    "Sure, tell me more.",
    "That depends; as a rule yes.",
    "Here are three points to keep in mind.",
    "Within two weeks, and bring your papers.",
    "I hope that helps!",
    "Gern! Worum geht es genau?",
    "Das hängt davon ab, in der Regel ja.",
    "Bien sûr, de quoi s'agit-il ?",
    "En règle générale, oui.",
    "Claro, ¿de qué se trata?",
    "Normalmente sí.",
)
OPENERS: Final = ("hi", "hello", "I have a question", "Hallo", "bonjour", "hola", "need some help", "kurze Frage")
# In which domains a trivial question of general knowledge or a joke could be somebody's business.
NOT_IDLE: Final = frozenset({"school", "words", "arts", "family"})
LONGEST_OFFER: Final = 14


@dataclass(frozen=True, slots=True)
class GptCase:
    """(role, content) pairs, the candidates, and the place of the right one; len(candidates) is none."""

    conversation: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...]
    right: int
    kind: str
    domain: str


class GptMaker:
    """Draws cases from domains and messages for no GPT. The same seed gives the same cases."""

    def __init__(
        self,
        domains: Sequence[Domain],
        nothing: dict[str, tuple[str, ...]],
        overlaps: dict[str, frozenset[str]],
        seed: int,
    ) -> None:
        self._domains, self._nothing, self._overlaps = domains, nothing, overlaps
        self._gpts = [gpt for domain in domains for gpt in domain.gpts]
        self._random = random.Random(seed)

    def cases(self, rounds: int) -> list[GptCase]:
        """About `rounds` cases for each thing that is said, shuffled."""
        found = []
        for _ in range(rounds):
            for domain in self._domains:
                found += [self._of_gpt(text, gpt, domain) for gpt in domain.gpts for text in gpt.says]
                found += [self._none(text, domain, "subject") for text in domain.none]
            found += [self._none(text, None, kind) for kind, texts in self._nothing.items() for text in texts]
        self._random.shuffle(found)
        return found

    def _of_gpt(self, text: str, gpt: Gpt, domain: Domain) -> GptCase:
        draw = self._random
        absent = draw.random() < 0.22
        barred = {gpt.candidate.name} | (self._overlaps.get(gpt.candidate.name, frozenset()) if absent else set())
        offered = self._near(domain, barred) + self._far(domain, barred)
        kind = "absent"
        if not absent or not offered:
            offered, kind = [gpt, *offered[: LONGEST_OFFER - 1]], "plain"
        draw.shuffle(offered)
        dialogue: tuple[tuple[str, str], ...] = (("user", self.styled(text)),)
        if draw.random() < 0.25:
            dialogue = (*self._earlier(domain), *dialogue)
            kind = f"{kind} later"
        right = offered.index(gpt) if gpt in offered else len(offered)
        return GptCase(dialogue, tuple(map(self._dressed, offered)), right, kind, domain.name)

    def _none(self, text: str, domain: Domain | None, kind: str) -> GptCase:
        draw = self._random
        near = domain or draw.choice([each for each in self._domains if each.name not in NOT_IDLE])
        offered = self._near(near, set()) + self._far(near, set(), idle=domain is None)
        draw.shuffle(offered)
        dialogue: tuple[tuple[str, str], ...] = (("user", self.styled(text, calm=True)),)
        if kind == "after" or draw.random() < 0.15:
            dialogue = (*self._earlier(near, about=True), *dialogue)
        dressed = tuple(map(self._dressed, offered[:LONGEST_OFFER]))
        return GptCase(dialogue, dressed, len(dressed), f"none {kind}", domain.name if domain else "")

    def _near(self, domain: Domain, barred: set[str] | frozenset[str]) -> list[Gpt]:
        near = [each for each in domain.gpts if each.candidate.name not in barred]
        return self._random.sample(near, self._random.randint(min(2, len(near)), len(near))) if near else []

    def _far(self, domain: Domain, barred: set[str] | frozenset[str], idle: bool = False) -> list[Gpt]:
        far = [
            each
            for each in self._gpts
            if each.domain != domain.name
            and each.candidate.name not in barred
            and not (idle and each.domain in NOT_IDLE)
        ]
        return self._random.sample(far, min(len(far), self._random.choice((0, 2, 3, 4, 5, 6, 8))))

    def _earlier(self, domain: Domain, about: bool = False) -> tuple[tuple[str, str], ...]:
        draw = self._random
        if not about and draw.random() < 0.3:
            said = draw.choice(OPENERS)
        else:
            gpts = domain.gpts if about or draw.random() < 0.5 else self._gpts
            said = self.styled(draw.choice(draw.choice(gpts).says))
        return (("user", said), ("assistant", draw.choice(REPLIES)))

    def styled(self, text: str, calm: bool = False) -> str:
        """`text` as somebody else would have typed it."""
        draw = self._random
        language = language_of(text)
        if draw.random() < (0.05 if calm else 0.15):
            text = draw.choice(POLITE[language]).format(text)
        if draw.random() < (0.02 if calm else 0.08):
            text = draw.choice(CONTEXT).format(text)
        if draw.random() < 0.15:
            text = text.lower()
        if draw.random() < 0.15:
            text = text.rstrip("?.!？。")
        return with_typo(text, draw) if draw.random() < 0.2 else text

    def _dressed(self, gpt: Gpt) -> Candidate:
        """The GPT as other creators would have left it: without a line on when to ask, starters or description."""
        draw, candidate = self._random, gpt.candidate
        if draw.random() < 0.3:
            candidate = replace(candidate, when="")
        if draw.random() < 0.35:
            candidate = replace(candidate, examples=())
        elif draw.random() < 0.3:
            candidate = replace(candidate, examples=candidate.examples[:1])
        if draw.random() < 0.04:
            candidate = replace(candidate, description="")
        elif draw.random() < 0.15:
            candidate = replace(candidate, description=candidate.description.split(":")[0].split(",")[0])
        return candidate
