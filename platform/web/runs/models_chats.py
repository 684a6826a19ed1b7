"""The tables around a chat: messages that wait, what people think of answers, and links that share it."""

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy

from web.accounts.models import User
from web.builder.models import Gpt


class QueuedMessage(models.Model):
    """A message that is sent once the answer in progress has ended. `error`: why it could not be; it then stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="queued")
    text = models.TextField(blank=True)
    attachments = models.JSONField(default=list, help_text="Ids of files, which the person has not sent yet.")
    mention = models.CharField(max_length=200, blank=True)
    stay = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    first = models.BooleanField(default=False, help_text="The person wants it sent before the others.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-first", "created", "id"]

    def __str__(self) -> str:
        return self.text[:60]


class Feedback(models.Model):
    """What a person thinks of an answer. Its GPT's creator sees it, but the chat only if `shows_chat`."""

    run = models.OneToOneField("Run", on_delete=models.CASCADE, related_name="feedback")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="feedback")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    is_good = models.BooleanField()
    reasons = models.JSONField(default=list, help_text="Keys of feedback.REASONS.")
    text = models.TextField(blank=True)
    shows_chat = models.BooleanField(default=False, help_text="The creator may read the chat up to this answer.")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-changed"]
        indexes = [models.Index(fields=["gpt", "-changed"], name="feedback_of_gpt")]

    def __str__(self) -> str:
        return f"{'good' if self.is_good else 'bad'}: {self.run}"


def _token() -> str:
    return secrets.token_urlsafe(16)


class Share(models.Model):
    """A link to a chat as it was: its branch up to `run`. `revoked`: the link shows nothing any more."""

    class Audience(models.TextChoices):
        """Who can open the link."""

        PEOPLE = "people", gettext_lazy("People who are signed in here")
        PUBLIC = "public", gettext_lazy("Anyone with the link")

    token = models.CharField(max_length=32, unique=True, default=_token)
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="shares")
    run = models.ForeignKey("Run", on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    audience = models.CharField(max_length=8, choices=Audience.choices, default=Audience.PEOPLE)
    created = models.DateTimeField(auto_now_add=True)
    revoked = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.audience}: {self.conversation}"

    @property
    def url(self) -> str:
        """The link to pass on."""
        return f"{settings.SITE_URL}{reverse('shared_chat', args=[self.token])}"


class AppCall(models.Model):
    """What the page of an MCP server in a chat asked of its server, and what came of it.

    `view` is the call whose result the page shows. It is a call of `tool`, or reads the resource at `address`, and is
    made once at most: a worker takes it by its status. `outcome` is the beginning of the result, or the error.
    """

    class Status(models.TextChoices):
        """How far it is. One that stays “started” was interrupted."""

        NEW = "new"
        WAITING = "waiting"
        ALLOWED = "allowed"
        STARTED = "started"
        DONE = "done"
        FAILED = "failed"
        DECLINED = "declined"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey("Run", on_delete=models.CASCADE, related_name="app_calls")
    view = models.CharField(max_length=64)
    tool = models.CharField(max_length=120, blank=True)
    arguments = models.JSONField(default=dict)
    address = models.CharField(max_length=2000, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.NEW)
    request = models.JSONField(null=True, help_text="What the person was asked to allow, as they saw it.")
    outcome = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created", "id"]

    def __str__(self) -> str:
        return f"{self.status}: {self.tool or self.address}"


class Memory(models.Model):
    """A sentence that a GPT remembers of a person. `run`: the answer that kept it; None if they wrote it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memories")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="memories")
    text = models.CharField(max_length=300)
    run = models.ForeignKey("Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "gpt", "text"], name="remembered_once")]

    def __str__(self) -> str:
        return self.text


class Project(models.Model):
    """A folder of a person's chats. `wishes` and the files are for every message of its chats."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=80)
    wishes = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
