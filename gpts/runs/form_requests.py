"""Requests for forms: those of models, and the schemas of MCP servers.

The asker is not trusted: a form is limited in every respect, its texts are shown as text, and one that asks for
passwords, keys or payment details is refused. The list of words for these cannot be complete; each form also warns.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from gpts.runs.form_answers import fault_of
from gpts.runs.forms import MAX_FIELDS, Form, FormField

# What a form must never ask for (MCP 2025-11-25, elicitation: "Servers MUST NOT request sensitive information").
_SECRETS: Final = re.compile(
    r"passwor[dt]|kennwort|passphrase|passcode|contraseña|mot de passe|senha|wachtwoord|парол|密码|パスワード"
    r"|\bpin\b|\bcvv\b|\bcvc\b|\b2fa\b|\botp\b|one[ -]?time code|seed phrase|credentials?\b|(client|shared)[ -]secret"
    r"|\b(api|access|secret|private|ssh|encryption|recovery)[ -]?keys?\b"
    r"|\b(access|auth|bearer|refresh|session|api)[ -]?tokens?\b|kreditkarte"
    r"|\b(credit|debit|bank)[ -]?card|\bcard[ -]?number"
)


class FormRefused(Exception):
    """The form can't be shown. The message says why, for whoever asked."""


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
        if field.default is not None and fault_of(field, field.default):
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
