"""What the site has to send: webhooks of operators and creators, and deliveries. `accounts/outbox.py` writes them."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

URL_CHARS = 1_000


class Webhook(models.Model):
    """A URL that is told of `events`: for operators acts of the audit log, with a `gpt` what happens to it.

    `secret` (encrypted) signs what is sent. `n_failed`: tries in a row that failed, `failing` since the first of
    them. It is told nothing once it is `stopped`: by itself if there is `stopped_why`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey("builder.Gpt", models.CASCADE, null=True, blank=True, related_name="webhooks")
    url = models.CharField("URL", max_length=URL_CHARS)
    secret = models.TextField(editable=False)
    events = models.JSONField(default=list)
    n_failed = models.PositiveSmallIntegerField(default=0, editable=False)
    failing = models.DateTimeField(null=True, blank=True, editable=False)
    stopped = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_why = models.TextField(blank=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created", "-id"]

    def __str__(self) -> str:
        return self.url

    @property
    def bound_to(self) -> str:
        """The row to which its encrypted secret belongs."""
        return f"webhook:{self.id}:{self.gpt_id or 'site'}"


class Delivery(models.Model):
    """Something to send: what a schedule has for its owner, a call of a `webhook`, or a notice to a `person`.

    `event` says what happened, `facts` are ids for it. `about` is what a person is told of at most once, `lane` whose
    turn it takes. `next_try` is null once it was sent or given up. Whoever sends it moves `next_try` on first, so
    that a worker killed meanwhile delays it and never loses it.
    """

    class Event(models.TextChoices):
        """What schedules send."""

        FINISHED = "finished"
        APPROVAL = "approval"
        PAUSED = "paused"

    class Kind(models.TextChoices):
        """How it is sent."""

        MAIL = "mail"
        WEBHOOK = "webhook"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scheduled = models.ForeignKey(
        "schedules.ScheduledRun", models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    webhook = models.ForeignKey(Webhook, models.CASCADE, null=True, blank=True, related_name="deliveries")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    event = models.CharField(max_length=40)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    facts = models.JSONField(default=dict)
    about = models.CharField(max_length=80, blank=True)
    lane = models.CharField(max_length=60, blank=True)
    created = models.DateTimeField(default=timezone.now)
    next_try = models.DateTimeField(null=True, blank=True, default=timezone.now)
    n_tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    sent = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["next_try"], condition=~models.Q(next_try=None), name="delivery_due"),
            models.Index(fields=["webhook", "-created"], name="deliveries_of_webhook"),
            models.Index(fields=["created"], name="delivery_created"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scheduled", "event", "kind"], name="delivery_once"),
            models.UniqueConstraint(
                fields=["person", "event", "about"], condition=~models.Q(person=None), name="notice_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.event}"

    @property
    def state(self) -> str:
        """sent, waiting or failed."""
        return "sent" if self.sent else "waiting" if self.next_try else "failed"
