"""`manage.py signinlink`: a link that signs a person in once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from web.accounts import live_settings, second_factor
from web.accounts.models import User
from web.accounts.services import active_user, create_sign_in_link, first_operator, operator_has_signed_in
from web.checks import TAG


class Command(BaseCommand):
    requires_system_checks = [TAG]  # all of them would load every page
    help = "Prints a sign-in link that works once and expires after a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", help="email address of the user")
        parser.add_argument("--operator", action="store_true", help="for the first admin, created if there is none")
        parser.add_argument("--first", action="store_true", help="print nothing if an admin has signed in before")
        help_text = "also remove the person's second factors, when you know that they lost them"
        parser.add_argument("--remove-second-factor", action="store_true", help=help_text)

    def handle(self, *args: Any, **options: Any) -> None:
        live_settings.follow()  # for the site's address
        if options["first"] and operator_has_signed_in():
            return
        person = self.person(options)
        if options["remove_second_factor"]:
            second_factor.remove_all(person)
        self.stdout.write(create_sign_in_link(person))

    def person(self, options: dict[str, Any]) -> User:
        """The user whom the link signs in. Raises CommandError."""
        if options["operator"]:
            return first_operator()
        if not options["email"]:
            raise CommandError("Give an email address or --operator.")
        user = active_user(options["email"])
        if user is None:
            raise CommandError(f"No user has the email address {options['email']}.")
        return user
