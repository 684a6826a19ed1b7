"""Settings of allauth."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open or closed by a setting."""

    def is_open_for_signup(self, request: Any) -> bool:
        """Whether anyone can create an account (`SIGNUP_OPEN`)."""
        return settings.SIGNUP_OPEN
