"""The durable record of talk: conversations, messages, runs and their append-only steps."""

import uuid
from typing import Any, ClassVar

from django.db import models

from web.accounts.models import User
from web.builder.models import Gpt, GptVersion


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Deny by default: every read on a person's behalf starts here."""

    def visible_to(self, user: Any) -> "ConversationQuerySet":
        """The conversations of `user` that were not deleted; nobody sees another person's."""
        return self.filter(owner=user, deleted=None) if user.is_authenticated else self.none()


class Conversation(models.Model):
    """One person's talk with one version of a GPT."""

    class Origin(models.TextChoices):
        """The door it came through; only chats are kept in the history."""

        CHAT = "chat"
        PREVIEW = "preview"
        API = "api"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="conversations")
    version = models.ForeignKey(GptVersion, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="conversations")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.CHAT)
    title = models.CharField(max_length=120, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now_add=True)
    deleted = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ConversationQuerySet] = ConversationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-changed"]
        indexes = [models.Index(fields=["owner", "origin", "-changed"], name="conversation_history")]

    def __str__(self) -> str:
        return self.title or "New chat"


class Message(models.Model):
    """One turn as people see it: what the person wrote, answered by the newest of its runs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    text = models.TextField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "id"]
        indexes = [models.Index(fields=["conversation", "created"], name="message_order")]

    def __str__(self) -> str:
        return self.text[:60]


class Run(models.Model):
    """One attempt to answer a message. `status`, `n_steps` are caches of its log, refreshed with each append."""

    class Status(models.TextChoices):
        """The words of OpenAI's Runs API."""

        QUEUED = "queued"
        IN_PROGRESS = "in_progress"
        REQUIRES_ACTION = "requires_action"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"
        INCOMPLETE = "incomplete"

    OVER = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INCOMPLETE)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(GptVersion, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    n_steps = models.PositiveIntegerField(default=0)
    lease = models.CharField(max_length=32, blank=True, help_text="Token of the worker that may append; empty: free.")
    lease_until = models.DateTimeField(null=True, blank=True)
    n_attempts = models.PositiveIntegerField(default=0, help_text="Times a worker took it up.")
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created", "id"]
        indexes = [
            models.Index(fields=["status", "lease_until"], name="run_to_wake"),
            models.Index(fields=["owner", "status"], name="run_active_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.status} run {self.id}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be appended."""
        return self.status in self.OVER


class StepRow(models.Model):
    """A step of a run at its place `seq` in the log, as JSON. Written by `runs/log.py` only."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    call_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["run", "seq"], name="step_seq_once"),
            models.UniqueConstraint(
                fields=["run", "call_id"], condition=models.Q(kind="tool_result"), name="tool_result_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
