"""The creator's page of questions that their GPT did not answer."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from web.attempts import attempt
from web.builder.access import access_own_gpt
from web.runs.creator_questions import ANSWER_CHARS, OPEN, access_received, close, received
from web.runs.errors import Refused

# Answered and dismissed questions on the page, the latest ones.
N_CLOSED = 20


@never_cache
@login_required
@require_safe
def questions(request: HttpRequest, slug: str) -> HttpResponse:
    """The questions to the creator of a GPT: the open ones, then the last ones closed."""
    gpt = access_own_gpt(request.user, slug)
    found = received(gpt)
    context = {
        "gpt": gpt,
        "open": found.filter(OPEN),
        "closed": found.exclude(OPEN).order_by("-closed")[:N_CLOSED],
        "answer_chars": ANSWER_CHARS,
    }
    return render(request, "runs/questions.html", context)


@login_required
@require_POST
def answer_question(request: HttpRequest, slug: str, question_id: UUID) -> HttpResponse:
    """Answer or dismiss a question."""
    question = access_received(request.user, slug, question_id)
    is_dismissed = request.POST.get("action") == "dismiss"
    answer = None if is_dismissed else request.POST.get("answer", "")
    sent = gettext("Answer sent to {shown_name}.").format(shown_name=question.owner.shown_name)
    done = gettext("Question dismissed.") if is_dismissed else sent
    attempt(request, lambda: close(question, answer), done, Refused)
    return redirect("gpt_questions", slug)
