"""Questions that a GPT did not answer: sent to its creator, and answered by them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.api.shapes_runs import CreatorQuestionShape, OrNull
from web.builder.access import access_own_gpt
from web.runs import creator_questions
from web.runs.access import access_run
from web.runs.creator_questions import ANSWER_CHARS, QUESTION_CHARS, access_received
from web.runs.models import CreatorQuestion

router = Router(tags=["Questions to creators"])


class NewQuestion(RequestBody):
    """A question to the creator of a GPT. They get this text and your name."""

    text: Annotated[Text, Field(min_length=1, max_length=QUESTION_CHARS)]


class NewAnswer(RequestBody):
    """The answer to a question."""

    answer: Annotated[Text, Field(min_length=1, max_length=ANSWER_CHARS)]


class ReceivedQuestion(Schema):
    """A question that your GPT did not answer. It was dismissed if it is closed and has no answer."""

    id: UUID
    name: str = Field(validation_alias="owner.shown_name", description="Who asked.")
    text: str
    created: datetime
    answer: OrNull
    closed: datetime | None


@router.post(
    "/runs/{uuid:run_id}/creator-question", response={201: CreatorQuestionShape, **INVALID, 429: INVALID[400]}
)
def ask_creator(request: HttpRequest, run_id: UUID, new: NewQuestion) -> Status[CreatorQuestion]:
    """Send the question of your declined run to the GPT's creator, where they take questions.

    If one was sent before, that one is returned.
    """
    return Status(201, creator_questions.send(access_run(caller(request), run_id), new.text))


@router.get("/gpts/{slug}/questions", response={200: list[ReceivedQuestion], **LISTED})
@paginate(Pages, oldest_first=True)
def list_questions(request: HttpRequest, slug: str, open: bool | None = None) -> QuerySet[CreatorQuestion]:
    """The questions about your GPT, oldest first: all, or those that are open or not."""
    found = creator_questions.received(access_own_gpt(caller(request), slug))
    return found if open is None else found.filter(closed__isnull=open)


@router.post("/gpts/{slug}/questions/{uuid:question_id}", response={200: ReceivedQuestion, **INVALID})
def answer_question(request: HttpRequest, slug: str, question_id: UUID, new: NewAnswer) -> CreatorQuestion:
    """Answer a question. The person sees your answer and your name in their chat."""
    return creator_questions.close(access_received(caller(request), slug, question_id), new.answer)


@router.delete("/gpts/{slug}/questions/{uuid:question_id}", response={204: None, **DENIED, 400: INVALID[400]})
def dismiss_question(request: HttpRequest, slug: str, question_id: UUID) -> Status[None]:
    """Dismiss a question without an answer."""
    creator_questions.close(access_received(caller(request), slug, question_id), None)
    return Status(204, None)
