"""Whether a message holds values that a function's parameters could take; a guess by names, types and shapes."""

import re
from dataclasses import dataclass
from typing import Any, Final

from workers.smallmodel.routing.candidates import properties_of, required_of, words_of_name
from workers.smallmodel.routing.cues import stem

# Kind of value -> words in a parameter's name that ask for it.
_KIND_WORDS: Final[dict[str, str]] = {
    "email": "email mail recipient attendee",
    "url": "url link uri website webpage address_url",
    "date": "date day start end from_date to_date since until checkin checkout due month year deadline when time",
    "place": "city location place town country region origin destination station stop airport address room from to",
    "number": "amount number count quantity price limit value percent minutes hours days kg weight celsius level "
    "size people guests seats stars rating score year shares servings brightness temperature",
    "id": "id code sku number reference tracking iban vat isbn plate symbol ticker order ticket invoice",
    "person": "name person contact employee user owner assignee author artist player patient student guest to",
    "language": "language lang locale",
    "currency": "currency base quote",
    "sum": "expression formula",
}
_KINDS: Final = {kind: frozenset(stem(word) for word in text.split()) for kind, text in _KIND_WORDS.items()}
KINDS: Final = (*_KIND_WORDS, "text")
_SHAPES: Final[dict[str, re.Pattern[str]]] = {
    "email": re.compile(r"\S+@\S+\.\w+"),
    "url": re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|org|net|de|fr|es|io|cn)\b"),
    "date": re.compile(
        r"\b(?:\d{4}-\d\d|\d{1,2}[./]\d{1,2}|today|tomorrow|yesterday|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
        r"|weekend|week|month|year|january|february|march|april|may|june|july|august|september|october|november"
        r"|december|\d{1,2}(?::\d\d)?\s?(?:am|pm)|\d{1,2}:\d\d|noon|morning|evening|20\d\d|19\d\d)\b",
        re.IGNORECASE,
    ),
    "number": re.compile(r"\b\d+(?:[.,]\d+)?\b|\b(?:one|two|three|four|five|six|ten|half|hundred)\b", re.IGNORECASE),
    "id": re.compile(r"#\s?\w+|\b(?=\w*\d)[A-Za-z]{1,4}[-\d][\w-]*\b|\b\d{2,}\b|\b[A-Z]{3,5}\b"),
    "place": re.compile(r"(?<=\S )[A-ZÄÖÜÉ][a-zäöüéèñ]{2,}|\b(?:in|at|near|from|to) (?:the )?[a-z]{3,}"),
    "person": re.compile(r"(?<=\S )[A-ZÄÖÜÉ][a-zäöüéèñ]{2,}|\b(?:mum|mother|father|boss|sister|him|her|me|my)\b"),
    "language": re.compile(
        r"\b(?:english|german|french|spanish|italian|polish|chinese|japanese|dutch)\b", re.IGNORECASE
    ),
    "currency": re.compile(
        r"[€$£¥]|\b(?:euros?|dollars?|pounds?|yen|usd|eur|gbp|jpy|chf|francs?|pesos?)\b", re.IGNORECASE
    ),
    "sum": re.compile(r"\d\s*[-+*/x×÷^%]\s*\d"),
}


def shapes_in(text: str) -> frozenset[str]:
    """The kinds of value that `text` holds."""
    return frozenset(kind for kind, shape in _SHAPES.items() if shape.search(text))


@dataclass(frozen=True, slots=True)
class Slots:
    """What a function needs: the kinds that each required parameter would take."""

    required: tuple[frozenset[str], ...]
    optional: tuple[frozenset[str], ...]

    def filled(self, shapes: frozenset[str]) -> float:
        """The share of required values that could be in a text with `shapes`; free text always could. 1 if none."""
        if not self.required:
            return 1.0
        return sum(not kinds or not kinds.isdisjoint(shapes) for kinds in self.required) / len(self.required)

    def missing(self, shapes: frozenset[str]) -> bool:
        """Whether a required value of a definite kind is not there."""
        return any(kinds and kinds.isdisjoint(shapes) for kinds in self.required)

    def asked(self, shapes: frozenset[str]) -> float:
        """The share of the text's kinds of value that some parameter would take."""
        if not shapes:
            return 0.0
        takes = frozenset[str]().union(*self.required, *self.optional)
        return len(takes & shapes) / len(shapes)


def slots_of(parameters: dict[str, Any]) -> Slots:
    """What a JSON Schema of type object asks for; a strange schema asks for nothing."""
    properties, required = properties_of(parameters), required_of(parameters)
    kinds = {name: _kinds(name, schema) for name, schema in list(properties.items())[:40]}
    return Slots(
        tuple(kinds[name] for name in required if name in kinds),
        tuple(found for name, found in kinds.items() if name not in required),
    )


def _kinds(name: str, schema: dict[str, Any]) -> frozenset[str]:
    """Kinds of value for a parameter, empty where any text would do."""
    said = frozenset(stem(word) for word in words_of_name(name).split())
    found = {kind for kind, words in _KINDS.items() if said & words}
    match schema.get("type"):
        case "integer" | "number":
            return frozenset({"number"} | (found & {"date", "id"}))
        case "boolean":
            return frozenset()
    form = schema.get("format")
    if form in ("date", "date-time", "time"):
        return frozenset({"date"})
    if form in ("email", "uri", "url"):
        return frozenset({"email" if form == "email" else "url"})
    return frozenset(found - {"number"} if "id" not in found else found)
