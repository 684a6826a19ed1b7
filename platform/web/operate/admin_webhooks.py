"""The console's webhooks: URLs that are told of chosen acts of the audit log, with ids only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from web.accounts import webhooks
from web.accounts.models_outbox import Webhook
from web.operate.site import OperatorAdmin, operators, person_of


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A URL, and what it is told of."""

    url = forms.CharField(
        label="URL", max_length=1000, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://"})
    )
    events = forms.MultipleChoiceField(
        label="Tell it of",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "checks"}),
        help_text="Acts of the audit log. It gets their kind, time, ids and numbers, no names and no texts.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["events"].choices = list(webhooks.events_of(None).items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse more webhooks than there can be."""
        if self.instance._state.adding and webhooks.of(None).count() >= webhooks.MOST:
            raise ValidationError(f"There can be {webhooks.MOST} webhooks here.")
        return self.cleaned_data

    def clean_url(self) -> str:
        """The URL of a website."""
        url: str = self.cleaned_data["url"]
        webhooks.check_url(url)
        return url


@admin.register(Webhook, site=operators)
class WebhookAdmin(OperatorAdmin):
    """Operators' webhooks; those of creators are on the pages of their GPTs. `webhooks` records what is done."""

    section, icon = "Site", "webhook"
    may_add, may_delete = True, True
    form = WebhookForm
    list_display = ("url", "state", "n_events", "created")
    ordering = ("-created", "-id")
    fields = ("url", "events")
    change_form_outer_before_template = "operate/webhook_acts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Those of the site."""
        return super().get_queryset(request).filter(gpt=None)

    @display(description="State", label={"On": "success", "Failing": "warning", "Stopped": "danger"})
    def state(self, hook: Webhook) -> str:
        """One word for it."""
        return "Stopped" if hook.stopped else "Failing" if hook.n_failed else "On"

    @display(description="Acts")
    def n_events(self, hook: Webhook) -> int:
        """Of how many kinds it is told."""
        return len(hook.events)

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        """Save it; of a new one, show the secret."""
        given, by = form.cleaned_data, person_of(request)
        if change:
            webhooks.change(obj, by, given["url"], given["events"])
            return
        made, key = webhooks.create(None, given["url"], given["events"], by)
        obj.pk = made.pk
        obj.refresh_from_db()
        self._show(request, key)

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        """Delete it."""
        webhooks.remove(obj, person_of(request))

    def _show(self, request: HttpRequest, key: str) -> None:
        messages.success(request, f"Copy the signing key now, it isn’t shown again: {key}")

    def response_add(self, request: HttpRequest, obj: Webhook, post_url_continue: str | None = None) -> HttpResponse:
        """On to its page."""
        return redirect("admin:accounts_webhook_change", obj.pk)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """With what can be done, and the last deliveries."""
        hook = self.get_object(request, object_id)
        rows = webhooks.deliveries(hook)[: webhooks.N_SHOWN] if hook else ()
        context = {**(extra_context or {}), "hook": hook, "deliveries": rows, "acts": self._acts(hook)}
        return super().change_view(request, object_id, form_url, context)

    def _acts(self, hook: Webhook | None) -> list[tuple[str, str]]:
        first = [("resume", "Resume")] if hook and hook.stopped else [("test", "Send a test"), ("stop", "Stop")]
        return [*first, ("secret", "Replace the signing key")]

    def own_urls(self) -> list[URLPattern]:
        """One to do something."""
        return [self.posted("<uuid:webhook_id>/act/<slug:act>/", self.act_view, "webhook_act")]

    def act_view(self, request: HttpRequest, webhook_id: Any, act: str) -> HttpResponse:
        """Do one of ACTS."""
        hook = webhooks.access(None, webhook_id)
        if act not in webhooks.ACTS or act == "remove":
            raise Http404
        try:
            done = webhooks.ACTS[act](hook, person_of(request))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            if act == "secret":
                self._show(request, done)
        return redirect("admin:accounts_webhook_change", webhook_id)
