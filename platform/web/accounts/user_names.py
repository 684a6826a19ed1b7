"""User names: what people without an email address sign in with.

Every account has an address. That of a person without one is their user name at LOCAL, to which nothing is sent.
"""

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LOCAL: Final = "@localhost"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_MAX_CHARS: Final = 254  # of an address


def address_of(typed: str) -> str:
    """The address of the account that somebody means who types a user name or an email address."""
    name = typed.strip().lower()
    return name if "@" in name or not name else name + LOCAL


def name_of(address: str) -> str:
    """The user name, or the email address of somebody who has one."""
    return address.removesuffix(LOCAL)


def checked_address(typed: str) -> str:
    """`address_of` what an operator types for a new account. Raises ValidationError."""
    address = address_of(typed)
    if address.endswith(LOCAL):
        if not _NAME.fullmatch(name_of(address)):
            raise ValidationError("A user name has the letters a to z, digits, dots, hyphens and underscores.")
        return address
    if len(address) > _MAX_CHARS:
        raise ValidationError("This address is too long.")
    validate_email(address)
    return address
