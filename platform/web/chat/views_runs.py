"""Pages and fragments about one run: its answer, what its citations open, and its trace."""

from functools import partial
from typing import Any, get_args
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gpts.runs.form_answers import InvalidAnswers
from web.builder.views import wants_json
from web.chat.approvals import cards
from web.chat.sources import shown_blocks
from web.chat.tree import shown_tree
from web.chat.turns import reply_of
from web.chat.views import page_at, why_read_only
from web.chat.views_send import for_people_signed_in
from web.runs import approving, creator_questions, feedback
from web.runs.access import access_run
from web.runs.app_calls import access_app
from web.runs.approving import FormAction
from web.runs.citations import Cited, ShownPage, access_citation, page_view, view, where
from web.runs.errors import NotShown, Refused, RunOver
from web.runs.files import access_file
from web.runs.inputs_of import sent_with
from web.runs.models import Run
from web.runs.trees import delegated_by, tree_of
from web.runs.views import answered
from web.worker_texts import said


@never_cache
@require_safe
def turn(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A run's answer as a fragment, as on the page of its chat. 404 for anyone but the run's owner."""
    run = access_run(request.user, run_id)
    conversation = run.message.conversation
    context = {"reply": reply_of(run), "conversation": conversation, "gpt": conversation.gpt}
    context["read_only"] = why_read_only(request.user, conversation)
    return render(request, "chat/reply.html", context)


@never_cache
@require_safe
def part(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A run's steps and answer as a fragment. 404 for anyone but the run's owner."""
    return render(request, "chat/part.html", _part(access_run(request.user, run_id)))


@never_cache
@require_safe
def app(request: HttpRequest, run_id: UUID, call_id: str) -> HttpResponse:
    """The page of a server that shows the result of this call, and what it is given, as JSON that nothing runs."""
    _, shown = access_app(request.user, run_id, call_id)
    file = access_file(request.user, UUID(shown.file_id))
    return HttpResponse(file.path.read_bytes(), content_type="application/json")


@never_cache
@login_required
@require_safe
def part_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The same as a page; a run that a person started in a chat is shown in that chat."""
    run = access_run(request.user, run_id)
    chat_url = _chat_of(run)
    if run.root_id is None and chat_url:
        return redirect(chat_url)
    context = {"delegators": delegated_by(run)[::-1], "chat_url": chat_url, "root_id": run.root_id or run.id}
    return render(request, "chat/part_page.html", {**_part(run), **context})


@never_cache
@login_required
@require_safe
def tree(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The trace of a run. With `?part`, only the fragment that changes while it is in progress."""
    run = access_run(request.user, run_id)
    context = {"tree": shown_tree(tree_of(run)), "chat_url": _chat_of(run)}
    context["top_url"] = reverse("run_tree", args=[run.root_id]) if run.root_id else ""
    return render(request, "chat/tree_part.html" if "part" in request.GET else "chat/tree.html", context)


@require_POST
@for_people_signed_in
def ask_creator(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Send a declined question to the creator of the GPT. 404 for anyone but the run's owner."""
    run = access_run(request.user, run_id)
    try:
        creator_questions.send(run, request.POST.get("text", ""))
    except Refused as error:
        if wants_json(request):
            raise
        messages.error(request, str(error))
    if not wants_json(request):
        return redirect("chat", run.message.conversation_id)
    context = {"reply": reply_of(run), "run": run}
    return JsonResponse({"html": render_to_string("chat/creator_question.html", context, request)})


@require_POST
@for_people_signed_in
def answer_form(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Answer the form of a call, decline it ("decline") or close it ("cancel"). 404 for anyone but the run's owner.

    Answers that don't fit are shown again with what is wrong with them.
    """
    run, post = access_run(request.user, run_id), request.POST
    call_id = post.get("call_id", "")
    action = next((each for each in get_args(FormAction) if each == post.get("action")), None)
    try:
        if action is None:
            raise Refused(gettext("Send the answers, decline, or close the form."))
        approving.answer_form(run, call_id, action, partial(sent_with, post=post), post.get("digest", ""))
    except InvalidAnswers as invalid:
        return _corrected(request, run, call_id, invalid)
    except (Refused, RunOver) as error:
        return answered(request, run, {"error": str(error)}, 409)
    return answered(request, run, {"action": action}, 200)


def _corrected(request: HttpRequest, run: Run, call_id: str, invalid: InvalidAnswers) -> HttpResponse:
    shown = next(each for each in cards(run) if each.request.call_id == call_id and each.request.form)
    assert shown.request.form
    shown = shown.corrected(sent_with(shown.request.form, request.POST), invalid)
    if wants_json(request):
        return JsonResponse({"error": shown.faults, "fields": invalid.errors}, status=422)
    return render(request, "chat/form_page.html", {"card": shown, "chat_url": _chat_of(run)}, status=422)


@require_POST
@for_people_signed_in
def give_feedback(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Rate an answer ("good" or "bad"), say more about it, or take the rating back ("none")."""
    run, sent = access_run(request.user, run_id), request.POST
    rating, is_form = sent.get("rating", ""), "text" in sent
    if rating == "none":
        feedback.take_back(run)
    elif rating in ("good", "bad"):
        shows_chat = sent.get("shows_chat") == "true"
        feedback.give(run, rating == "good", sent.getlist("reasons"), sent.get("text", ""), shows_chat)
    else:
        raise Refused(gettext("Rate the answer “good” or “bad”."))
    if not wants_json(request):
        return redirect(page_at(run.message.conversation_id, run.id))
    run = access_run(request.user, run_id)
    context = {"reply": reply_of(run), "run": run, "open": rating == "bad" and not is_form}
    return JsonResponse({"html": render_to_string("chat/feedback.html", context, request)})


def _part(run: Run) -> dict[str, Any]:
    return {"reply": reply_of(run), "conversation": run.message.conversation, "gpt": run.gpt}


def _chat_of(run: Run) -> str:
    """The URL of the chat in which the run's trace began; empty if that was not a chat."""
    conversation = (run.root or run).message.conversation
    return reverse("chat", args=[conversation.id]) if conversation.is_chat else ""


@never_cache
@require_safe
def source(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    """The quote of a citation within its file. 404 for anyone but the run's owner."""
    return render(request, "chat/source_view.html", _source(access_citation(request.user, run_id, number)))


@never_cache
@login_required
@require_safe
def run_source(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    """The same as a page, to which the citations that programs get lead."""
    context = _source(access_citation(request.user, run_id, number))
    return render(request, "chat/source.html", context)


def _source(cited: Cited) -> dict[str, Any]:
    seen = view(cited)
    return {
        "cited": cited,
        "where": where(cited.citation),
        "blocks": shown_blocks(seen.section, {cited.number: (cited.citation.start, cited.citation.end)}),
        "section": seen.section,
        "figures": [_figure(cited, page) for page in seen.pages],
        "trouble": said(seen.trouble),
    }


@never_cache
@require_safe
def source_page(request: HttpRequest, run_id: UUID, number: int, page: int) -> HttpResponse:
    """A page of the cited file. 404 unless the reader may see it."""
    cited = access_citation(request.user, run_id, number)
    try:
        shown = page_view(cited, page)
    except NotShown as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    return render(request, "chat/source_page.html", {"figure": _figure(cited, shown)})


def _figure(cited: Cited, page: ShownPage) -> dict[str, Any]:
    """A page of the file for its template, with the pages before and after it that the reader may see."""
    turns = {"before": page.page - 1, "after": page.page + 1}
    allowed = {name: to for name, to in turns.items() if cited.may_see(to)}
    return {"page": page, "is_cited": page.page in cited.pages, "cited": cited, **allowed}
