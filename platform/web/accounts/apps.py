from django.apps import AppConfig
from django.core.checks import Tags, register

from web.checks import TAG, check_settings
from web.upgrades import check_database


class AccountsConfig(AppConfig):
    name = "web.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the checks of the site, as all other apps build on this one, and what the audit log hears."""
        from web.accounts import audit

        register(check_settings, TAG)
        register(check_database, Tags.database)
        audit.listen()
