"""Chats that Open WebUI and LibreChat export."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from gpts.portable.chats import Chat, Node, Role, seconds
from gpts.portable.found import listed, object_of, objects_of, text_of

OPEN_WEBUI: Final = "Open WebUI"
LIBRECHAT: Final = "LibreChat"
# What the model wrote to itself, maybe to the end, and its calls of tools, folded into the text of an answer.
_DETAILS: Final = re.compile(r'<details type="(?:reasoning|tool_calls|code_interpreter)".*?(?:</details>|\Z)', re.S)


def is_open_webui(value: Any) -> bool:
    """Whether this is one chat of Open WebUI."""
    history = object_of(object_of(object_of(value).get("chat")).get("history"))
    return isinstance(history.get("messages"), dict)


def read_open_webui(value: dict[str, Any]) -> Chat:
    """The chat of Open WebUI."""
    chat = object_of(value.get("chat"))
    history = object_of(chat.get("history"))
    messages = {key: object_of(each) for key, each in history["messages"].items()}
    return Chat(
        source=OPEN_WEBUI,
        id=text_of(value.get("id")),
        title=text_of(value.get("title")) or text_of(chat.get("title")),
        nodes=tuple(_open_webui_node(key, each) for key, each in messages.items()),
        current=text_of(history.get("currentId")) or None,
        created=seconds(value.get("created_at")),
        updated=seconds(value.get("updated_at")),
        archived=value.get("archived") is True,
        n_left_out=sum(len(objects_of(each.get("files"))) for each in messages.values()),
    )


def _open_webui_node(key: str, message: dict[str, Any]) -> Node:
    text = _DETAILS.sub("", text_of(message.get("content"))).strip()
    if names := [_file_name(each) for each in objects_of(message.get("files"))]:
        text = f"{text}\n\n[Attached: {listed(names)}]".strip()
    sources = [text_of(object_of(each.get("source")).get("name")) for each in objects_of(message.get("sources"))]
    if any(sources):
        text = f"{text}\n\nSources: {listed(dict.fromkeys(sources))}"
    parent = message.get("parentId")
    role = _role(text_of(message.get("role")))
    return Node(key, parent if isinstance(parent, str) else None, role, text, seconds(message.get("timestamp")))


def _file_name(file: dict[str, Any]) -> str:
    return text_of(file.get("name")) or text_of(file.get("type")) or "file"


def _role(role: str) -> Role:
    return "user" if role == "user" else "assistant" if role == "assistant" else ""


def is_librechat(value: Any) -> bool:
    """Whether this is one conversation of LibreChat."""
    facts = object_of(value)
    return "conversationId" in facts and any(isinstance(facts.get(key), list) for key in ("messages", "messagesTree"))


def read_librechat(value: dict[str, Any]) -> Chat:
    """The conversation of LibreChat, whose messages may be a list or a tree."""
    messages = list(_flat(objects_of(value.get("messagesTree")) or objects_of(value.get("messages"))))
    nodes = tuple(_librechat_node(parent, each) for parent, each in messages)
    times = [node.created for node in nodes if node.created is not None]
    return Chat(
        source=LIBRECHAT,
        id=text_of(value.get("conversationId")),
        title=text_of(value.get("title")),
        nodes=nodes,
        current=nodes[-1].id if nodes else None,
        created=min(times, default=None),
        updated=max(times, default=None),
        n_left_out=sum(len(objects_of(each.get("files"))) for _, each in messages),
    )


def _flat(messages: list[dict[str, Any]]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Every message with the id of the one it follows, parents first."""
    waiting: list[tuple[str | None, dict[str, Any]]] = [(None, each) for each in reversed(messages)]
    while waiting:
        parent, message = waiting.pop()
        own = text_of(message.get("parentMessageId")) or None
        yield parent or own, message
        below = objects_of(message.get("children"))
        waiting += [(text_of(message.get("messageId")), each) for each in reversed(below)]


def _librechat_node(parent: str | None, message: dict[str, Any]) -> Node:
    parts = [_part(each) for each in objects_of(message.get("content"))]
    text = "\n\n".join(part for part in parts if part) or text_of(message.get("text")).strip()
    if names := [text_of(each.get("filename")) for each in objects_of(message.get("files"))]:
        text = f"{text}\n\n[Attached: {listed(names)}]".strip()
    role: Role = "user" if message.get("isCreatedByUser") is True else "assistant"
    return Node(text_of(message.get("messageId")), parent, role, text, _time(text_of(message.get("createdAt"))))


def _part(part: dict[str, Any]) -> str:
    """A part's text; what the model wrote to itself and calls of tools have none."""
    value = part.get("text") if part.get("type") in ("text", "error") else None
    return text_of(object_of(value).get("value")) or text_of(value)


def _time(text: str) -> float | None:
    try:
        return seconds(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
    except (ValueError, OverflowError):
        return None
