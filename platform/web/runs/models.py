"""The tables of conversations: messages, runs, delegations, files, permissions and append-only steps."""

import uuid
from typing import Any, ClassVar, Literal

from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext

from gpts.runs.delegation import label_of_gpt
from gpts.runs.steps import FileRef
from gpts.safety.labels import Label
from web.accounts.models import User
from web.builder import units
from web.builder.models import Gpt, GptVersion
from web.builder.models_files import FileToRead
from web.runs.models_chats import AppCall, Feedback, Memory, Project, QueuedMessage, Share  # noqa: F401 - for Django
from web.runs.models_drafts import DraftChange  # noqa: F401 - for Django
from web.runs.models_imports import ChatImport, ImportedChat  # noqa: F401 - for Django
from web.runs.models_stores import StoreFile, VectorStore  # noqa: F401 - for Django
from web.worker_texts import said


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Every read on a person's behalf goes through `visible_to`."""

    def visible_to(self, user: Any) -> "ConversationQuerySet":
        """The conversations of `user` that were not deleted, never another person's."""
        return self.filter(owner=user, deleted=None) if user.is_authenticated else self.none()

    def chats_of(self, user: Any, query: str, archived: bool | None = False) -> "ConversationQuerySet":
        """The chats of `user` with `query` in the title or the GPT's name; all if it is empty.

        `archived`: only those that are archived, or not; None for both.
        """
        chats = self.visible_to(user).filter(origin=Conversation.Origin.CHAT)
        chats = chats if archived is None else chats.filter(archived__isnull=not archived)
        named = models.Q(title__icontains=query) | models.Q(gpt__published__data__name__icontains=query)
        return chats.filter(named) if query else chats


class Conversation(models.Model):
    """One person's conversation with one version of a GPT. `guest` is a mentioned GPT that answers until dismissed.

    A delegation has its own conversation, deleted with its parent run. `shown` is the last answer of the branch that
    the person sees (branches.py); the newest run if there is none. `n_bytes` is what an import or a copy put into it,
    which counts as storage: messages that are sent are limited by the day.
    """

    class Origin(models.TextChoices):
        """Where it was started, or for how long it is kept; only chats are in the history."""

        CHAT = "chat"
        TEMPORARY = "temporary"
        PREVIEW = "preview"
        API = "api"
        RESPONSE = "response"
        KEPT = "kept"
        DELEGATION = "delegation"
        WIDGET = "widget"
        BUILDER = "builder"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="conversations")
    version = models.ForeignKey(GptVersion, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="conversations")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.CHAT)
    parent_run = models.ForeignKey("Run", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    guest = models.ForeignKey(Gpt, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    shown = models.ForeignKey("Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    project = models.ForeignKey(
        Project, on_delete=models.SET_NULL, null=True, blank=True, related_name="conversations"
    )
    inputs = models.JSONField(default=dict, blank=True, help_text="Values of its GPT's inputs, by name.")
    title = models.CharField(max_length=120, blank=True)
    n_bytes = models.PositiveBigIntegerField(default=0)
    external_id = models.CharField(max_length=200, blank=True, help_text="What the program that began it calls it.")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now_add=True)
    pinned = models.DateTimeField(null=True, blank=True)
    archived = models.DateTimeField(null=True, blank=True)
    deleted = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ConversationQuerySet] = ConversationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-changed"]
        indexes = [models.Index(fields=["owner", "origin", "-changed"], name="conversation_history")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "gpt", "external_id"],
                condition=~models.Q(external_id="") & models.Q(deleted=None),
                name="external_id_once",
            )
        ]

    def __str__(self) -> str:
        return self.title or "New chat"

    @property
    def is_new(self) -> bool:
        """Whether it is not stored yet."""
        return self._state.adding

    @property
    def is_chat(self) -> bool:
        """Whether it is a person's chat with a page of its own, kept or temporary."""
        return self.origin in (self.Origin.CHAT, self.Origin.TEMPORARY)


class Message(models.Model):
    """One message of a person, answered by each of its runs. Those that follow the same answer are its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    after = models.ForeignKey(
        "Run", on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="Whose answer it follows."
    )
    text = models.TextField()
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created", "id"]
        indexes = [models.Index(fields=["conversation", "created"], name="message_order")]

    def __str__(self) -> str:
        return self.text[:60]


class Run(models.Model):
    """One attempt to answer a message. `status`, `n_steps`, `n_tokens` are caches of its log, updated on append.

    A child run has its tree's first run as `root`; `depth` counts the delegations above it. `request` is the digest
    of its GPT and task, which a tree answers once.
    """

    class Status(models.TextChoices):
        """The statuses of OpenAI's Runs API."""

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
    n_tokens = models.PositiveIntegerField(default=0, help_text="Input and output tokens.")
    root = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="descendants")
    depth = models.PositiveSmallIntegerField(default=0)
    request = models.CharField(max_length=64, blank=True)
    deadline = models.DateTimeField(
        null=True, blank=True, help_text="For the first run of a tree: when its child runs are stopped."
    )
    n_attempts = models.PositiveIntegerField(default=0, help_text="How often a worker started it.")
    queue = models.CharField(
        max_length=8, blank=True, help_text="Whose workers advance it: model or tools. Empty: it waits, or is over."
    )
    queued = models.DateTimeField(default=timezone.now, help_text="Its place among the person’s own in that queue.")
    is_low = models.BooleanField(default=False, help_text="Nobody waits for it: it runs when no other run waits.")
    created = models.DateTimeField(default=timezone.now, editable=False)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created", "id"]
        indexes = [
            models.Index(fields=["queue", "owner", "queued"], condition=~models.Q(queue=""), name="run_next"),
            models.Index(fields=["owner", "status"], name="run_active_of_owner"),
            models.Index(fields=["deadline"], condition=~models.Q(deadline=None), name="run_to_give_up"),
            models.Index(fields=["created"], name="run_by_day"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["root", "request"], condition=~models.Q(request=""), name="request_once_per_tree"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} run {self.id}"

    @property
    def gpt(self) -> Gpt:
        """The GPT that answers: the conversation's own, or one that was mentioned."""
        return self.version.gpt

    def author_label(self, reader: Gpt) -> Label:
        """The label of its answer for the GPT `reader` by who owns the GPT that gave it, whatever that has read."""
        gpt = self.version.gpt
        return label_of_gpt(self.version.spec().name, gpt.owner_id, (self.owner_id, reader.owner_id))

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be appended."""
        return self.status in self.OVER


class IdempotentRequest(models.Model):
    """An API request whose repetitions get its run (web/api/repeats.py). `key` and `body` are digests."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64, blank=True)
    body = models.CharField(max_length=64)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "key", "body"], name="request_repeated")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], condition=~models.Q(key=""), name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return f"request for {self.run}"


class QueueTurn(models.Model):
    """When a person's work was last taken from a queue: model, tools or index."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    queue = models.CharField(max_length=8)
    served = models.DateTimeField()
    seconds = models.FloatField(default=0, help_text="How long that work takes, averaged.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "user"], name="turn_once")]

    def __str__(self) -> str:
        return f"{self.queue}: {self.user}"


class DelegationRow(models.Model):
    """The run `child` answers the call `call_id` of the run `parent`. Several may wait for one child."""

    parent = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="delegations")
    call_id = models.CharField(max_length=64)
    tool = models.CharField(max_length=64, help_text="Name of the tool that was called.")
    child = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="parent_delegations")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "id"]
        constraints = [models.UniqueConstraint(fields=["parent", "call_id"], name="call_delegated_once")]

    def __str__(self) -> str:
        return f"{self.parent_id} {self.call_id} → {self.child_id}"


class ConversationFileQuerySet(models.QuerySet["ConversationFile"]):
    """Every read on a person's behalf goes through `visible_to`."""

    def visible_to(self, user: Any) -> "ConversationFileQuerySet":
        """The files of `user`'s own conversations, and those not sent yet."""
        return self.kept().filter(owner=user) if user.is_authenticated else self.none()

    def kept(self) -> "ConversationFileQuerySet":
        """The files that were not removed, nor deleted with their conversation, and have not expired."""
        lasts = models.Q(expires=None) | models.Q(expires__gt=timezone.now())
        return self.filter(lasts, removed=None, conversation__deleted=None)

    def uploads(self) -> "ConversationFileQuerySet":
        """Those that a program uploaded to keep."""
        return self.exclude(purpose="")


class ConversationFile(FileToRead):
    """A file that a person attached (no `run`), that a tool made in `run`, or that a program uploaded (`purpose`); or
    one of a `project`.

    An attached file is read like a knowledge file before it can be sent. If it is ready without a segment, only tools
    can open it: it was made by one, or attached before attachments were read. An upload or a file of a project
    is never part of a conversation; its copies are. It is cancelled until somebody wants to read it.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="conversation_files")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, blank=True, related_name="files"
    )
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, blank=True, related_name="files")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="files")
    name = models.CharField(max_length=120)
    mime = models.CharField(max_length=100)
    untrusted = models.BooleanField(default=True, help_text="People other than the reader may have written it.")
    label = models.JSONField(null=True, help_text="Label of a file that a tool made; null until its call has ended.")
    status = models.CharField(max_length=12, choices=FileToRead.Status.choices, default=FileToRead.Status.READY)
    removed = models.DateTimeField(null=True, blank=True, help_text="When it was removed without being sent.")
    purpose = models.CharField(max_length=20, blank=True, help_text="What an upload is for; else empty.")
    expires = models.DateTimeField(null=True, blank=True, help_text="When an upload is deleted.")

    objects: ClassVar[ConversationFileQuerySet] = ConversationFileQuerySet.as_manager()  # type: ignore[assignment]

    class Meta(FileToRead.Meta):
        indexes = [
            models.Index(fields=["status", "claimed_until"], name="attachment_to_read"),
            models.Index(fields=["sha256"], name="attachment_known_here"),
            models.Index(fields=["owner", "created"], condition=~models.Q(purpose=""), name="upload_of_owner"),
        ]
        constraints = [models.UniqueConstraint(fields=["run", "sha256", "name"], name="file_once_per_run")]

    @property
    def reading(self) -> Literal["reading", "ready", "unreadable"]:
        """Whether its text is read already; "unreadable" for the reason in `error`."""
        if self.status not in self.SETTLED:
            return "reading"
        return "ready" if self.status == self.Status.READY else "unreadable"

    @property
    def all_notices(self) -> list[str]:
        """What its reader should know about reading it, with the page where there is one."""
        pages = ((said(each["message"]), each["page"]) for each in self.notices)
        return [
            f"{capfirst(units.numbered(self.unit, page))}: {message}" if page else message for message, page in pages
        ]

    @property
    def extent(self) -> str:
        """How many pages it has, in words; empty if the format has none."""
        return units.counted(self.unit, self.n_pages) if self.n_pages else ""

    @property
    def progress(self) -> str:
        """How far reading is, in words."""
        if self.status == self.Status.RECEIVED:
            return gettext("Waiting to be read")
        if self.status == self.Status.EMBEDDING and self.n_chunks:
            return gettext("Reading, {percent} %").format(percent=self.n_done * 100 // self.n_chunks)
        if self.n_read and self.n_pages:
            return units.reading(self.unit, self.n_read, self.n_pages)
        return gettext("Reading")

    def ref(self) -> FileRef:
        """The file's reference as logs keep it."""
        facts = {"name": self.name, "mime": self.mime, "size": self.size}
        return FileRef(id=str(self.id), segment=self.segment, n_tokens=self.n_tokens, **facts)


class Permission(models.Model):
    """A person lets one GPT call one tool at one host without asking, while the run has read nothing external.

    It ends when the tool would do something else than when it was given: `binding` is that of its ToolSpec.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="permissions")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="+")
    tool = models.CharField(max_length=64)
    host = models.CharField(max_length=255, blank=True)
    binding = models.CharField(max_length=64)
    title = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "gpt", "tool", "host"], name="permission_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.title or self.tool}"


class CreatorQuestion(models.Model):
    """A question that a GPT did not answer, sent to its creator, who sees `text` and the name of `owner` only.

    `closed`: when the creator answered or dismissed it; it was dismissed if `answer` is empty. `seen`: the person has
    had the answer on their page. Without `text`, the person deleted the chat.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="creator_questions")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="creator_questions")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="creator_question")
    text = models.TextField()
    answer = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    closed = models.DateTimeField(null=True, blank=True)
    seen = models.BooleanField(default=False)

    class Meta:
        ordering = ["created", "id"]
        indexes = [
            models.Index(fields=["gpt", "closed"], name="creator_question_open"),
            models.Index(fields=["owner", "gpt", "created"], name="creator_question_limit"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class StepRow(models.Model):
    """A step of a run at position `seq` in the log, as JSON. Written by `runs/log.py` only."""

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
