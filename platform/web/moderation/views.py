"""Pages to report something, and to read and appeal decisions about one's own."""

from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from web.accounts.models import User
from web.accounts.requests import PersonRequest
from web.accounts.suspended import person_of
from web.attempts import attempt
from web.moderation import cases
from web.moderation.models import TEXT_CHARS, Case, Reason
from web.store.reviews import access_review

REASONS: Final = {
    Reason.HARMFUL: gettext_noop("Harmful or illegal"),
    Reason.HATE: gettext_noop("Hateful or harassing"),
    Reason.SEXUAL: gettext_noop("Sexual content"),
    Reason.DECEPTIVE: gettext_noop("Scam, spam or misleading"),
    Reason.RIGHTS: gettext_noop("Uses somebody’s work or name without permission"),
    Reason.PRIVATE: gettext_noop("Shows private data"),
    Reason.OTHER: gettext_noop("Something else"),
}
DECISIONS: Final = {
    Case.Decision.UNLIST: gettext_noop("Withdrawn from the store"),
    Case.Decision.WITHDRAW: gettext_noop("Withdrawn: only you can use it"),
    Case.Decision.REMOVE: gettext_noop("Removed"),
    Case.Decision.SUSPEND: gettext_noop("Your account was suspended"),
}


@login_required
@require_http_methods(["GET", "POST"])
def report_gpt(request: PersonRequest, slug: str) -> HttpResponse:
    """The form to report a GPT; POST sends it."""
    thing = cases.access_thing(request.user, "gpt", slug)
    return _form(request, thing, thing["gpt"].live.name, reverse("gpt", args=[slug]))


@login_required
@require_http_methods(["GET", "POST"])
def report_chat(request: PersonRequest, token: str) -> HttpResponse:
    """The form to report a shared chat; POST sends it."""
    thing = cases.access_thing(request.user, "chat", token)
    return _form(request, thing, str(thing["share"].conversation), reverse("shared_chat", args=[token]))


def _form(request: PersonRequest, thing: cases.Thing, name: str, back: str) -> HttpResponse:
    posted = request.POST
    if request.method == "POST" and _reported(request, thing, posted.get("reason", ""), posted.get("text", "")):
        return redirect(back)
    reasons = [(value, gettext(title)) for value, title in REASONS.items()]
    context = {"name": name, "back": back, "reasons": reasons, "text_chars": TEXT_CHARS, "posted": posted}
    return render(request, "moderation/report.html", context)


@login_required
@require_POST
def report_review(request: PersonRequest, review_id: UUID) -> HttpResponse:
    """Report a review, with a reason in one's own words."""
    review = access_review(request.user, review_id)
    thing = {"review": review, "owner": review.owner}
    _reported(request, thing, Reason.OTHER, request.POST.get("reason", ""))
    return redirect(f"{reverse('gpt_reviews', args=[review.gpt.slug])}#review-{review.id}")


def _reported(request: PersonRequest, thing: cases.Thing, reason: str, text: str) -> bool:
    done = gettext("Reported to the admins of this site.")
    return attempt(request, lambda: cases.report(request.user, thing, reason, text), done)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def suspended(request: HttpRequest, token: str) -> HttpResponse:
    """What was decided about a suspended person, by their link; POST appeals once."""
    person = person_of(token)
    if person is None:
        return render(request, "moderation/suspended.html", status=410)
    about = cases.decided_about(person).filter(decision=Case.Decision.SUSPEND)
    if request.method == "POST":
        case = next((each for each in about if str(each.pk) == request.POST.get("decision")), None)
        if case is None or person.is_active:
            raise Http404(gettext("Decision not found."))
        _appeal(request, person, case.pk)
        return redirect("suspended", token)
    context = {"person": person, "token": token, "decisions": _shown(about), "text_chars": TEXT_CHARS}
    if not person.is_active:
        cases.mark_seen(person)
    return render(request, "moderation/suspended.html", context)


def _shown(about: QuerySet[Case]) -> list[tuple[Case, str]]:
    return [(case, gettext(DECISIONS[Case.Decision(case.decision)])) for case in about]


@login_required
@require_safe
def decisions(request: PersonRequest) -> HttpResponse:
    """What was decided about one's GPTs, reviews and shared chats."""
    shown = _shown(cases.decided_about(request.user))
    cases.mark_seen(request.user)
    return render(request, "moderation/decisions.html", {"decisions": shown, "text_chars": TEXT_CHARS})


@login_required
@require_POST
def appeal(request: PersonRequest, decision_id: UUID) -> HttpResponse:
    """Ask once for another decision."""
    _appeal(request, request.user, decision_id)
    return redirect("decisions")


def _appeal(request: HttpRequest, person: User, decision_id: UUID) -> None:
    text, done = request.POST.get("text", ""), gettext("Your appeal was sent to the admins.")
    attempt(request, lambda: cases.appeal(person, decision_id, text), done)
