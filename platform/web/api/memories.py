"""`/api/gpts/{slug}/memories`: what a GPT remembers of you."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder.access import access_gpt
from web.runs import memories
from web.runs.models_chats import Memory

router = Router(tags=["Chats"])


class NewMemory(RequestBody):
    """A sentence to remember."""

    text: Annotated[Text, Field(min_length=1, max_length=memories.TEXT_CHARS)]


class MemoryShape(Schema):
    """A sentence that a GPT remembers of you. `from_chat`: you let it keep that in a chat."""

    id: UUID
    text: str
    from_chat: bool
    created: datetime
    changed: datetime

    @staticmethod
    def resolve_from_chat(memory: Memory) -> bool:
        """Whether an answer kept it."""
        return memory.run_id is not None


@router.get("/gpts/{slug}/memories", response={200: list[MemoryShape], **LISTED})
@paginate(Pages, oldest_first=True)
def list_memories(request: HttpRequest, slug: str) -> QuerySet[Memory]:
    """What a GPT remembers of you, oldest first. It uses it in chats of the page and of `/api`, not in `/v1`."""
    return memories.of(caller(request), access_gpt(caller(request), slug))


@router.post("/gpts/{slug}/memories", response={201: MemoryShape, **INVALID})
def add_memory(request: HttpRequest, slug: str, new: NewMemory) -> Status[Memory]:
    """Have a GPT with a memory remember a sentence about you."""
    gpt = memories.access_remembering(caller(request), slug)
    return Status(201, memories.add(caller(request), gpt, new.text))


@router.patch("/memories/{uuid:memory_id}", response={200: MemoryShape, **INVALID})
def change_memory(request: HttpRequest, memory_id: UUID, new: NewMemory) -> Memory:
    """Replace what is remembered. Chats that you already have keep what they know."""
    return memories.change(memories.access(caller(request), memory_id), new.text)


@router.delete("/memories/{uuid:memory_id}", response={204: None, **DENIED})
def delete_memory(request: HttpRequest, memory_id: UUID) -> Status[None]:
    """Delete what is remembered."""
    memories.forget(memories.access(caller(request), memory_id))
    return Status(204, None)
