"""People who really use GPTs, in the database."""

from datetime import timedelta

from django.utils import timezone

from web.accounts.models import User
from web.builder.models import Gpt
from web.runs.models import Run
from web.runs.services import start_conversation, start_run


def use(person: User, gpt: Gpt, n_answers: int = 1, n_days: int = 1) -> None:
    """A chat of `person` with `gpt` that has so many finished answers, on so many days up to today."""
    chat = start_conversation(person, gpt)
    chat.save()
    for n in range(n_answers):
        run = start_run(chat, "Which seal?")
        when = timezone.now() - timedelta(days=n % n_days)
        Run.objects.filter(id=run.id).update(status="completed", ended=when, created=when, queue="")


def people(n: int, name: str) -> list[User]:
    """New accounts."""
    return [User.objects.create_user(f"{name}{i}@example.org") for i in range(n)]
