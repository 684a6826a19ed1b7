"""The page that shows an operator which model runs here and what it can do."""

import tomllib
from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from web.accounts.requests import PersonRequest
from web.operate.models import OVERRIDABLE, MeasuredModel
from web.operate.services import current_model, override

_TITLES: Final = tomllib.loads(Path(__file__).with_name("titles.toml").read_text("utf-8"))
_CHOICES: Final = {"measured": None, "on": True, "off": False}


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def model(request: PersonRequest) -> HttpResponse:
    """The loaded model with its figures; POST overrides its abilities. 404 unless the user is an operator."""
    if not request.user.is_staff:
        raise Http404
    record = current_model()
    if request.method == "POST" and record:
        override(record, _changes(request))
        messages.success(request, "Saved. Workers use this within ten seconds.")
        return redirect("operate_model")
    context = {"record": record, "rows": _rows(record) if record else [], "figures": _figures(record)}
    return render(request, "operate/model.html", context)


def _changes(request: HttpRequest) -> dict[str, bool | None]:
    given = {name: request.POST.get(name, "") for name in OVERRIDABLE}
    return {name: _CHOICES[value] for name, value in given.items() if value in _CHOICES}


def _rows(record: MeasuredModel) -> list[dict[str, Any]]:
    choices = {value: choice for choice, value in _CHOICES.items()}
    return [
        {
            "name": name,
            "title": title,
            "help": help_text,
            "measured": record.measured.get(name),
            "override": choices[record.overrides.get(name)],
        }
        for name, (title, help_text) in _TITLES["abilities"].items()
    ]


def _figures(record: MeasuredModel | None) -> list[dict[str, Any]]:
    figures = record.figures if record else {}
    return [
        {"title": title, "right": figures[part]["right"], "cases": figures[part]["cases"]}
        for part, title in _TITLES["parts"].items()
        if figures.get(part, {}).get("cases")
    ]
