"""`manage.py languages`: bring the catalogs of translations in step with the marked texts."""

from typing import Any

from django.core.management.base import BaseCommand

from web import catalogs


class Command(BaseCommand):
    """Run it after changing texts, then translate what it says is missing in locale/*/LC_MESSAGES/django.po."""

    help = "Update the catalogs of translations from the marked texts."

    def handle(self, *args: Any, **options: Any) -> None:
        """Update the .po files, then what is made of them."""
        for language, n in catalogs.update().items():
            self.stdout.write(f"{language}: {n} to translate")
