"""Conversations that make a GPT. Each belongs to the draft that it builds, and to one who edits it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gpts.runs.background import UPDATE_DRAFT
from gpts.runs.overrides import Overrides
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import services
from web.runs.models import Conversation, Run
from web.runs.services import Sent

# Of so many words, the first message says what the GPT is for. The model then begins by filling in the form:
# Qwen2.5-Coder-1.5B otherwise printed the form as its answer (2026-11).
TELLING_WORDS: Final = 4
FILLED_IN: Final = Sent(overrides=Overrides(own_tools=(UPDATE_DRAFT,), tool_choice=UPDATE_DRAFT))


def conversation_of(user: User, gpt: Gpt) -> Conversation | None:
    """The conversation in which `user` builds `gpt`, if they began one. `gpt` must come from `access_draft`."""
    own = Conversation.objects.visible_to(user).filter(gpt=gpt, origin=Conversation.Origin.BUILDER)
    return own.select_related("gpt__owner", "version").first()


def send(user: User, gpt: Gpt, text: str, attachments: Sequence[UUID] = ()) -> Run:
    """The run in which the builder of `gpt` answers. Raises what `start_run` raises.

    `gpt` must come from `access_draft`.
    """
    text = services.checked_text(text, attachments)
    conversation = conversation_of(user, gpt)
    if conversation is not None:
        return services.start_run(conversation, text, attachments)
    conversation = services.start_conversation(user, gpt, Conversation.Origin.BUILDER)
    says_much = len(text.split()) >= TELLING_WORDS
    return services.start_run(conversation, text, attachments, sent=FILLED_IN if says_much else None)
