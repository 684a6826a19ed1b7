"""Everything of a person's to keep elsewhere, as the entries of one zip: nothing is made before it is written."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from web.accounts.models import User
from web.accounts.models_outbox import Webhook
from web.builder.exports import Content, export, file_name
from web.builder.models import Gpt
from web.runs.exports import as_tree
from web.runs.models import Conversation, ConversationFile

# What people wrote and chose in rows of their own, without secrets such as those of a schedule's webhook.
_SCHEDULE: Final = ("name", "text", "inputs", "trigger", "cron", "time_zone", "paused", "mails", "callback_url")
TABLES: Final[tuple[tuple[str, Callable[[User], "QuerySet[Any]"], tuple[str, ...]], ...]] = (
    ("memories", lambda user: user.memories.all(), ("gpt__slug", "text")),
    ("schedules", lambda user: user.schedules.all(), ("gpt__slug", *_SCHEDULE, "created")),
    ("projects", lambda user: user.projects.all(), ("id", "name", "wishes", "created")),
    ("reviews", lambda user: user.reviews.all(), ("gpt__slug", "stars", "text", "answer", "created")),
    ("collections", lambda user: user.collections.all(), ("name", "about", "public", "created")),
    ("questions", lambda user: user.creator_questions.all(), ("gpt__slug", "text", "answer", "created")),
    ("permissions", lambda user: user.permissions.all(), ("gpt__slug", "tool", "host", "created")),
    ("decisions", lambda user: user.cases.exclude(decided=None), ("decision", "note", "decided", "appeal", "answer")),
)

# For the person who opens the zip, and for whoever writes a program that reads it.
README: Final = """What this zip has

account.json, memories.json, schedules.json, projects.json, ...: what you wrote and chose.
chats/ID.json: one chat each. "messages" has all versions of messages and answers, oldest first:
  "id" names a message, "after" is the "id" of the message that it follows (null: it begins the chat),
  "shown" says whether it is in the version that the chat shows.
  "delegated_by" is only in a task that one GPT gave to another, which your list of chats does not show:
  the "chat" and the "answer" that it was done for. Deleting that chat deletes it.
gpts/NAME.gpt.zip: your GPTs. Import them with "Import" on this or another site.
files/: files of your chats.
"""


def entries(user: User) -> Iterator[tuple[str, Content]]:
    """Yield each path with its content. What is no longer stored is left out."""
    yield "README.txt", README
    yield "account.json", _json(_account(user))
    for name, rows, fields in TABLES:
        found = rows(user).order_by("pk").values(*fields)
        yield f"{name}.json", _json([{key.removesuffix("__slug"): row[key] for key in row} for row in found])
    # By ids: a cursor that stays open could not go on in another thread, where the next entry may be made.
    chats = Conversation.objects.filter(owner=user, deleted=None)
    for chat_id in list(chats.order_by("created").values_list("id", flat=True)):
        if chat := chats.filter(id=chat_id).first():
            yield f"chats/{chat_id}.json", _json(as_tree(chat))
    for gpt in list(Gpt.objects.filter(owner=user, deleted=None).order_by("created")):
        try:
            yield f"gpts/{file_name(gpt)}", export(gpt, reader=user).chunks()
        except ValidationError:
            continue
    for file in list(ConversationFile.objects.visible_to(user).only("id", "name", "sha256").order_by("created")):
        if file.path.is_file():
            yield f"files/{file.id}-{file.name}", file.path


def _account(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "joined": user.date_joined.isoformat(),
        "language": user.language,
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "emails_off": user.notifications_off,
        "webhooks": list(Webhook.objects.filter(gpt__owner=user).values("gpt__slug", "url", "events")),
        "keys": [{"name": key.name, "scopes": key.scopes} for key in user.api_keys.filter(revoked=None)],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, cls=DjangoJSONEncoder)
