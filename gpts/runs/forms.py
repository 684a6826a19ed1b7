"""Forms: the fields that a GPT, or a tool that it called, asks the person to fill in while the run waits.

The asker is not trusted: a form is limited in every respect, its texts are shown as text, and one that asks for
passwords, keys or payment details is refused. The list of words for these cannot be complete; each form also warns.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from gpts.safety.invisible_characters import visible
from gpts.values import Text, Value

MAX_FIELDS: Final = 20
MAX_OPTIONS: Final = 100
MAX_TEXT: Final = 4_000
# Larger whole numbers are not exact in every language that may read the answers.
MAX_NUMBER: Final = 2**53
# A text field that takes more characters than this is shown with several lines.
LONG_TEXT: Final = 200
FieldKind = Literal[
    "text", "email", "url", "date", "date_time", "number", "integer", "yes_no", "choice", "several_choices"
]
Answer = str | bool | int | float | tuple[str, ...]

# What a form must never ask for (MCP 2025-11-25, elicitation: "Servers MUST NOT request sensitive information").
_SECRETS: Final = re.compile(
    r"passwor[dt]|kennwort|passphrase|passcode|contraseña|mot de passe|senha|wachtwoord|парол|密码|パスワード"
    r"|\bpin\b|\bcvv\b|\bcvc\b|\b2fa\b|\botp\b|one[ -]?time code|seed phrase|credentials?\b|(client|shared)[ -]secret"
    r"|\b(api|access|secret|private|ssh|encryption|recovery)[ -]?keys?\b"
    r"|\b(access|auth|bearer|refresh|session|api)[ -]?tokens?\b|kreditkarte"
    r"|\b(credit|debit|bank)[ -]?card|\bcard[ -]?number"
)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _cleaned(text: str) -> str:
    """`text` without characters that nobody sees or that change the order of others."""
    kept = (each for each in visible(text) if each == "\n" or unicodedata.category(each) != "Cc")
    return "".join(kept).strip()


Shown = Annotated[Text, AfterValidator(_cleaned)]
OptionText = Annotated[Shown, Field(min_length=1, max_length=200)]


class FormRefused(Exception):
    """The form can't be shown. The message says why, for whoever asked."""


class InvalidAnswers(Exception):
    """Answers don't fit the form: `errors` has a sentence for each field at fault, by name."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


class FormField(Value):
    """A field. `minimum` and `maximum` are a number's range, a text's length or how many options may be chosen.

    `option_titles` are shown instead of `options`, one each; empty: the options themselves.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Shown, Field(min_length=1, max_length=64)]
    kind: FieldKind = "text"
    title: Annotated[Shown, Field(max_length=200)] = ""
    description: Annotated[Shown, Field(max_length=500)] = ""
    required: bool = False
    default: Answer | None = None
    options: Annotated[tuple[OptionText, ...], Field(max_length=MAX_OPTIONS)] = ()
    option_titles: Annotated[tuple[OptionText, ...], Field(max_length=MAX_OPTIONS)] = ()
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _has_options(self) -> Self:
        if self.kind in ("choice", "several_choices") and not self.options:
            raise ValueError("a choice needs options")
        if len(set(self.options)) < len(self.options) or len(self.option_titles) not in (0, len(self.options)):
            raise ValueError("options must differ, and each have a title or none")
        return self

    @property
    def label(self) -> str:
        """What the field is called on the page."""
        return self.title or self.name.replace("_", " ")

    @property
    def is_long(self) -> bool:
        """Whether it is shown with several lines."""
        return self.kind == "text" and self.maximum is not None and self.maximum > LONG_TEXT

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """Each option with its title."""
        return tuple(zip(self.options, self.option_titles or self.options, strict=True))


class Form(Value):
    """A question with fields to answer it. `asker` is the host of the MCP server that asks; empty: the GPT itself."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[Shown, Field(min_length=1, max_length=2_000)]
    fields: Annotated[tuple[FormField, ...], Field(min_length=1, max_length=MAX_FIELDS)]
    asker: str = ""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({field.name for field in self.fields}) < len(self.fields):
            raise ValueError("two fields have the same name")
        return self

    @property
    def in_words(self) -> str:
        """The question and what its fields are called, for doors that show no fields."""
        return "\n".join([self.message, *(f"- {field.label}" for field in self.fields)])


def read_arguments(arguments: Mapping[str, Any]) -> Form:
    """The form that a model asks for with these arguments of a call. Raises FormRefused."""
    given = {key: arguments.get(key) for key in ("message", "fields")}
    return _checked_form(lambda: Form.model_validate(given))


def read_schema(message: str, schema: Mapping[str, Any], asker: str) -> Form:
    """The form that an MCP server asks for by its flat schema (specification of 2025-11-25). Raises FormRefused."""
    properties, required = schema.get("properties"), schema.get("required") or ()
    if not isinstance(properties, dict) or not isinstance(required, list | tuple):
        raise FormRefused("The schema must be an object with properties.")
    if len(properties) > MAX_FIELDS:
        raise FormRefused(f"A form can have up to {MAX_FIELDS} fields.")
    fields = [_field(name, each) | {"required": name in required} for name, each in properties.items()]
    return _checked_form(lambda: Form.model_validate({"message": message, "fields": fields, "asker": asker}))


def _checked_form(read: Callable[[], Form]) -> Form:
    try:
        form = read()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise FormRefused(f"The form isn't valid. {place}: {first['msg']}"[:500]) from None
    texts = (form.message, *(text for field in form.fields for text in (field.name, field.title, field.description)))
    if any(_SECRETS.search(_folded(text)) for text in texts):
        raise FormRefused("A form must not ask for passwords, keys or payment details.")
    for field in form.fields:
        if field.default is not None and _fault(field, field.default):
            raise FormRefused(f"The default of {field.name} doesn't fit its field.")
    return form


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("_", " ")


_FORMATS: Final = {None: "text", "email": "email", "uri": "url", "date": "date", "date-time": "date_time"}
_TYPES: Final = {"number": "number", "integer": "integer", "boolean": "yes_no"}


def _field(name: str, schema: Any) -> dict[str, Any]:
    """The fields of a FormField for a property of an MCP schema. Raises FormRefused."""
    if not isinstance(schema, dict):
        raise FormRefused(f"The field {name[:64]} has no schema.")
    facts: dict[str, Any] = {"name": name, "title": schema.get("title") or "", "default": schema.get("default")}
    facts["description"] = schema.get("description") or ""
    kind = schema.get("type")
    if kind in _TYPES:
        return facts | {"kind": _TYPES[kind], "minimum": schema.get("minimum"), "maximum": schema.get("maximum")}
    if kind == "array" and isinstance(items := schema.get("items"), dict):
        few, many = schema.get("minItems"), schema.get("maxItems")
        return facts | _options(items, "anyOf") | {"kind": "several_choices", "minimum": few, "maximum": many}
    if kind == "string" and ("enum" in schema or "oneOf" in schema):
        return facts | _options(schema, "oneOf") | {"kind": "choice"}
    if kind == "string" and schema.get("format") in _FORMATS:
        least, most = schema.get("minLength"), schema.get("maxLength")
        return facts | {"kind": _FORMATS[schema.get("format")], "minimum": least, "maximum": most}
    raise FormRefused(f"The field {name[:64]} isn't of a type that forms have.")


def _options(schema: Mapping[str, Any], titled: str) -> dict[str, Any]:
    if isinstance(listed := schema.get(titled), list):
        pairs = [(each.get("const"), each.get("title")) for each in listed if isinstance(each, dict)]
        return {"options": [value for value, _ in pairs], "option_titles": [title or value for value, title in pairs]}
    return {"options": schema.get("enum"), "option_titles": schema.get("enumNames") or ()}


def schema_of(form: Form) -> dict[str, Any]:
    """The form as the schema of an MCP elicitation."""
    properties = {field.name: _schema(field) for field in form.fields}
    return {
        "type": "object",
        "properties": properties,
        "required": [field.name for field in form.fields if field.required],
    }


def _schema(field: FormField) -> dict[str, Any]:
    shown = {"title": field.label, "description": field.description or None, "default": field.default}
    least, most = field.minimum, field.maximum
    shape: dict[str, Any]
    match field.kind:
        case "number" | "integer":
            shape = {"type": field.kind, "minimum": least, "maximum": most}
        case "yes_no":
            shape = {"type": "boolean"}
        case "choice":
            shape = {"type": "string", "oneOf": [{"const": each, "title": title} for each, title in field.choices]}
        case "several_choices":
            items = {"anyOf": [{"const": each, "title": title} for each, title in field.choices]}
            shape = {"type": "array", "items": items, "minItems": _whole(least), "maxItems": _whole(most)}
        case kind:
            named = next(name for name, each in _FORMATS.items() if each == kind)
            shape = {"type": "string", "format": named, "minLength": _whole(least), "maxLength": _whole(most)}
    return {key: value for key, value in (shape | shown).items() if value is not None}


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def checked(form: Form, given: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers as the asker gets them: without those left empty. Raises InvalidAnswers."""
    answers: dict[str, Answer] = {}
    errors: dict[str, str] = {}
    for field in form.fields:
        value = given.get(field.name)
        value = tuple(value) if isinstance(value, list) else value
        if value is None or value == "" or value == ():
            if field.required:
                errors[field.name] = "Answer this."
        elif fault := _fault(field, value):
            errors[field.name] = fault
        else:
            answers[field.name] = value
    if errors:
        raise InvalidAnswers(errors)
    return answers


def sent(form: Form, values: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The answers in an HTML form, by the name of the field; `checked` refuses text in place of a number."""
    return {field.name: _typed(field, values.get(field.name, ())) for field in form.fields}


def _typed(field: FormField, values: Sequence[str]) -> Any:
    text = values[0].replace("\r\n", "\n").strip() if values else ""
    match field.kind:
        case "yes_no":
            return bool(values)
        case "several_choices":
            return tuple(values)
        case "integer" | "number" if text:
            with suppress(ValueError):
                return int(text)
            with suppress(ValueError):
                return float(text)
        case "date_time" if text and len(text) == len("2026-01-31T10:00"):
            return f"{text}:00Z"
    return text


def _fault(field: FormField, value: Any) -> str:
    """What is wrong with the answer, as a sentence; empty if nothing is."""
    match field.kind:
        case "yes_no":
            return "" if isinstance(value, bool) else "Answer yes or no."
        case "number" | "integer":
            return _number_fault(field, value)
        case "choice":
            return "" if value in field.options and isinstance(value, str) else "Choose one of the options."
        case "several_choices":
            return _choices_fault(field, value)
    return _text_fault(field, value)


def _number_fault(field: FormField, value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
    if not is_number or (field.kind == "integer" and value != int(value)):
        return "Enter a whole number." if field.kind == "integer" else "Enter a number."
    return _range_fault(field, value, "Enter {} or more.", "Enter {} or less.")


def _choices_fault(field: FormField, value: Any) -> str:
    is_among = isinstance(value, tuple) and all(each in field.options for each in value)
    if not is_among or len(set(value)) < len(value):
        return "Choose among the options."
    return _range_fault(field, len(value), "Choose {} or more.", "Choose {} or fewer.")


def _text_fault(field: FormField, value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        return "Enter text."
    if len(value) > MAX_TEXT:
        return f"Enter up to {MAX_TEXT:,} characters."
    match field.kind:
        case "email" if not _EMAIL.fullmatch(value):
            return "Enter an email address."
        case "url" if not _is_address(value):
            return "Enter an address that begins with https:// or http://."
        case "date" if not _is_made_by(date.fromisoformat, value):
            return "Enter a date, such as 2026-01-31."
        case "date_time" if not _is_made_by(datetime.fromisoformat, value):
            return "Enter a date and time, such as 2026-01-31T10:00:00Z."
    return _range_fault(field, len(value), "Enter {} characters or more.", "Enter {} characters or fewer.")


def _range_fault(field: FormField, value: float, low: str, high: str) -> str:
    if field.minimum is not None and value < field.minimum:
        return low.format(f"{field.minimum:g}")
    if field.maximum is not None and value > field.maximum:
        return high.format(f"{field.maximum:g}")
    return ""


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and bool(parts.hostname)
    return False


def _is_made_by(make: Callable[[str], object], text: str) -> bool:
    with suppress(ValueError):
        make(text)
        return True
    return False


def own_words(form: Form, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """The answers that the person typed: not what the asker proposed as options or defaults."""
    typed = [field for field in form.fields if not field.options and answers.get(field.name) != field.default]
    return tuple(str(answers[field.name]) for field in typed if field.name in answers)


def for_model(answers: Mapping[str, Answer]) -> str:
    """The answers as the model that asked for them reads them."""
    return f"The user's answers: {json.dumps(answers, ensure_ascii=False)}"
