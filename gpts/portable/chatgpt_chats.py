"""Conversations of ChatGPT's data export (`conversations.json`).

OpenAI does not document the format. It is read as people who work with it have described it; what is missing or of
another type than expected is passed over.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gpts.portable.chats import Chat, Node, Role, seconds
from gpts.portable.found import listed, object_of, objects_of, text_of

SOURCE: Final = "ChatGPT"
# What people never saw: settings, pages that were read, and what the model wrote to itself.
_UNSEEN: Final = frozenset(
    "user_editable_context model_editable_context gizmo_instructions_context thoughts reasoning_recap"
    " tether_browsing_display tether_quote sonic_webpage system_error app_pairing_content computer_output".split()
)
# Citations in the text: 【12†source】, and the newer ones between private characters.
_MARKS: Final = re.compile(r"【\d+†[^【】]*+】|\ue200[^\ue200\ue201]*+\ue201|[\ue200-\ue206]")
_DRAWN: Final = "image_asset_pointer"
# The id of a picture in what points to it, with which its name in the archive begins.
ASSET: Final = re.compile(r"file[-_][0-9A-Za-z]+")


def is_conversation(value: Any) -> bool:
    """Whether this is one conversation of such an export."""
    return isinstance(value, dict) and isinstance(value.get("mapping"), dict)


def read_conversation(value: Mapping[str, Any]) -> Chat:
    """The conversation as a chat."""
    counted = [0]
    nodes = [_node(key, object_of(node), counted) for key, node in value["mapping"].items()]
    return Chat(
        source=SOURCE,
        id=text_of(value.get("conversation_id")) or text_of(value.get("id")),
        title=text_of(value.get("title")),
        nodes=tuple(nodes),
        current=text_of(value.get("current_node")) or None,
        created=seconds(value.get("create_time")),
        updated=seconds(value.get("update_time")),
        archived=value.get("is_archived") is True,
        n_left_out=counted[0],
    )


def _node(key: str, node: dict[str, Any], counted: list[int]) -> Node:
    message = object_of(node.get("message"))
    role, text = _seen(message, counted)
    parent = node.get("parent")
    above, created = parent if isinstance(parent, str) else None, seconds(message.get("create_time"))
    return Node(key, above, role, text, created, _pictures(message) if role == "user" else ())


def _pictures(message: dict[str, Any]) -> tuple[str, ...]:
    parts = objects_of(object_of(message.get("content")).get("parts"))
    found = (ASSET.search(text_of(part.get("asset_pointer"))) for part in parts if part.get("content_type") == _DRAWN)
    return tuple(match[0] for match in found if match)


def _seen(message: dict[str, Any], counted: list[int]) -> tuple[Role, str]:
    """Whose message it is for people who looked at the chat, and its text; ("", "") if they did not see it."""
    content, metadata = object_of(message.get("content")), object_of(message.get("metadata"))
    kind = text_of(content.get("content_type"))
    if not content or kind in _UNSEEN or metadata.get("is_visually_hidden_from_conversation") is True:
        return "", ""
    author = text_of(object_of(message.get("author")).get("role"))
    if author == "user":
        return "user", _with_attachments(_text(content, counted), metadata, counted)
    if author == "assistant":
        return "assistant", _said(message, kind, content, metadata, counted)
    if author == "tool" and kind in ("execution_output", "multimodal_text"):
        return "assistant", _fenced("", text_of(content.get("text"))) or _text(content, counted, only_pictures=True)
    return "", ""


def _said(
    message: dict[str, Any], kind: str, content: dict[str, Any], metadata: dict[str, Any], counted: list[int]
) -> str:
    """What the assistant wrote: to the person, as code that was run, or as a document; not its calls of tools."""
    recipient = text_of(message.get("recipient")) or "all"
    if recipient == "python" or (recipient == "all" and kind == "code"):
        language = text_of(content.get("language"))
        return _fenced("python" if language in ("", "unknown") else language, text_of(content.get("text")))
    if recipient.startswith("canmore."):
        return _document(text_of(content.get("text")) or _text(content, counted))
    return _cited(_text(content, counted), metadata) if recipient == "all" else ""


def _text(content: dict[str, Any], counted: list[int], only_pictures: bool = False) -> str:
    """The parts of a message in their order, with a line for each that is no text."""
    parts = content.get("parts")
    if not isinstance(parts, list):
        return "" if only_pictures else text_of(content.get("text")).strip()
    texts = [_part(part, counted) for part in parts if isinstance(part, dict) or not only_pictures]
    return "\n\n".join(text for text in texts if text)


def _part(part: Any, counted: list[int]) -> str:
    if isinstance(part, str):
        return part.strip()
    facts = object_of(part)
    kind = text_of(facts.get("content_type"))
    if kind == "audio_transcription":
        return text_of(facts.get("text")).strip()
    if not kind:
        return text_of(facts.get("text")).strip()
    counted[0] += 1
    prompt = text_of(object_of(object_of(facts.get("metadata")).get("dalle")).get("prompt"))
    named = "Audio" if "audio" in kind else kind.replace("_asset_pointer", "").replace("_", " ").capitalize()
    what = "Picture" if kind == _DRAWN else named
    return f"[{what}: {prompt}]" if prompt else f"[{what}]"


def _with_attachments(text: str, metadata: dict[str, Any], counted: list[int]) -> str:
    """The text with the names of what was attached, a picture's in its place in the text."""
    names = []
    for each in objects_of(metadata.get("attachments")):
        name, kind = text_of(each.get("name")), text_of(each.get("mimeType")) or text_of(each.get("mime_type"))
        if kind.startswith("image/") and "[Picture]" in text:
            text = text.replace("[Picture]", f"[Picture: {name}]", 1) if name else text
        else:
            names.append(name)
    counted[0] += len(names)
    return f"{text}\n\n[Attached: {listed(names)}]".strip() if any(names) else text


def _fenced(language: str, code: str) -> str:
    """Code as Markdown, in a fence that it cannot close."""
    if not code.strip():
        return ""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{fence}{language}\n{code.strip()}\n{fence}"


def _document(call: str) -> str:
    """The document of a call that makes or rewrites one; empty for changes of parts, which nobody can read."""
    try:
        value = object_of(json.loads(call))
    except (ValueError, RecursionError):
        return ""
    whole = (
        text_of(each.get("replacement")) for each in objects_of(value.get("updates")) if each.get("pattern") == ".*"
    )
    body = text_of(value.get("content")) or next(whole, "")
    kind, name = text_of(value.get("type")), text_of(value.get("name"))
    body = _fenced(kind.removeprefix("code/"), body) if kind.startswith("code/") else body
    return f"**{name}**\n\n{body}" if name and body else body


def _cited(text: str, metadata: dict[str, Any]) -> str:
    """The text with its citations as Markdown links, where the export says what they cite."""
    for reference in objects_of(metadata.get("content_references")):
        matched = text_of(reference.get("matched_text"))
        if matched.strip():
            text = text.replace(matched, text_of(reference.get("alt")) or _links(reference))
    ranges = [each for each in objects_of(metadata.get("citations")) if _is_range(each, len(text))]
    for each in sorted(ranges, key=lambda each: each["start_ix"], reverse=True):
        link = _link(object_of(each.get("metadata")))
        if link and _MARKS.match(text, each["start_ix"]):  # the places hold for the text as it was written
            text = f"{text[: each['start_ix']]} {link}{text[each['end_ix'] :]}"
    return _MARKS.sub("", text).strip()


def _is_range(citation: dict[str, Any], length: int) -> bool:
    start, end = citation.get("start_ix"), citation.get("end_ix")
    return isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= length


def _links(reference: dict[str, Any]) -> str:
    read: Callable[[dict[str, Any]], str] = _link
    links = [read(each) for each in objects_of(reference.get("items"))] or [read(reference)]
    return " ".join(link for link in links if link)


def _link(facts: dict[str, Any]) -> str:
    url, title = text_of(facts.get("url")), " ".join(text_of(facts.get("title")).split())
    if not url.startswith(("http://", "https://")) or any(character in url for character in " <>\n"):
        return ""
    title = title.replace("[", "(").replace("]", ")")
    return f"([{title or url}](<{url}>))"
