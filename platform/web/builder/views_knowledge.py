"""The page about the health of a GPT's knowledge, on which its creator can also test a question."""

from collections import Counter
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder.knowledge import QUESTION_CHARS, ask_knowledge, read_health, readings
from web.builder.models import Gpt
from web.builder.views import of_draft, wants_json
from web.rpc import NoResult


@require_safe
@of_draft
def knowledge(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """The page with the figures of each file; its script loads `health`."""
    return render(request, "builder/knowledge.html", page(gpt))


def page(gpt: Gpt) -> dict[str, Any]:
    """The page's template context."""
    read = readings(gpt.files.filter(removed=None))
    files = [each.file for each in read]
    languages = Counter(each.language for each in read if each.language)
    return {
        "gpt": gpt,
        "readings": read,
        "ready": [file for file in files if file.segment],
        "n_undecided": sum(bool(file.undecided) for file in files),
        "n_pages": sum(file.n_pages for file in files if file.unit == "page"),
        "n_chunks": sum(file.n_chunks for file in files),
        "n_tokens": sum(file.n_tokens for file in files),
        "n_notices": sum(len(file.notices) for file in files),
        "languages": [name for name, _ in languages.most_common()],
        "question_chars": QUESTION_CHARS,
    }


@require_safe
@of_draft
def health(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """What a worker found in the draft's files, as HTML for the page."""
    try:
        found = read_health(gpt, request.user)
    except NoResult as error:
        return JsonResponse({"error": str(error)}, status=503)
    html = render_to_string("builder/parts/health.html", {"gpt": gpt, "found": found})
    return JsonResponse({"html": html})


@require_POST
@of_draft
def ask(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """The passages that the draft's files have for a question, as a fragment or as the page."""
    question = request.POST.get("question", "").replace("\x00", "")
    context: dict[str, Any] = {"question": question}
    status = 200
    try:
        context["answer"] = ask_knowledge(gpt, question, request.user)
    except ValidationError as error:
        context["error"], status = " ".join(error.messages), 400
    except NoResult as error:
        context["error"], status = str(error), 503
    if wants_json(request):
        html = render_to_string("builder/parts/asked.html", {"gpt": gpt, **context})
        return JsonResponse({"html": html, "error": context.get("error", "")}, status=status)
    return render(request, "builder/knowledge.html", {**page(gpt), **context}, status=status)
