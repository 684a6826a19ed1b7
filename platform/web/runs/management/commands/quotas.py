"""`manage.py quotas`: what people may use, for everyone or for one person."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.accounts import quotas
from web.accounts.models import QuotaLimit, User
from web.accounts.quotas import KINDS
from web.accounts.services import active_user
from web.runs.quota_use import use_of


class Command(BaseCommand):
    help = "Shows the limits for everyone, or a person's limits and use; sets them with KIND=NUMBER."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "limits", nargs="*", metavar="KIND=LIMIT", help="a number (0: none), unlimited, or default"
        )
        parser.add_argument("--person", default="", metavar="EMAIL", help="for this person only")

    def handle(self, *args: Any, **options: Any) -> None:
        person = active_user(options["person"]) if options["person"] else None
        if options["person"] and person is None:
            raise CommandError(f"No user has the email address {options['person']}.")
        changes = [_change(text) for text in options["limits"]]  # all are read before the first is made
        for kind, limit in changes:
            if limit == "default":
                quotas.reset_limit(kind, person)
            else:
                quotas.set_limit(kind, None if limit == "unlimited" else int(limit), person)
        for line in _of_person(person) if person else _of_everyone():
            self.stdout.write(line)


def _change(text: str) -> tuple[str, str]:
    kind, _, limit = text.partition("=")
    if kind not in KINDS:
        raise CommandError(f"{kind} is not a quota. Use one of: {', '.join(KINDS)}.")
    if limit not in ("unlimited", "default") and not limit.isdecimal():
        raise CommandError(f"{text}: the limit must be a number, unlimited, or default.")
    return kind, limit


def _of_person(person: User) -> list[str]:
    return [f"{use.kind:<18}{use.used:>14,} of {_shown(use.limit)}" for use in use_of(person)]


def _of_everyone() -> list[str]:
    changed = dict(QuotaLimit.objects.filter(user=None, group=None).values_list("kind", "most"))
    sites = {key: getattr(settings, kind.setting) for key, kind in KINDS.items()}
    lines = [f"{key:<18}{_shown(changed.get(key, sites[key])):>14}  ({KINDS[key].setting})" for key in KINDS]
    own = QuotaLimit.objects.exclude(user=None, group=None).select_related("user", "group")
    rows = own.order_by("user__email", "group__name", "kind")
    return lines + [f"{row.user.email if row.user else row.group}: {row.kind} {_shown(row.most)}" for row in rows]


def _shown(limit: int | None) -> str:
    return "unlimited" if limit is None else f"{limit:,}"
