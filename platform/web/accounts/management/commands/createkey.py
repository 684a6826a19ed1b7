"""`manage.py createkey EMAIL`: an API key for a program."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from web.accounts.models import DEFAULT_SCOPES, Scope
from web.accounts.services import active_user, create_key


class Command(BaseCommand):
    help = "Creates an API key for the user with this email address and prints only the key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="how the key is listed (default: command line)")
        help_text = "what programs with it may do: chat, read, manage, approve (default: all but approve)"
        parser.add_argument("--scope", action="append", choices=Scope.values, help=help_text)
        parser.add_argument("--days", type=int, default=90, help="days until it expires (default: 90); 0: never")

    def handle(self, *args: Any, **options: Any) -> None:
        user = active_user(options["email"])
        if user is None:
            raise CommandError(f"No user has the email address {options['email']}.")
        expires = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        _, secret = create_key(user, options["name"], expires, scopes=options["scope"] or DEFAULT_SCOPES)
        self.stdout.write(secret)
