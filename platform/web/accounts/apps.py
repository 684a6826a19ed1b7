from django.apps import AppConfig
from django.core.checks import register

from web.checks import TAG, check_settings


class AccountsConfig(AppConfig):
    name = "web.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the checks of the settings: this app is the one that all others build on."""
        register(check_settings, TAG)
