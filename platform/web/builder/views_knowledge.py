"""The page that shows a creator how healthy a GPT's knowledge is, and lets it be asked."""

from collections import Counter
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from web.builder import services
from web.builder.knowledge import QUESTION_CHARS, ask_knowledge, look_into, readings
from web.builder.models import Gpt, KnowledgeFile
from web.builder.views import wants_json
from web.rpc import NoResult


@login_required
@require_safe
def knowledge(request: HttpRequest, slug: str) -> HttpResponse:
    """The page, with what the rows say of each file; its script asks for the rest."""
    gpt = services.access_own_gpt(request.user, slug)
    return render(request, "builder/knowledge.html", page(gpt))


def page(gpt: Gpt) -> dict[str, Any]:
    """What the page is drawn from."""
    read = readings(gpt)
    files = [each.file for each in read]
    languages = Counter(each.language for each in read if each.language)
    return {
        "gpt": gpt,
        "readings": read,
        "ready": [file for file in files if file.segment],
        "n_undecided": sum(file.status == KnowledgeFile.Status.QUARANTINED for file in files),
        "n_pages": sum(file.n_pages for file in files if file.unit == "page"),
        "n_chunks": sum(file.n_chunks for file in files),
        "n_tokens": sum(file.n_tokens for file in files),
        "n_notices": sum(len(file.notices) for file in files),
        "languages": [name for name, _ in languages.most_common()],
        "question_chars": QUESTION_CHARS,
    }


@login_required
@require_safe
def health(request: HttpRequest, slug: str) -> HttpResponse:
    """What a worker found in the draft's files, as the part of the page that shows it."""
    gpt = services.access_own_gpt(request.user, slug)
    try:
        found = look_into(gpt)
    except NoResult as error:
        return JsonResponse({"error": str(error)}, status=503)
    html = render_to_string("builder/parts/health.html", {"gpt": gpt, "found": found})
    return JsonResponse({"html": html})


@login_required
@require_POST
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """What the draft's files hold for a question, as a part of the page or as the page."""
    gpt = services.access_own_gpt(request.user, slug)
    question = request.POST.get("question", "").replace("\x00", "")
    told: dict[str, Any] = {"question": question}
    status = 200
    try:
        told["answer"] = ask_knowledge(gpt, question)
    except ValidationError as error:
        told["error"], status = " ".join(error.messages), 400
    except NoResult as error:
        told["error"], status = str(error), 503
    if wants_json(request):
        html = render_to_string("builder/parts/asked.html", {"gpt": gpt, **told})
        return JsonResponse({"html": html, "error": told.get("error", "")}, status=status)
    return render(request, "builder/knowledge.html", {**page(gpt), **told}, status=status)
