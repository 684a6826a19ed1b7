"""`/api` of moderation: report something, read and appeal decisions about one's own; the queue, for operators."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import INVALID, LISTED, OWN_LISTED
from web.api.operate import operator
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.moderation import cases
from web.moderation.models import TEXT_CHARS, Case, Report

router = Router(tags=["Reports"])
Words = Annotated[Text, Field(max_length=TEXT_CHARS)]
ReasonName = Literal["harmful", "hate", "sexual", "deceptive", "rights", "private", "other"]
DecisionName = Literal["none", "unlist", "withdraw", "remove", "suspend"]


class NewReport(RequestBody):
    """What you report: a GPT by its slug, a review by its id, or a shared chat by the token in its link."""

    kind: cases.Kind
    id: Annotated[Text, Field(min_length=1, max_length=200)]
    reason: ReasonName
    text: Words = ""


class FiledReport(Schema):
    """Your report, which only admins see."""

    id: int
    reason: str
    text: str
    created: datetime


class DecisionShape(Schema):
    """What was decided about something of yours, and your appeal."""

    id: UUID
    kind: str
    title: str
    decision: str
    note: str
    decided: datetime | None
    state: str = Field(description="decided, appealed or closed; for admins also open.")
    appeal: str
    answer: str
    reversed: bool = Field(description="Whether the appeal was granted.")


class CaseReport(Schema):
    """One person's report."""

    by: int = Field(validation_alias="owner_id", description="The id of the person.")
    reason: str
    text: str
    created: datetime


class CaseShape(DecisionShape):
    """Something that was reported, for admins."""

    owner: int = Field(validation_alias="owner_id", description="The id of the person whose it is.")
    reports: list[CaseReport]

    @staticmethod
    def resolve_reports(case: Case) -> list[Report]:
        return list(case.reports.all())


class NewDecision(RequestBody):
    """What follows, with a note for the owner."""

    decision: DecisionName
    note: Words = ""


class NewAppeal(RequestBody):
    """Why the decision is wrong."""

    text: Annotated[Text, Field(min_length=1, max_length=TEXT_CHARS)]


class AppealAnswer(RequestBody):
    """Whether the decision is taken back, with a note for the owner."""

    granted: bool
    note: Words = ""


@router.post("/reports", response={201: FiledReport, **INVALID})
def report_something(request: HttpRequest, body: NewReport) -> Status[Report]:
    """Report a GPT, a review or a shared chat to the admins of this site. A second report changes the first."""
    thing = cases.access_thing(caller(request), body.kind, body.id)
    return Status(201, cases.report(caller(request), thing, body.reason, body.text))


@router.get("/account/decisions", response={200: list[DecisionShape], **OWN_LISTED})
@paginate(Pages)
def list_decisions(request: HttpRequest) -> QuerySet[Case]:
    """What the admins decided about your GPTs, reviews and shared chats, newest first."""
    return cases.decided_about(caller(request))


@router.post("/account/decisions/{uuid:decision_id}/appeal", response={200: DecisionShape, **INVALID})
def appeal_decision(request: HttpRequest, decision_id: UUID, body: NewAppeal) -> Case:
    """Ask once for another decision."""
    return cases.appeal(caller(request), decision_id, body.text)


@router.get("/operate/reports", response={200: list[CaseShape], **LISTED})
@paginate(Pages)
def list_reports(request: HttpRequest) -> QuerySet[Case]:
    """What waits for a decision or an answer to an appeal, oldest first."""
    operator(request)
    return cases.queue()


@router.post("/operate/reports/{uuid:case_id}/decision", response={200: CaseShape, **INVALID})
def decide_report(request: HttpRequest, case_id: UUID, body: NewDecision) -> Case:
    """Decide what follows."""
    by = operator(request)
    return cases.decide(cases.access_case(case_id), body.decision, body.note, by)


@router.post("/operate/reports/{uuid:case_id}/appeal", response={200: CaseShape, **INVALID})
def answer_appeal(request: HttpRequest, case_id: UUID, body: AppealAnswer) -> Case:
    """Take the decision back, or keep it."""
    by = operator(request)
    return cases.answer_appeal(cases.access_case(case_id), grants=body.granted, note=body.note, by=by)
