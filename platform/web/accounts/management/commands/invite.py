"""`manage.py invite NAME`: a link with which people create accounts."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from web.accounts import live_settings
from web.accounts.invitations import MOST_DAYS, MOST_PEOPLE, create


class Command(BaseCommand):
    help = "Prints a link with which people create accounts, also if sign-up is closed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what it is for, as admins see it")
        parser.add_argument("--people", type=int, default=1, help="how many people may use it (default: 1)")
        parser.add_argument("--days", type=int, default=14, help="days until it expires (default: 14)")
        parser.add_argument("--group", action="append", default=[], help="a group that they join; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        live_settings.follow()  # for the site's address
        if not (1 <= options["people"] <= MOST_PEOPLE and 1 <= options["days"] <= MOST_DAYS):
            raise CommandError(f"Invite 1 to {MOST_PEOPLE:,} people for 1 to {MOST_DAYS} days.")
        groups = [Group.objects.get_or_create(name=name)[0] for name in options["group"]]
        expires = timezone.now() + timedelta(days=options["days"])
        _, url = create(None, options["name"], options["people"], expires, groups)
        self.stdout.write(url)
