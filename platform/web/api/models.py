"""The tables of `/v1`: replies that programs got (see `history.py`), responses, and programs' conversations.

What a response says is in the log of its run: its row only says which part, and what the request asked for.
"""

import re
import uuid
from typing import Any, ClassVar, Final

from django.db import models

from web.accounts.models import User
from web.api.models_batches import Batch, BatchLine  # noqa: F401 - for Django
from web.builder.models import Gpt
from web.runs.models import Run

# The id of an item, with that of its response, the kind of place, and its place.
ITEM_NAME: Final = re.compile(r"[a-z]+_([0-9a-f]{32})([ia]?)([0-9a-f]{3,4})?")


class SentReply(models.Model):
    """A reply that a program of `user` got from `gpt`: a keyed digest of it, and its label.

    One that was sent more than once has the label of all of them together.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, help_text="Of the text, the calls, the person and the GPT.")
    label = models.JSONField()
    sent = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["user", "sent"], name="sent_reply_to_forget")]

    def __str__(self) -> str:
        return f"{self.gpt} to {self.user}, {self.sent}"


class ProgramConversation(models.Model):
    """A conversation that a program keeps here: responses, and items that it added itself.

    `removed` are the ids of items that it deleted, the last of them at `changed`: no later run continues a run that
    read them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    metadata = models.JSONField(default=dict)
    removed = models.JSONField(default=list)
    changed = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"conversation {self.id}"


class ProgramItem(models.Model):
    """An item that a program added to its conversation."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(ProgramConversation, on_delete=models.CASCADE, related_name="items")
    data = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "id"]
        indexes = [models.Index(fields=["conversation", "created"], name="program_item_order")]

    def __str__(self) -> str:
        return f"{self.data.get('type')} {self.id}"


class ResponseQuerySet(models.QuerySet["Response"]):
    """Every read on a person's behalf goes through `visible_to`."""

    def visible_to(self, user: Any) -> "ResponseQuerySet":
        """The responses of `user`, or of the person with this id, that were not deleted; never another person's."""
        return self._of(user).filter(is_chat=False).select_related("previous", "conversation")

    def chats_of(self, user: User) -> "ResponseQuerySet":
        """The same of stored chat completions."""
        return self._of(user).filter(is_chat=True)

    def _of(self, user: Any) -> "ResponseQuerySet":
        related = ("run__message__conversation__gpt", "run__version__gpt")
        return self.filter(owner=user, run__message__conversation__deleted=None).select_related(*related)


class Response(models.Model):
    """The part of a run that answered one request: its steps from `since` on, before `until` or to the end.

    Or a stored chat completion (`is_chat`), whose `run` is that of its first answer. All below is of responses; of a
    completion, `request` has its metadata and the ids of all its `runs`.

    It ends before the run does if the run came to wait for a person: `asked` are then the run, the call and the
    number of steps before each request's answer. `n_before` messages of the run, the first, are those of earlier
    responses. `request` is what the response repeats of the request. Without `stored`, it is kept only until it is
    delivered, and nobody can read it again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    previous = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    conversation = models.ForeignKey(
        ProgramConversation, on_delete=models.CASCADE, null=True, blank=True, related_name="responses"
    )
    since = models.PositiveIntegerField(default=0)
    until = models.PositiveIntegerField(null=True, blank=True)
    asked = models.JSONField(default=list)
    n_before = models.PositiveIntegerField(default=0)
    stored = models.BooleanField(default=True)
    is_chat = models.BooleanField(default=False)
    request = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[ResponseQuerySet] = ResponseQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["created", "id"]
        indexes = [
            models.Index(
                fields=["owner", "created"], condition=models.Q(is_chat=True), name="chat_completion_of_owner"
            )
        ]

    def __str__(self) -> str:
        return f"response {self.id} of {self.run_id}"

    @property
    def name(self) -> str:
        """Its id in the API."""
        return f"resp_{self.id.hex}"

    def item_name(self, kind: str, number: int, place: str = "") -> str:
        """The id of its output item `number`; with the place "i", of an input item, with "a", of a request."""
        prefix = _PREFIXES.get(kind, "item")
        return f"{prefix}_{self.id.hex}{place}{number:0{4 - len(place)}x}"


class FileBatch(models.Model):
    """Files that were added to a vector store at once: the ids of their rows. `store` is that of the store's row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    store = models.UUIDField()
    files = models.JSONField()
    cancelled = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{len(self.files)} files of {self.store}"


_PREFIXES: Final = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "file_search_call": "fs",
    "web_search_call": "ws",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "mcp_approval_request": "mcpr",
    "mcp_approval_response": "mcpa",
}
