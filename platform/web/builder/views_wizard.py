"""The answers of the wizard on the Create tab."""

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from gpts.spec.gpt import UNTITLED
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.builder import services, wizard
from web.builder.forms import GptForm, NewGptForm
from web.builder.models import Gpt
from web.builder.views import of_draft, render_form


def wizard_url(slug: str, key: str) -> str:
    """The URL of a question of the wizard."""
    return f"{reverse('gpt_edit', args=[slug])}?tab=create&step={key}"


def begin(request: PersonRequest) -> HttpResponse:
    """Make a draft of the answer to the first question, and ask the next."""
    text = request.POST.get("text", "")
    try:
        _check_taken_back(request, "purpose")
        fields = wizard.fields_for("purpose", [text], is_sure=_is_sure(request))
        gpt = services.create_gpt(request.user, {"name": UNTITLED, **fields})
    except (wizard.Unanswered, QuotaExceeded, ValidationError) as error:
        fault = str(error) if isinstance(error, wizard.Unanswered) else " ".join(error.messages)
        kind = "asks" if isinstance(error, wizard.Unsure) else "fault"
        insists = isinstance(error, wizard.NoAnswer)
        context = {"form": NewGptForm(), "guided": True, "text": text, kind: fault, "insists": insists}
        return render(request, "builder/new.html", context)
    return redirect(wizard_url(gpt.slug, "name"))


def _is_sure(request: PersonRequest) -> bool:
    return request.POST.get("sure") == "yes"


def _check_taken_back(request: PersonRequest, step: str) -> None:
    """Raises Unanswered if the person says that what they sent is no answer."""
    if request.POST.get("sure") == "no":
        raise wizard.NoAnswer(gettext(wizard.BY_KEY[step].fault))


@require_POST
@of_draft
def answer(request: PersonRequest, gpt: Gpt, step: str) -> HttpResponse:
    """Store the answer to a question and ask the next, or ask again."""
    if step not in wizard.BY_KEY:
        raise Http404("There is no such question.")
    sent, changes = request.POST.getlist("value"), "change" in request.POST
    try:
        _check_taken_back(request, step)
        wizard.answer(gpt, step, sent, by=request.user, is_sure=_is_sure(request))
    except wizard.Unanswered as refusal:
        asked = wizard.page_of(gpt, step, changes, sent, refusal)
        return render_form(request, gpt, GptForm(gpt, request.user), asked=asked)
    return redirect(wizard_url(gpt.slug, wizard.page_of(gpt, step, changes).after))
