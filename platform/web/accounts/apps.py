from django.apps import AppConfig
from django.core.checks import register

from web.checks import TAG, check_settings


class AccountsConfig(AppConfig):
    name = "web.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the checks of the settings, as all other apps build on this one, and what the audit log hears."""
        from web.accounts import audit

        register(check_settings, TAG)
        audit.listen()
