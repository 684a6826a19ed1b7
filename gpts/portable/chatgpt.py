"""Custom GPTs of ChatGPT: what people copy out of its editor, and the JSON that its `gizmo` endpoints give."""

import re
from collections.abc import Iterator
from typing import Any, Final

from gpts.portable.action_auth import authentication
from gpts.portable.found import Fields, Found, listed, object_of, objects_of, text_of, texts_of

SOURCE: Final = "ChatGPT"
# Labels of the editor, in its order, and what each holds.
_LABELS: Final = {
    "name": "name",
    "gpt name": "name",
    "title": "name",
    "description": "description",
    "instructions": "instructions",
    "system prompt": "instructions",
    "conversation starters": "starters",
    "conversation starter": "starters",
    "prompt starters": "starters",
    "starters": "starters",
    "knowledge": "knowledge",
    "knowledge files": "knowledge",
    "files": "knowledge",
    "recommended model": "model",
    "model": "model",
    "capabilities": "capabilities",
    "actions": "actions",
}
_ORDER: Final = ("name", "description", "instructions", "starters", "knowledge", "model", "capabilities", "actions")
_BULLET: Final = re.compile(r"^\s*(?:[-*•–☑✅✓]|\d+[.)])\s+")
# A label alone on its line, as "Name", "Name:", "## Name" or "**Name:**"; or with its text behind a colon.
_LABEL: Final = re.compile(r"^(#{1,6}\s+|\*\*)?([A-Za-z][A-Za-z ]{2,24}?)\s*(?:(\*\*:|:\*\*|:)\s*(.*)|\*\*|)$")
_CAPABILITIES: Final = (
    (re.compile(r"web (search|browsing)|brows(e|ing|er)", re.I), "web_browsing"),
    (re.compile(r"image|dall", re.I), "image_generation"),
    (re.compile(r"code|data analysis|python", re.I), "code_interpreter"),
)
_OFF: Final = re.compile(r"\b(off|no|disabled|false)\b|[☐✗✘]|\[ \]", re.I)
_TOOLS: Final = {
    "browser": "web_browsing",
    "web_browser": "web_browsing",
    "dalle": "image_generation",
    "image_gen": "image_generation",
    "python": "code_interpreter",
    "code_interpreter": "code_interpreter",
}
_ACTION_TOOLS: Final = ("plugins_prototype", "actions", "jit_plugin", "action")
# What describes the GPT there, and means nothing elsewhere.
_LEFT: Final = {
    "canvas": "Canvas",
    "memory": "Memory",
    "voice": "Its voice",
    "welcome_message": "Its welcome message",
}


def read_text(text: str) -> Found:
    """The GPT in a text copied out of the editor. A text without labels is its instructions."""
    sections = dict(_sections(text))
    fields = Fields(SOURCE, _joined(sections, "name"), _joined(sections, "description"))
    if not sections:
        fields.instructions = text
        fields.notes.append(
            "The text has no labels such as “Name” and “Instructions”: all of it became instructions."
        )
        return fields.found()
    fields.instructions = _joined(sections, "instructions")
    fields.starters = [_BULLET.sub("", line) for line in sections.get("starters", ())]
    for line in sections.get("capabilities", ()):
        _add_capability(fields, line)
    _note_rest(fields, sections)
    return fields.found()


def _joined(sections: dict[str, list[str]], name: str) -> str:
    """The lines of a section as one text; empty if there is none."""
    return "\n".join(sections.get(name, ())).strip()


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """The labelled sections in their order. The first label sets how the others have to look.

    Once the instructions have begun, only labels that come later in the editor end them: they may have headings too.
    """
    kind, lines, style = "", list[str](), ""
    for line in text.replace("\r\n", "\n").split("\n"):
        label = _label(line)
        if label and (not style or label[1] == style) and _may_follow(kind, label[0]):
            if kind:
                yield kind, lines
            kind, style, lines = label[0], label[1], [label[2]] if label[2] else []
        elif kind:
            lines.append(line)
    if kind:
        yield kind, lines


def _may_follow(kind: str, label: str) -> bool:
    return not kind or _ORDER.index(label) > _ORDER.index(kind)


def _label(line: str) -> tuple[str, str, str] | None:
    """What a line labels, how it looks, and the text behind the label; None for any other line."""
    found = _LABEL.match(line.strip())
    if not found:
        return None
    mark, name, colon, rest = found.groups()
    kind = _LABELS.get(name.lower())
    return (kind, (mark or "").strip() or ("colon" if colon else "plain"), rest or "") if kind else None


def _add_capability(fields: Fields, line: str) -> None:
    if not line.strip() or _OFF.search(line):
        return
    key = next((key for pattern, key in _CAPABILITIES if pattern.search(line)), "")
    if key:
        fields.capabilities.append(key)
    else:
        fields.notes.append(f"The capability “{_BULLET.sub('', line).strip()[:60]}” does not exist here.")


def _note_rest(fields: Fields, sections: dict[str, list[str]]) -> None:
    files = [_BULLET.sub("", line).strip() for line in sections.get("knowledge", ())]
    if any(files):
        fields.notes.append(f"Upload its knowledge files: {listed(files)}.")
    if _joined(sections, "actions"):
        fields.notes.append("Add its actions by their OpenAPI documents.")
    if model := _joined(sections, "model"):
        fields.notes.append(f"It was made for the model “{model[:60]}”.")


def gizmos_in(value: Any) -> list[dict[str, Any]]:
    """The objects in a JSON answer of ChatGPT that hold a GPT, with what stands beside it; empty if there is none."""
    if isinstance(value, list):
        return [found for each in value for found in gizmos_in(each)]
    if not isinstance(value, dict):
        return []
    gizmo = object_of(value.get("gizmo"))
    if "display" in gizmo:
        return [value]
    if "display" in value and "instructions" in value:
        return [{"gizmo": value, "tools": value.get("tools"), "files": value.get("files")}]
    inside = (value.get(key) for key in ("gizmo", "resource", "items", "list", "cuts", "gpts", "conversation_mode"))
    return [found for each in inside for found in gizmos_in(each)]


def read_gizmo(entry: dict[str, Any]) -> Found:
    """The GPT in one entry of `gizmos_in`."""
    gizmo = object_of(entry.get("gizmo"))
    display = object_of(gizmo.get("display"))
    fields = Fields(SOURCE, text_of(display.get("name")), text_of(display.get("description")))
    fields.instructions = text_of(gizmo.get("instructions"))
    fields.starters = texts_of(display.get("prompt_starters"))
    if not fields.instructions:
        fields.notes.append("The export has no instructions: ChatGPT gives them to the GPT’s owner only.")
    for tool in objects_of(entry.get("tools")):
        _add_tool(fields, tool)
    if files := [text_of(each.get("name")) for each in objects_of(entry.get("files"))]:
        fields.notes.append(f"Upload its knowledge files: {listed(files)}.")
    if display.get("profile_picture_url") or display.get("profile_pic_id"):
        fields.notes.append("Its picture is not part of the export. Upload it.")
    left = [words for key, words in _LEFT.items() if gizmo.get(key) or display.get(key)]
    if left:
        fields.notes.append(f"Not carried over: {listed(left)}.")
    return fields.found()


def _add_tool(fields: Fields, tool: dict[str, Any]) -> None:
    kind = text_of(tool.get("type"))
    if key := _TOOLS.get(kind):
        fields.capabilities.append(key)
    elif kind in _ACTION_TOOLS:
        _add_action(fields, object_of(tool.get("metadata")))
    else:
        fields.notes.append(f"The tool “{kind[:60] or 'without a type'}” does not exist here.")


def _add_action(fields: Fields, metadata: dict[str, Any]) -> None:
    document = text_of(metadata.get("raw_spec")) or text_of(metadata.get("json_spec"))
    domain = text_of(metadata.get("domain"))
    if not document.strip():
        fields.notes.append(f"The action for “{domain[:60]}” came without its OpenAPI document. Add it.")
        return
    auth = authentication(object_of(metadata.get("auth")), metadata, fields.notes)
    fields.add_action(document, auth, domain, text_of(metadata.get("privacy_policy_url")))
