"""How passwords are hashed: anybody may have one hashed by trying to sign in, so a hash takes little memory."""

import secrets
from typing import Any, Final

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_noop

MAX_CHARS: Final = 256
# Without those that look alike on paper.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """A password that can be copied from paper: 44 bits, which sign-ins by the minute can't guess."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(3)) for _ in range(3))


class BoundedArgon2(Argon2PasswordHasher):
    """Argon2id with OWASP's smaller profile: 19 MiB a hash, where Django's takes 100.

    Django hashes an older password again when its owner next signs in.
    """

    memory_cost, time_cost, parallelism = 19 * 1_024, 2, 1

    def encode(self, password: str, salt: str) -> str:
        """The hash of a password. Of one longer than MAX_CHARS, which no account has, only the start counts."""
        return super().encode(password[:MAX_CHARS], salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `encoded` is the hash of `password`, which a password longer than MAX_CHARS never has."""
        return super().verify(password[:MAX_CHARS], encoded) and len(password) <= MAX_CHARS


class PasswordLength(MinimumLengthValidator):
    """Refuses new passwords that are too short, which forms say beforehand, or have more than MAX_CHARS."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError if `password` is too short or too long."""
        super().validate(password, user)
        if len(password) > MAX_CHARS:
            raise ValidationError(
                gettext("Too long: {n} of {limit} characters.").format(n=len(password), limit=MAX_CHARS),
                code="password_too_long",
            )


# Texts of Django and allauth whose translations address people otherwise than this site does: translated here.
ELSEWHERE: Final = (
    gettext_noop("The password is too similar to the %(verbose_name)s."),
    gettext_noop("This password is too common."),
    gettext_noop("Your password can’t be too similar to your other personal information."),
    gettext_noop("Your password can’t be a commonly used password."),
    gettext_noop("Your password can’t be entirely numeric."),
    gettext_noop("Forgot your password?"),
)
