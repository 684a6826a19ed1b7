"""`manage.py scimtoken NAME`: a token with which a directory provisions people by SCIM."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from web.accounts import directory_tokens
from web.accounts.models_directory import DirectoryToken


class Command(BaseCommand):
    help = "Creates a token with which a directory provisions people and groups by SCIM, and prints only the token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="which directory it is for, as admins see it")
        parser.add_argument("--withdraw", action="store_true", help="end all tokens of this name instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["withdraw"]:
            _, secret = directory_tokens.create(None, options["name"][:60])
            self.stdout.write(secret)
            return
        live = DirectoryToken.objects.filter(name=options["name"], withdrawn=None)
        n = sum(directory_tokens.withdraw(token.pk, None) for token in live)
        if not n:
            raise CommandError(f"No live token is named {options['name']}.")
        self.stdout.write(f"Withdrawn: {n}.")
