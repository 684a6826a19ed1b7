"""Answers to forms: read from a page, checked, and given to the model that asked."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from gpts.runs.forms import MAX_NUMBER, MAX_TEXT, Answer, Form, FormField
from gpts.safety.invisible_characters import visible

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class InvalidAnswers(Exception):
    """Answers don't fit the form: `errors` has a sentence for each field at fault, by name."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


def checked(form: Form, given: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers as the asker gets them: without those left empty. Raises InvalidAnswers."""
    answers: dict[str, Answer] = {}
    errors: dict[str, str] = {}
    for field in form.fields:
        value = given.get(field.name)
        value = tuple(value) if isinstance(value, list) else visible(value) if isinstance(value, str) else value
        if value is None or value == "" or value == ():
            if field.required:
                errors[field.name] = "Answer this."
        elif fault := fault_of(field, value):
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


def fault_of(field: FormField, value: Any) -> str:
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
    typed = [
        (str(answers[field.name]), field) for field in form.fields if field.name in answers and not field.options
    ]
    return tuple(text for text, field in typed if text.strip() != str(field.default).strip())


def for_model(answers: Mapping[str, Answer]) -> str:
    """The answers as the model that asked for them reads them."""
    return f"The user's answers: {json.dumps(answers, ensure_ascii=False)}"
