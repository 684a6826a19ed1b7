"""Questions that a GPT did not answer, sent to its creator by the person who asked.

The creator gets the question's text and the person's name, and nothing else of the chat. Question and answer are
texts from outside: pages escape them, and no prompt contains them.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext

from gpts.runs.steps import Finished, Log
from web.accounts.models import User
from web.builder.access import access_own_gpt
from web.builder.models import Gpt
from web.languages import cleaned, too_long
from web.runs import log
from web.runs.errors import Refused, TooManyQuestions
from web.runs.models import Conversation, CreatorQuestion, Run

QUESTION_CHARS: Final = 1_000
ANSWER_CHARS: Final = 4_000
# Questions of one person to one GPT within a day, and open ones of all people to one GPT.
MAX_PER_DAY: Final = 5
MAX_OPEN: Final = 200
OPEN: Final = Q(closed=None)
# Answered by the creator, and not on the person's page yet.
UNSEEN: Final = Q(seen=False) & ~Q(answer="")


def taking_questions(user: User, gpts: Collection[Gpt]) -> set[UUID]:
    """The ids of those of `gpts` whose creators `user` may send questions now, by `Gpt.lets`. One query at most."""
    ids = [gpt.id for gpt in gpts if gpt.takes_questions and gpt.owner_id != user.id]
    if not ids:
        return set()
    taking = Gpt.objects.chattable_by(user).filter(takes_questions=True, published__data__takes_questions=True)
    return set(taking.filter(id__in=ids, owner__is_active=True).values_list("id", flat=True))


def may_be_sent(run: Run, steps: Log) -> bool:
    """Whether the question of `run`, which has this log, is a person's and was declined."""
    last = steps[-1] if steps else None
    is_chat = run.message.conversation.origin == Conversation.Origin.CHAT
    return is_chat and isinstance(last, Finished) and last.coverage == "not_covered"


def send(run: Run, text: str) -> CreatorQuestion:
    """The question sent to the creator of the run's GPT; if one was sent before, that one.

    `run` must come from `access_run`. Raises Refused, TooManyQuestions.
    """
    text = _checked(text, QUESTION_CHARS)
    with transaction.atomic():
        # One at a time, so that a double click sends one question and none exceeds the limit.
        User.objects.select_for_update(no_key=True).get(id=run.owner_id)
        if sent := CreatorQuestion.objects.filter(message=run.message_id).first():
            return sent
        if not may_be_sent(run, log.read(run.id)) or not taking_questions(run.owner, [run.gpt]):
            raise Refused(gettext("This question can’t be sent to the GPT’s creator."))
        _check_limits(run)
        return CreatorQuestion.objects.create(gpt=run.gpt, owner=run.owner, message=run.message, text=text)


def _check_limits(run: Run) -> None:
    to_gpt = CreatorQuestion.objects.filter(gpt=run.gpt)
    since = timezone.now() - timedelta(days=1)
    if to_gpt.filter(owner=run.owner_id, created__gte=since).count() >= MAX_PER_DAY:
        raise TooManyQuestions
    if to_gpt.filter(OPEN).count() >= MAX_OPEN:
        raise TooManyQuestions(gettext("The creator has too many open questions right now. Try again later."))


def _checked(text: str, limit: int) -> str:
    text = cleaned(text)
    if not text:
        raise Refused(gettext("Enter a text."))
    if len(text) > limit:
        raise Refused(too_long(text, limit))
    return text


def received(gpt: Gpt) -> QuerySet[CreatorQuestion]:
    """The questions to the creator of `gpt`, oldest first. `gpt` must come from `access_own_gpt`."""
    return gpt.creator_questions.exclude(text="").select_related("owner")


def access_received(user: Any, slug: str, question_id: UUID) -> CreatorQuestion:
    """A question to `user` about their GPT. Raises Http404, also when the person has deleted their chat."""
    question = received(access_own_gpt(user, slug)).filter(id=question_id).first()
    if question is None:
        raise Http404(gettext("Question not found. The person may have deleted their chat."))
    return question


def close(question: CreatorQuestion, answer: str | None) -> CreatorQuestion:
    """Answer the question, or dismiss it with None. Raises Refused if that was done before."""
    text = "" if answer is None else _checked(answer, ANSWER_CHARS)
    now = timezone.now()
    with transaction.atomic():
        still_open = CreatorQuestion.objects.filter(OPEN, id=question.id)
        if not still_open.update(answer=text, closed=now):
            raise Refused(gettext("This question was already answered or dismissed."))
        if text:  # so that the chat is at the top of the person's list
            Conversation.objects.filter(messages=question.message_id).update(changed=now)
    question.answer, question.closed = text, now
    return question


def mark_seen(questions: Iterable[CreatorQuestion]) -> None:
    """Note that the person has these answers on their page."""
    if ids := [each.id for each in questions if each.answer and not each.seen]:
        CreatorQuestion.objects.filter(id__in=ids).update(seen=True)
