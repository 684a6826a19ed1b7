"""Cases for training: a conversation, what is offered, and which of it is right, drawn from the examples."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workers.smallmodel.routing.candidates import Candidate, words_of_name
from workers.smallmodel.routing.features import KINDS
from workers.smallmodel.routing.training.examples import Family, Function

REPLIES: Final = (
    "Done.",
    "Here you go.",
    "All set!",
    "I found three results.",
    "Here is what I found.",
    "Erledigt.",
    "Voilà, c'est fait.",
    "Listo.",
    "好的。",
    "Of course! What else can I do for you?",
    "It is 42.",
    "The result is 1,119,477.",
    "Let me know if you need anything else.",
)
BUILTIN_REPLIES: Final = {
    "code_interpreter": (
        "The result is 1119477.",
        "Das Ergebnis ist 83,5.",
        "Here is the chart.",
        "It comes to 12.4.",
    ),
    "web_search": ("According to the search results, it was announced on Tuesday.", "I found these pages: 1. … 2. …"),
    "open_page": ("The page says that the museum opens at ten.", "The article argues that prices will rise."),
    "make_image": (
        "Here is your picture.",
        "Here is the image you asked for.",
        "Voici l'image.",
        "Hier ist dein Bild.",
    ),
}
POLITE: Final = {
    "en": (
        "please {}",
        "can you {}",
        "hey, {}",
        "{} please",
        "{} thanks",
        "could you {}?",
        "quick one: {}",
        "ok so {}",
    ),
    "de": ("Bitte {}", "Kannst du mal: {}", "Hallo, {}", "{} bitte", "Hey, {} Danke!"),
    "fr": ("Bonjour, {}", "{} s'il te plaît", "Peux-tu : {}", "dis, {}"),
    "es": ("Hola, {}", "{} por favor", "¿Puedes: {}?", "oye, {}"),
    "zh": ("请{}", "{}，谢谢", "麻烦{}"),
}
CONTEXT: Final = (
    "{} I have to leave in five minutes.",
    "My colleague asked me. {}",
    "Sorry for the late message. {}",
    "I've been thinking about this all day. {}",
    "It's been a long day. {} That would help a lot.",
    "Thanks for that! {}",
    "Great, thanks. Now {}",
    "Danke! {}",
    "Merci. {}",
)
VALUES: Final = {
    "place": ("Paris", "Tokyo", "Madrid", "Hamburg", "Lagos", "Toronto", "Kraków"),
    "date": ("tomorrow", "next friday", "2023", "june", "monday", "the week after"),
    "number": ("300", "12", "45", "7"),
    "id": ("A-992", "5523", "#91", "K-17"),
    "person": ("Anna", "Mr Lee", "Sofia", "Tom"),
}
FOLLOW: Final = (
    *(
        "and {}?",
        "what about {}?",
        "and for {}?",
        "now for {}",
        "same for {} please",
        "{} too",
        "how about {}",
        "or {}?",
    ),
    *("und {}?", "und für {}?", "et pour {} ?", "et {} ?", "y para {}?", "¿y {}?", "那{}呢？"),
)
_TYPO_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Case:
    """(role, content) pairs, the candidates, and the place of the right one; len(candidates) is none."""

    conversation: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...]
    right: int
    kind: str
    # Which of KINDS the message asks for even if it is not offered, len(KINDS) for nothing; and the family or the
    # line it was made from: cases of one source look alike.
    wish: int = len(KINDS)
    source: str = ""


def with_typo(text: str, draw: random.Random) -> str:
    """`text` with one letter swapped, left out, doubled or wrong, if a word is long enough."""
    places = [match.start() for match in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", text)]
    if not places:
        return text
    place = draw.choice(places)
    middle = draw.choice((text[place + 1] + text[place], "", text[place] * 2, draw.choice(_TYPO_LETTERS)))
    return text[:place] + middle + text[place + (2 if len(middle) == 2 and middle[0] != middle[1] else 1) :]


class Maker:
    """Draws cases from families, built-in tools and messages for no tool. The same seed gives the same cases."""

    def __init__(
        self,
        families: Sequence[Family],
        builtin: Sequence[Function],
        nothing: dict[str, tuple[str, ...]],
        language_of: Callable[[str], str],
        seed: int,
    ) -> None:
        self._families, self._builtin, self._nothing = families, builtin, nothing
        self._functions = [function for family in families for function in family.functions]
        self._language_of = language_of
        self._random = random.Random(seed)

    def cases(self, rounds: int) -> list[Case]:
        """About `rounds` cases for each thing that is said, shuffled."""
        found = []
        for _ in range(rounds):
            for family in self._families:
                for function in family.functions:
                    found += self._of_function(function, family)
                found += [self._none(text, family, "subject") for text in family.none]
            for function in self._builtin:
                found += self._of_function(function, None)
            found += [self._none(text, None, kind) for kind, texts in self._nothing.items() for text in texts]
        self._random.shuffle(found)
        return found

    def _of_function(self, function: Function, family: Family | None) -> list[Case]:
        found = [
            self._case((("user", self._styled(text)),), function, family, "plain", text) for text in function.says
        ]
        found += [
            self._case(self._earlier(function, family, text), function, family, "follow", text)
            for text in function.then
        ]
        follows = self._generic_follow(function)
        if follows and self._random.random() < 0.8:
            found.append(self._case(self._earlier(function, None, follows), function, family, "follow", follows))
        return found

    def _case(
        self, dialogue: tuple[tuple[str, str], ...], function: Function, family: Family | None, kind: str, text: str
    ) -> Case:
        wish = KINDS.index(function.candidate.name) if family is None else len(KINDS) - 1
        source = family.name if family else text
        if len(dialogue) == 1 and self._random.random() < 0.25:
            dialogue = (*self._small_talk(family), *dialogue)
            kind = "later"
        absent = self._random.random() < 0.16 and not (function.web and self._random.random() < 0.5)
        offered = self._offered(function, family, absent)
        self._random.shuffle(offered)
        if absent:
            return Case(dialogue, tuple(offered), len(offered), "absent", wish, source)
        right = next(n for n, each in enumerate(offered) if each.name == function.candidate.name)
        dressed = tuple(self._dressed(each, n == right, function) for n, each in enumerate(offered))
        return Case(dialogue, dressed, right, kind, wish, source)

    def _offered(self, function: Function, family: Family | None, absent: bool) -> list[Candidate]:
        draw = self._random
        near = [each for each in (family.functions if family else ()) if each is not function]
        others = draw.sample(near, draw.randint(min(1, len(near)), min(4, len(near)))) if draw.random() < 0.8 else []
        far = [each for each in self._functions if each.family != function.family]
        others += draw.sample(far, min(len(far), draw.choice((0, 1, 1, 2, 3, 5))))
        others += self._some_builtin(function, absent)
        offered = {each.candidate.name: each.candidate for each in others}
        offered.pop(function.candidate.name, None)
        if not absent or not offered:
            offered[function.candidate.name] = function.candidate
        if absent and function.candidate.name in offered:
            far_one = draw.choice(far).candidate
            offered = {far_one.name: far_one}
        return list(offered.values())

    def _some_builtin(self, function: Function, absent: bool) -> list[Function]:
        draw = self._random
        share = draw.choice((0, 0.4, 1)) if function.family != "builtin" else draw.choice((0.4, 1, 1))
        found = [each for each in self._builtin if draw.random() < share]
        # Where a web search or a calculation would answer as well, the case would have two right answers.
        shy = {"web_search"} if function.web else set()
        if function.family in ("units", "money", "random", "links", "games", "energy", "database"):
            shy.add("code_interpreter")
        if function.family in (
            "countries",
            "dictionary",
            "domains",
            "packages",
            "video",
            "events",
            "catalog",
            "maps",
        ):
            shy.add("web_search")
        if function.candidate.name == "open_page" and absent:
            shy.add("web_search")
        return [each for each in found if each.candidate.name not in shy]

    def _none(self, text: str, family: Family | None, kind: str) -> Case:
        draw = self._random
        owner = family or (draw.choice(self._families) if draw.random() < 0.7 else None)
        near = list(owner.functions) if owner else []
        others = draw.sample(near, min(len(near), draw.randint(1, 4))) if near else []
        others += draw.sample(self._functions, draw.choice((0, 1, 2, 4)))
        others += [each for each in self._builtin if draw.random() < draw.choice((0.3, 1))]
        if not others:
            others = list(self._builtin)
        offered = list({each.candidate.name: each.candidate for each in others}.values())
        draw.shuffle(offered)
        dialogue: tuple[tuple[str, str], ...] = (("user", self._styled(text, calm=True)),)
        if kind == "after" or draw.random() < 0.4:
            dialogue = (*self._turn(draw.choice(others)), *dialogue)
        dressed = tuple(self._dressed(each, False, None) for each in offered)
        source = family.name if family else text
        return Case(dialogue, dressed, len(offered), f"none {kind}", source=source)

    def _turn(self, function: Function) -> tuple[tuple[str, str], ...]:
        """A message that used `function`, and a reply."""
        return (("user", self._styled(self._random.choice(function.says))), ("assistant", self._reply(function)))

    def _earlier(self, function: Function, family: Family | None, text: str) -> tuple[tuple[str, str], ...]:
        source = self._random.choice(family.functions) if family and self._random.random() < 0.5 else function
        return (*self._turn(source), ("user", self._styled(text, calm=True)))

    def _small_talk(self, family: Family | None) -> tuple[tuple[str, str], ...]:
        draw = self._random
        if draw.random() < 0.5:
            pool = list(family.functions) if family and draw.random() < 0.5 else [*self._functions, *self._builtin]
            return self._turn(draw.choice(pool))
        texts = [text for kind in ("greeting", "opinion", "knowledge", "writing") for text in self._nothing[kind]]
        return (("user", draw.choice(texts)), ("assistant", draw.choice(REPLIES)))

    def _reply(self, function: Function) -> str:
        own = BUILTIN_REPLIES.get(function.candidate.name)
        if own:
            return self._random.choice(own)
        if self._random.random() < 0.3:
            return f"Done: {words_of_name(function.candidate.name)}."
        return self._random.choice(REPLIES)

    def _generic_follow(self, function: Function) -> str:
        names = words_of_name(" ".join(function.candidate.parameters.get("properties", {})))
        kinds = [
            kind
            for kind, words in (
                ("place", "city location place town region country stop"),
                ("date", "date from start year month day"),
                ("id", "id number symbol sku code"),
                ("person", "person student employee contact player"),
                ("number", "amount value"),
            )
            if set(words.split()) & set(names.split())
        ]
        if not kinds:
            return ""
        return self._random.choice(FOLLOW).format(self._random.choice(VALUES[self._random.choice(kinds)]))

    def _styled(self, text: str, calm: bool = False) -> str:
        draw = self._random
        if draw.random() < (0.1 if calm else 0.25):
            text = draw.choice(POLITE[self._language_of(text)]).format(text)
        if draw.random() < (0.03 if calm else 0.1):
            text = draw.choice(CONTEXT).format(text)
        if draw.random() < 0.15:
            text = text.lower()
        if draw.random() < 0.1:
            text = text.rstrip("?.!？。")
        return with_typo(text, draw) if draw.random() < 0.12 else text

    def _dressed(self, candidate: Candidate, right: bool, function: Function | None) -> Candidate:
        """A candidate as others would have named it: camelCase, with a prefix, without description or parameters."""
        draw = self._random
        if "_" not in candidate.name or candidate.name in {each.candidate.name for each in self._builtin}:
            return candidate
        if draw.random() < 0.2:
            first, *rest = candidate.name.split("_")
            candidate = replace(candidate, name=first + "".join(word.title() for word in rest))
        if draw.random() < 0.1:
            candidate = replace(candidate, description="")
        if draw.random() < 0.1:
            candidate = replace(candidate, parameters={})
        return candidate
