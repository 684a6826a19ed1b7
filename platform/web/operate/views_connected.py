"""Operators' pages of models at servers."""

from typing import Any, Final

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from web.accounts.requests import PersonRequest
from web.engines import DEFAULT, answering, named
from web.operate import connecting
from web.operate.access import confirmed_first, operators_only
from web.operate.forms import ConnectedForm, ServerForm
from web.operate.models_connected import ConnectedModel, open_key, seal_key
from web.secrets import SecretLost

# In an operator's session: the server that they look at for a model, its sealed key and its models.
SERVER: Final = "model_server"


@operators_only
@require_http_methods(["GET", "POST"])
@confirmed_first
def connected_model(request: PersonRequest, name: str = "") -> HttpResponse:
    """Connect a model, or change the one called `name`: first its server, then, with `?models`, one of its models."""
    row = get_object_or_404(ConnectedModel, name=name) if name else ConnectedModel()
    server = request.session.get(SERVER, {}) if "models" in request.GET else {}
    if server.get("for") != name:
        server = {}
    is_server = request.method == "POST" and "url" in request.POST
    given = request.POST if is_server else None
    about_server = ServerForm(given, initial={"url": row.url}, has_key=bool(row.key))
    if is_server and about_server.is_valid() and _look(request, row, about_server):
        return redirect(f"{request.path}?models")
    if server:
        row.url, row.key, row.is_ready = server["url"], server["key"], True
    form = None
    if row.url:
        given = request.POST if request.method == "POST" and not is_server else None
        form = ConnectedForm(given, instance=row, names=server.get("models", [row.model]), is_found=bool(server))
        if form.is_valid() and _save(request, form):
            request.session.pop(SERVER, None)
            messages.success(request, gettext("Saved. Workers use this within seconds."))
            return redirect("operate_models")
    return render(request, "operate/connected.html", _context(name, row, form, about_server, bool(server)))


@operators_only
@require_POST
def check_connected(request: PersonRequest, name: str) -> HttpResponse:
    """Check what a model can do."""
    connecting.ask_check(get_object_or_404(ConnectedModel, name=name).name)
    return redirect(f"{reverse('operate_models')}#connected-{name}")


@operators_only
@require_POST
@reauthentication_required
def pick_connected(request: PersonRequest) -> HttpResponse:
    """Choose what answers for GPTs that name no model."""
    connecting.pick(request.POST.get("picked", ""), by=request.user)
    messages.success(request, gettext("Saved. Workers use this within seconds."))
    return redirect(f"{reverse('operate_models')}#connected")


@operators_only
@require_POST
@reauthentication_required
def import_engines_file(request: PersonRequest) -> HttpResponse:
    """Connect the models that `engines.toml` describes."""
    try:
        connecting.import_file(by=request.user)
        messages.success(request, gettext("Saved. Workers use this within seconds."))
    except ValidationError as error:
        messages.error(request, error.message)
    return redirect(f"{reverse('operate_models')}#connected")


@operators_only
@require_POST
@reauthentication_required
def remove_connected(request: PersonRequest, name: str) -> HttpResponse:
    """Forget a model at a server."""
    row = get_object_or_404(ConnectedModel, name=name)
    connecting.remove(row, by=request.user)
    messages.success(request, gettext("{title} was removed.").format(title=row.title))
    return redirect("operate_models")


def _save(request: PersonRequest, form: ConnectedForm) -> bool:
    """Whether the model was stored: another operator may have taken its title in the meantime."""
    try:
        with transaction.atomic():
            connecting.save(form.save(commit=False), by=request.user, check=form.cleaned_data.get("check", False))
            form.save_m2m()
    except IntegrityError:
        form.add_error("title", gettext("Another model has this title."))
        return False
    return True


def _look(request: PersonRequest, row: ConnectedModel, form: ServerForm) -> bool:
    """Whether the server of the form has models, which are then in the session. A key is kept for its server only."""
    url, typed = form.cleaned_data["url"], form.cleaned_data["key"]
    try:
        sealed = seal_key(typed or open_key(row.key, url), url)
    except SecretLost:
        sealed = ""
    try:
        models = connecting.models_at(url, sealed, by=request.user)
    except ValidationError as error:
        form.add_error("url", error)
        return False
    request.session[SERVER] = {"for": row.name, "url": url, "key": sealed, "models": models}
    return True


def _context(
    name: str, row: ConnectedModel, form: ConnectedForm | None, server: ServerForm, is_found: bool
) -> dict[str, Any]:
    n_gpts = connecting.n_gpts(name) if name else 0
    n_tokens = connecting.most_check_tokens(row.context_tokens)
    checking = {"check_tokens": round(n_tokens, -4), "check_cost": n_tokens * (row.input_price or 0) / 1e6 or None}
    return checking | {
        "row": row,
        "name": name,
        "form": form,
        "server": server,
        "is_found": is_found,
        "n_gpts": n_gpts,
        "instead": named(DEFAULT if answering("") == name else answering("")),
    }
