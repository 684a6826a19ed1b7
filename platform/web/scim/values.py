"""What may be in the values that directories send, and the keys of rows."""

from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from scim2_models import InvalidValueException, NotFoundException

from web.accounts.models import User

_MAX_DIGITS: Final = 18


def address(user_name: str | None) -> str:
    """The email address that a user name is, as accounts have it. Raises InvalidValueException."""
    email = User.objects.normalize_email(user_name or "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidValueException(
            attribute="userName", detail="userName must be the email address with which the person signs in."
        ) from None
    if len(email) > 254:
        raise InvalidValueException(attribute="userName", detail="userName is too long.")
    return email


def text(sent: str | None, most: int) -> str:
    """A name as it is stored, without what cannot be shown and at most `most` characters."""
    return "".join(char for char in sent or "" if char.isprintable()).strip()[:most]


def exactly(sent: str | None, most: int, attribute: str) -> str:
    """A value by which rows are found again, which is never shortened. Raises InvalidValueException."""
    value = sent or ""
    if value != text(value, most):
        raise InvalidValueException(
            attribute=attribute, detail=f"{attribute} must be at most {most} characters of text."
        )
    return value


def row_key(sent: str | None) -> int:
    """The key of a row. Raises NotFoundException for what cannot be one."""
    key = sent or ""
    if not (key.isascii() and key.isdigit() and len(key) <= _MAX_DIGITS):
        raise NotFoundException(detail="There is nothing with this id.")
    return int(key)
