"""The tables of schedules: what runs when, what became of each time, and where its result is sent."""

import uuid
from typing import Any, ClassVar

from django.db import models

from web.accounts.models import User
from web.builder.models import Gpt
from web.runs.models import Conversation, Run
from web.runs.trees import status_of_tree

NAME_CHARS = 80


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Every read on a person's behalf goes through `visible_to`."""

    def visible_to(self, user: Any) -> "ScheduleQuerySet":
        """The schedules of `user`, never another person's."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


class Schedule(models.Model):
    """A message that a person has sent to a GPT at certain times, or whenever its webhook is called.

    It is paused if `paused` is set, by itself if `paused_why` is. `next_at` is null while it is paused, and for a
    webhook. `conversation` is the chat with its results; null before the first. `hash` is that of the webhook's
    secret, `callback_secret` (encrypted) signs what is sent to `callback_url`.
    """

    class Trigger(models.TextChoices):
        """What starts it."""

        TIME = "time"
        WEBHOOK = "webhook"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="schedules")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=NAME_CHARS)
    text = models.TextField()
    inputs = models.JSONField(default=dict, blank=True, help_text="Values of the GPT’s inputs, by name.")
    trigger = models.CharField(max_length=7, choices=Trigger.choices, default=Trigger.TIME)
    cron = models.CharField(max_length=100, blank=True, help_text="Five fields, as in a crontab.")
    time_zone = models.CharField(max_length=64)
    next_at = models.DateTimeField(null=True, blank=True)
    paused = models.DateTimeField(null=True, blank=True)
    paused_why = models.TextField(blank=True)
    n_failed = models.PositiveSmallIntegerField(default=0, help_text="How often in a row.")
    hash = models.CharField(max_length=64, blank=True)
    mails = models.BooleanField(default=False, help_text="Results are also sent to the owner's email address.")
    callback_url = models.CharField(max_length=1000, blank=True)
    callback_secret = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=1, help_text="Counts its owner's changes.")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[ScheduleQuerySet] = ScheduleQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created", "-id"]
        indexes = [
            models.Index(fields=["next_at"], condition=~models.Q(next_at=None), name="schedule_due"),
            models.Index(fields=["owner", "-created"], name="schedules_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class ScheduledRun(models.Model):
    """One time at which a schedule was to run. `note`: why no run was started.

    Before `started` it waits until the run before it has ended. `settled`: nothing more follows but deliveries.
    `received` is what a webhook's caller sent, kept here until the run is started; `key` the digest of the caller's
    Idempotency-Key.
    """

    class By(models.TextChoices):
        """What started it."""

        TIME = "time"
        WEBHOOK = "webhook"
        PERSON = "person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs")
    run = models.OneToOneField(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    by = models.CharField(max_length=7, choices=By.choices)
    received = models.TextField(blank=True)
    key = models.CharField(max_length=64, blank=True)
    note = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    settled = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created", "-id"]
        indexes = [
            models.Index(fields=["schedule", "-created"], name="runs_of_schedule"),
            models.Index(fields=["created"], condition=models.Q(settled=None), name="scheduled_run_open"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "key"], condition=~models.Q(key=""), name="webhook_call_once")
        ]

    def __str__(self) -> str:
        return f"{self.schedule}: {self.created}"

    @property
    def status(self) -> str:
        """That of its run, including child runs that it waits for; else "waiting", "skipped" or "failed"."""
        if self.run:
            return self.run.status if self.settled else status_of_tree(self.run)
        return "waiting" if self.settled is None else "skipped" if self.note.startswith("Skipped") else "failed"
