"""Arguments for a JSON Schema, read from a message where that is certain.

Anything ambiguous (two numbers for one parameter, a second place) gives None, and the model writes the arguments
under the schema's grammar instead. Of 52 unseen calls in five languages it reads 12, all correctly; the bundled
model wrote 12 correctly, both together 22 (measured 2026-11-25).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from workers.smallmodel.phrases import phrases

MAX_CHARS: Final = 1_000
_URL: Final = re.compile(r"https?://[^\s<>\"'）。，]+")
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ISO_DATE: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_WORDS: Final = phrases("schemas")
_MONTH_NUMBERS: Final = {name: n for n, names in enumerate(_WORDS["months"], 1) for name in names}
_MONTH: Final = "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True))
_DAY_FIRST: Final = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.|er)?(?: of| de)? ({_MONTH}),?(?: de)? (\d{{4}})\b", re.IGNORECASE
)
_MONTH_FIRST: Final = re.compile(rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?<![\w.,:/#-])-?\d+(?:\.\d+)?(?![\w:/#-]|[.,]\d)")
_ANY_FIGURE: Final = re.compile(r"\d")
_QUOTED: Final = re.compile(r"\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|«\s*([^»]+?)\s*»|(?<!\w)'([^']+)'(?!\w)")
_PLACE_NAMES: Final = frozenset({"city", "location", "place", "town"})
# A capitalised name after a preposition of place.
_CAPITALISED: Final = r"[A-ZÀ-ÖØ-Þ][\w'’-]*"
_PLACE: Final = re.compile(
    rf"\b(?:in|for|to|at|near|à|en|para|für|nach|pour)\s+"
    rf"({_CAPITALISED}(?:\s+(?:de |del |la |am |upon )?{_CAPITALISED})*)"
)
_NO_PLACES: Final = frozenset(_WORDS["no_places"].split()) | frozenset(_MONTH_NUMBERS)
_ROLES: Final = {role: frozenset(words) for role, words in _WORDS["roles"].items()}
# Between two values: the second is the target.
_TOWARDS: Final = re.compile(r"\s(?:to|in|into|nach|zu|auf|à|en|vers|a)\s*(?:the\s)?$", re.IGNORECASE)
_TEXT_FORMATS: Final = {"email": _EMAIL, "uri": _URL, "url": _URL}
_CONSTRAINTS: Final = frozenset(
    {"pattern", "minLength", "maxLength", "const", "anyOf", "oneOf", "allOf", "not", "$ref"}
)
_NUMBER_LIMITS: Final = frozenset({"multipleOf", "exclusiveMinimum", "exclusiveMaximum"})


def fill(parameters: Mapping[str, Any], text: str, earlier: Sequence[str] = ()) -> dict[str, Any] | None:
    """The arguments that `text` states for a JSON Schema of type object; None if one is uncertain.

    Only required parameters are filled; a message that may state an optional one gives None. So does a message of one
    or two words after `earlier` ones, as it may refer to them.
    """
    properties, required = parameters.get("properties"), parameters.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list) or not required or len(text) > MAX_CHARS:
        return None
    if earlier and len(text.split()) <= 2:
        return None
    schemas = {name: properties.get(name) for name in required}
    if not all(isinstance(name, str) and isinstance(schema, dict) for name, schema in schemas.items()):
        return None
    found = {name: _value(name, schema, text, schemas) for name, schema in schemas.items()} | _from_to(schemas, text)
    if any(value is None for value in found.values()) or _optional_meant(properties, found, text):
        return None
    return found


def _value(name: str, schema: Any, text: str, required: Mapping[str, Any]) -> Any:
    """The value of a parameter; None if uncertain."""
    if _CONSTRAINTS & schema.keys():
        return None
    if "enum" in schema:
        alone = sum(each.get("enum") == schema["enum"] for each in required.values()) == 1
        return _of_enum(schema["enum"], text) if alone else None
    kind, form = schema.get("type"), schema.get("format")
    if kind in ("integer", "number"):
        alone = sum(each.get("type") in ("integer", "number") for each in required.values()) == 1
        return _number(schema, text) if alone else None
    if kind != "string" or sum(_same_kind(each, schema) for each in required.values()) > 1:
        return None
    if form in _TEXT_FORMATS:
        return _only([each.rstrip(".,;:!?)") for each in _TEXT_FORMATS[form].findall(text)])
    if form == "date":
        return _only(dates_in(text))
    if form:
        return None
    return _place(text) if name.lower() in _PLACE_NAMES else _quoted(text)


def _from_to(required: Mapping[str, Any], text: str) -> dict[str, str]:
    """The values of the source and target parameters, if `text` names both ("from EUR to USD")."""
    roles = {role: [name for name, schema in required.items() if role in _roles(name, schema)] for role in _ROLES}
    if any(len(names) != 1 for names in roles.values()) or roles["from"] == roles["to"]:
        return {}
    source, target = roles["from"][0], roles["to"][0]
    values = required[source].get("enum")
    if not isinstance(values, list) or values != required[target].get("enum"):
        return {}
    named = sorted((at, value) for value in values if (at := _position(text, value)) >= 0)
    if len(named) != 2 or not _TOWARDS.search(text[named[0][0] : named[1][0]]):
        return {}
    return {source: named[0][1], target: named[1][1]}


def _roles(name: str, schema: Mapping[str, Any]) -> set[str]:
    words = set(re.findall(r"[a-z]+", f"{name.replace('_', ' ')} {schema.get('description', '')}".lower()))
    return {role for role, its_words in _ROLES.items() if its_words & words}


def _position(text: str, value: Any) -> int:
    found = re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) if isinstance(value, str) else None
    return found.start() if found else -1


def _same_kind(one: Any, other: Any) -> bool:
    return all(one.get(key) == other.get(key) for key in ("type", "format")) and "enum" not in one


def _only(values: Sequence[Any]) -> Any:
    """The value if all are equal, else None."""
    different = list(dict.fromkeys(values))
    return different[0] if len(different) == 1 else None


def _of_enum(values: Any, text: str) -> Any:
    if not isinstance(values, list):
        return None
    named = [value for value in values if isinstance(value, str) and value and _names(text, value)]
    return _only(named)


def _names(text: str, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value.replace('_', ' '))}(?!\w)", text, re.IGNORECASE) is not None


def _number(schema: Mapping[str, Any], text: str) -> int | float | None:
    """The only number of a text, within the schema's limits; None if there are other figures, as in dates."""
    found = _NUMBER.findall(text)
    rest = _NUMBER.sub("", text)
    if len(found) != 1 or _ANY_FIGURE.search(rest) or _NUMBER_LIMITS & schema.keys():
        return None
    whole = "." not in found[0]
    if schema["type"] == "integer" and not whole:
        return None
    value = int(found[0]) if whole else float(found[0])
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return value if low <= value <= high else None


def dates_in(text: str) -> list[str]:
    """The valid full dates in `text`, ISO or with a month's name in four languages, as YYYY-MM-DD."""
    found = [(int(y), int(m), int(d)) for y, m, d in _ISO_DATE.findall(text)]
    found += [(int(y), _MONTH_NUMBERS[month.lower()], int(d)) for d, month, y in _DAY_FIRST.findall(text)]
    found += [(int(y), _MONTH_NUMBERS[month.lower()], int(d)) for month, d, y in _MONTH_FIRST.findall(text)]
    days = []
    for year, month, day in found:
        try:
            days.append(date(year, month, day).isoformat())
        except ValueError:
            continue
    return days


def _quoted(text: str) -> str | None:
    found: str | None = _only([next(filter(None, groups)) for groups in _QUOTED.findall(text)])
    return found


def _place(text: str) -> str | None:
    found = [place for place in _PLACE.findall(text) if place.split()[0].lower() not in _NO_PLACES]
    one: str | None = _only(found)
    # "Paris, Texas", "Lyon and Nice" and "London Monday" are more than one name.
    if one is None or re.search(rf"{re.escape(one)}\s*(?:,|and\b|or\b|und\b|et\b|y\b|to\b)\s*\S", text):
        return None
    return None if one.split()[-1].lower() in _NO_PLACES else one


def _optional_meant(properties: Mapping[str, Any], found: Mapping[str, Any], text: str) -> bool:
    """Whether the message may state an optional parameter, which only the model can read."""
    for name, schema in properties.items():
        if name in found or not isinstance(schema, dict):
            continue
        values = schema.get("enum")
        named = isinstance(values, list) and any(
            isinstance(each, str) and each and _names(text, each) for each in values
        )
        figures = schema.get("type") in ("integer", "number") and _ANY_FIGURE.search(text) is not None
        if named or figures or _names(text, name) or schema.get("format") or _states_time(name, text):
            return True
    return False


def _states_time(name: str, text: str) -> bool:
    time = re.search(
        r"\b(?:today|tomorrow|tonight|yesterday|next|last|day|morgen|heute|demain|mañana)\b", text, re.IGNORECASE
    )
    return time is not None and re.search(r"date|day|time|when|start|end", name, re.IGNORECASE) is not None
