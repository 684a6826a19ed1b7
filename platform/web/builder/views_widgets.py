"""The page on which creators put their GPT on other sites."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from web.builder import widgets
from web.builder.forms import LinesField
from web.builder.models import Gpt
from web.builder.models_widgets import Widget
from web.builder.views import of_own_gpt

FIELDS = ("is_on", "label", "colour", "side", "theme", "messages_a_day", "messages_a_visitor", "only_signed")


class WidgetForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the page sets. The sites are one to a line."""

    origins = LinesField(required=False)

    class Meta:
        model = Widget
        fields = FIELDS

    def clean_origins(self) -> list[str]:
        """The lines that are not empty."""
        return [line.strip() for line in self.cleaned_data["origins"].splitlines() if line.strip()]


@never_cache
@require_http_methods(["GET", "POST"])
@of_own_gpt
def embed(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """The form of the widget, with the code for other sites and the address of the page."""
    widget = widgets.widget_of(gpt)
    if request.method == "POST":
        form = WidgetForm(request.POST)
        if form.is_valid() and _saved(gpt, form):
            messages.success(request, "Saved.")
            return redirect("gpt_embed", gpt.slug)
    else:
        known = {name: getattr(widget, name) for name in FIELDS}
        form = WidgetForm(initial={**known, "origins": "\n".join(widget.origins)})
    shown = {"gpt": gpt, "form": form, "widget": Widget.objects.filter(gpt=gpt).first()}
    context = {**shown, "site_url": settings.SITE_URL, "secret": widgets.secret_of(widget)}
    return render(request, "builder/embed.html", context)


def _saved(gpt: Gpt, form: WidgetForm) -> bool:
    fields: dict[str, Any] = {name: form.cleaned_data[name] for name in (*FIELDS, "origins")}
    try:
        widgets.change(gpt, fields)
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            form.add_error(name if name in form.fields else None, texts)
        return False
    return True


@require_POST
@of_own_gpt
def new_secret(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """Replace the secret with which the other site says who its visitors are."""
    widgets.new_secret(gpt)
    messages.success(request, gettext("New secret. Tokens made with the old one no longer work."))
    return redirect("gpt_embed", gpt.slug)
