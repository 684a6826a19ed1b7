"""Operators' pages: the models of this site, and what the loaded one can do."""

import tomllib
from pathlib import Path
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gpts.spec.ability import READS_TOKENS
from gpts.spec.base_models import MAX_NAME_CHARS
from web import rpc
from web.accounts.requests import PersonRequest
from web.engines import DEFAULT, MOST_READS, READS, engines
from web.operate import connecting
from web.operate.access import operators_only
from web.operate.changes import Action, change
from web.operate.listing import DISMISSED, find_row, model_page
from web.operate.models import OVERRIDABLE, MeasuredModel
from web.operate.models_connected import ConnectedModel
from web.operate.services import current_model, measure_again, override

_TITLES: Final = tomllib.loads(Path(__file__).with_name("titles.toml").read_text("utf-8"))
_CHOICES: Final = {"measured": None, "on": True, "off": False}


@operators_only
@require_safe
def models(request: PersonRequest) -> HttpResponse:
    """All models with their downloads; `?part` is the list alone, with which the page updates itself."""
    template = "operate/parts/model_list.html" if "part" in request.GET else "operate/models.html"
    return render(
        request, template, {"models": model_page(), "max_name_chars": MAX_NAME_CHARS, "embedder": settings.EMBEDDER}
    )


@operators_only
@require_POST
def change_models(request: PersonRequest, action: str) -> HttpResponse:
    """Look up, download, stop, use or remove the model `name`, or dismiss the offer of one."""
    name = request.POST.get("name", "").strip()
    if action == "dismiss":
        request.session[DISMISSED] = name
        return redirect("store")
    before = find_row(name)
    try:
        change(cast(Action, action), name, request.GET.get("licence", ""), by=request.user)
    except (ValidationError, rpc.NoResult) as error:
        messages.error(request, getattr(error, "message", str(error)))
    row = find_row(name) or before
    return redirect(reverse("operate_models") + (f"#{row.anchor}" if row else ""))


@operators_only
@require_http_methods(["GET", "POST"])
def model(request: PersonRequest, name: str = "") -> HttpResponse:
    """The loaded model, or the connected one called `name`, with its figures.

    POST overrides its abilities, or has those of the loaded one checked again after a failure.
    """
    row = get_object_or_404(ConnectedModel.objects.select_related("record"), name=name) if name else None
    record = connecting.measured_of(row) if row else current_model()
    if request.method == "POST" and record and "check" in request.POST:
        measure_again(record)
        messages.success(request, gettext("The check starts within ten seconds."))
        return redirect(request.path)
    if request.method == "POST" and record:
        if row:
            connecting.override(row, _changes(request), by=request.user)
        else:
            override(record, _changes(request), by=request.user)
        messages.success(request, gettext("Saved. Workers use this within ten seconds."))
        return redirect(request.path)
    rows = _rows(record) if record else []
    context = {"record": record, "row": row, "rows": rows, "figures": _figures(record)}
    return render(request, "operate/model.html", context | _reading(record, name or DEFAULT))


def _changes(request: HttpRequest) -> dict[str, int | None]:
    given = {name: request.POST.get(name, "") for name in OVERRIDABLE}
    changes: dict[str, int | None] = {name: _CHOICES[value] for name, value in given.items() if value in _CHOICES}
    number = request.POST.get(READS)
    if number is not None:
        changes[READS] = min(int(number), MOST_READS) if number.isdecimal() else None
    return changes


def _reading(record: MeasuredModel | None, engine: str) -> dict[str, Any]:
    """How long files the model reads whole, and what the check took, in tokens and dollars."""
    measured = record.measured.get(READS) if record else None
    tokens = record.figures.get("tokens") if record else None
    return {
        "reads_measured": measured,
        "reads_default": READS_TOKENS if measured is None else measured,
        "reads_override": record.overrides.get(READS) if record else None,
        "check_tokens": tokens,
        "check_cost": engines()[engine].cost(tokens["read"], tokens["written"]) if tokens else None,
    }


def _rows(record: MeasuredModel) -> list[dict[str, Any]]:
    choices = {value: choice for choice, value in _CHOICES.items()}
    return [
        {
            "name": name,
            "title": gettext(title),
            "help": gettext(help_text),
            "measured": record.measured.get(name),
            "override": choices[record.overrides.get(name)],
        }
        for name, (title, help_text) in _TITLES["abilities"].items()
    ]


def _figures(record: MeasuredModel | None) -> list[dict[str, Any]]:
    figures = record.figures if record else {}
    return [
        {"title": gettext(title), **figures[part], "wrong": _wrong(figures[part])}
        for part, title in _TITLES["parts"].items()
        if figures.get(part, {}).get("cases")
    ]


def _wrong(figure: dict[str, Any]) -> list[dict[str, str]]:
    """The wrong cases with their answers; old measurements only have their ids."""
    return [each for each in figure.get("wrong", ()) if isinstance(each, dict)]
