"""`/v1/conversations`: OpenAI's Conversations, which keep the items of responses and those that programs add."""

from typing import Annotated, Any, Final, Literal

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from web.accounts.models import User
from web.api import response_store
from web.api.attribute_filters import Metadata, MetadataChange
from web.api.auth import caller
from web.api.cursors import Cursor, Deleted, ItemList, listed
from web.api.errors import ERRORS, ApiError
from web.api.models import ProgramConversation, ProgramItem
from web.api.response_input import InputItem, given_item
from web.api.response_store import access_conversation, conversation_items

router = Router(tags=["Conversations"])
# Items that a program can add at once, as with OpenAI, and those that one person's programs can keep here.
AT_ONCE: Final = 20
MAX_ITEMS: Final = 10_000
MAX_CONVERSATIONS: Final = 10_000

NewItems = Annotated[list[InputItem], Field(max_length=AT_ONCE)]


class NewConversation(BaseModel):
    """A conversation, with its first items."""

    items: NewItems | None = None
    metadata: Metadata | None = None


class AddedItems(BaseModel):
    """Items to add to a conversation."""

    items: Annotated[NewItems, Field(min_length=1)]


class ConversationObject(Schema):
    """A conversation."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str]


def _shown(conversation: ProgramConversation) -> ConversationObject:
    created = int(conversation.created.timestamp())
    return ConversationObject(id=f"conv_{conversation.id.hex}", created_at=created, metadata=conversation.metadata)


@router.post("/conversations", response={200: ConversationObject, **ERRORS})
def create_conversation(request: HttpRequest, body: NewConversation) -> ConversationObject:
    """Create a conversation, which is kept until you delete it. Name it in responses to continue it."""
    user = caller(request)
    if ProgramConversation.objects.filter(owner=user).count() >= MAX_CONVERSATIONS:
        raise ApiError(400, f"You have {MAX_CONVERSATIONS:,} conversations. Delete some first.", code="too_many")
    with transaction.atomic():
        conversation = ProgramConversation.objects.create(owner=user, metadata=body.metadata or {})
        _add(user, conversation, body.items or [])
    return _shown(conversation)


@router.get("/conversations/{conversation_id}", response={200: ConversationObject, **ERRORS})
def get_conversation(request: HttpRequest, conversation_id: str) -> ConversationObject:
    """One of your conversations."""
    return _shown(access_conversation(caller(request), conversation_id))


@router.post("/conversations/{conversation_id}", response={200: ConversationObject, **ERRORS})
def update_conversation(request: HttpRequest, conversation_id: str, body: MetadataChange) -> ConversationObject:
    """Replace the metadata of a conversation."""
    conversation = access_conversation(caller(request), conversation_id)
    conversation.metadata = body.metadata or {}
    conversation.save(update_fields=["metadata"])
    return _shown(conversation)


@router.delete("/conversations/{conversation_id}", response={200: Deleted, **ERRORS})
def delete_conversation(request: HttpRequest, conversation_id: str) -> Deleted:
    """Delete a conversation with its items and its responses, and stop their runs."""
    response_store.delete_conversation(access_conversation(caller(request), conversation_id))
    return Deleted(id=conversation_id, object="conversation.deleted")


@router.post("/conversations/{conversation_id}/items", response={200: ItemList, **ERRORS})
def create_items(request: HttpRequest, conversation_id: str, body: AddedItems) -> ItemList:
    """Add items. The next response reads them; an assistant's message counts as text from outside unless it came
    from this site."""
    conversation = access_conversation(caller(request), conversation_id)
    added = {item.id.hex for item in _add(caller(request), conversation, body.items)}
    items = [item for item in _items(conversation) if item["id"].partition("_")[2] in added]
    return listed(items, Cursor(after=None, limit=AT_ONCE, order="asc"))


def _add(user: User, conversation: ProgramConversation, items: list[InputItem]) -> list[ProgramItem]:
    kept = ProgramItem.objects.filter(conversation__owner=user).count()
    if kept + len(items) > MAX_ITEMS:
        raise ApiError(400, f"Your conversations have {MAX_ITEMS:,} items. Delete some first.", code="too_many")
    return [ProgramItem.objects.create(conversation=conversation, data=given_item(item)) for item in items]


def _items(conversation: ProgramConversation) -> list[dict[str, Any]]:
    """The items as programs get them."""
    return [
        {key: value for key, value in item.items() if key != "created"} for item in conversation_items(conversation)
    ]


@router.get("/conversations/{conversation_id}/items", response={200: ItemList, **ERRORS})
def list_items(request: HttpRequest, conversation_id: str, page: Query[Cursor]) -> ItemList:
    """The items of a conversation, those of its responses among them; the newest first unless `order` is `asc`."""
    return listed(_items(access_conversation(caller(request), conversation_id)), page)


@router.get("/conversations/{conversation_id}/items/{item_id}", response={200: dict[str, Any], **ERRORS})
def get_item(request: HttpRequest, conversation_id: str, item_id: str) -> dict[str, Any]:
    """One of these items."""
    return _item(access_conversation(caller(request), conversation_id), item_id)


def _item(conversation: ProgramConversation, item_id: str) -> dict[str, Any]:
    for item in _items(conversation):
        if item["id"] == item_id:
            return item
    raise ApiError(404, f"Item “{item_id[:80]}” not found.", None, "not_found")


@router.delete("/conversations/{conversation_id}/items/{item_id}", response={200: ConversationObject, **ERRORS})
def delete_item(request: HttpRequest, conversation_id: str, item_id: str) -> ConversationObject:
    """Delete an item: later responses don't read it."""
    conversation = access_conversation(caller(request), conversation_id)
    _item(conversation, item_id)
    with transaction.atomic():
        conversation = ProgramConversation.objects.select_for_update().get(id=conversation.id)
        if not conversation.items.filter(id__in=_added_id(item_id)).delete()[0]:
            conversation.removed.append(item_id)
        conversation.changed = timezone.now()
        conversation.save(update_fields=["removed", "changed"])
    return _shown(conversation)


def _added_id(item_id: str) -> list[str]:
    """The id of the row of an item that was added by a program, if it can be one."""
    name = item_id.partition("_")[2]
    return [name] if len(name) == 32 else []
