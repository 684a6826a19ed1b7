"""`manage.py createkey EMAIL`: an API key for a program."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from web.accounts.services import active_user, create_key


class Command(BaseCommand):
    help = "Creates an API key for the user with this email address and prints only the key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="how the key is listed (default: command line)")
        parser.add_argument("--may-approve", action="store_true", help="let programs with the key approve calls")
        parser.add_argument("--days", type=int, default=0, help="days until it expires (default: never)")

    def handle(self, *args: Any, **options: Any) -> None:
        user = active_user(options["email"])
        if user is None:
            raise CommandError(f"No user has the email address {options['email']}.")
        expires = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        _, secret = create_key(user, options["name"], expires, may_approve=options["may_approve"])
        self.stdout.write(secret)
