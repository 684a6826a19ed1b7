"""The text and files of an A2A message."""

import json
from collections.abc import Sequence
from typing import Final

from a2a.types import Message, Part
from a2a.utils.errors import ContentTypeNotSupportedError
from google.protobuf.json_format import MessageToDict

from gpts.spec.agents import from_struct
from web.accounts.models import User
from web.runs.files import attach
from web.runs.models import ConversationFile

BY_ADDRESS: Final = "Files are not fetched from URLs. Send the bytes of “{name}” in a raw part."


def words_of(message: Message) -> str:
    """The texts of the message in order, its data as JSON. Raises ContentTypeNotSupportedError."""
    return "\n\n".join(filter(None, map(_words, message.parts)))


def _words(part: Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return str(part.text)
        case "data":
            return json.dumps(from_struct(MessageToDict(part.data)), ensure_ascii=False)
        case "url":
            raise ContentTypeNotSupportedError(BY_ADDRESS.format(name=(part.filename or part.url)[:80]))
    return ""


def attached(user: User, parts: Sequence[Part]) -> list[ConversationFile]:
    """The files of the message, stored for `user`. Raises Refused for one that is empty or too large."""
    raw = [part for part in parts if part.WhichOneof("content") == "raw"]
    return [attach(user, part.filename or f"file-{n}", [part.raw]) for n, part in enumerate(raw, start=1)]
