"""The page that shows a creator how much a GPT is used."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from web.builder.services import access_own_gpt
from web.runs.usage import usage_of

PERIODS = (7, 30, 90)


@login_required
@require_safe
def usage(request: HttpRequest, slug: str) -> HttpResponse:
    """The usage of one's own GPT over one of PERIODS, in days."""
    gpt = access_own_gpt(request.user, slug)
    chosen = request.GET.get("days", "")
    days = next((period for period in PERIODS if str(period) == chosen), 30)
    return render(request, "runs/usage.html", {"gpt": gpt, "usage": usage_of(gpt, days), "periods": PERIODS})
