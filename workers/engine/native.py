"""Conversations rendered by the model's own template, with a placeholder for every untrusted text.

Contents, names, descriptions, property names, enum values and arguments are untrusted. The template never sees them:
it renders marks, which contain a secret that no text can know, and the texts are inserted afterwards as content.
A mark contains a quotation mark, which shows whether the template wrote it as JSON or verbatim.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gpts.runs.messages import MessageCall, PromptMessage, with_numbered_calls
from gpts.runs.replies import Written, written
from gpts.spec.tools import ToolSpec

# Around each message's mark: the template trimmed whatever is missing in the rendering.
PADDING: Final = "\t \t"
_JSON_PADDING: Final = json.dumps(PADDING)[1:-1]
# Stands for a picture in a message for the template, which holds marks and no text of anyone.
PICTURE: Final = "<picture>"
# Keywords of JSON Schema: trusted, and templates look some of them up.
_KEYWORDS: Final = frozenset(
    "type properties required items enum description anyOf oneOf allOf additionalProperties format default minimum "
    "maximum minLength maxLength minItems maxItems pattern title const $ref $defs".split()
)
_TYPES: Final = frozenset("object array string number integer boolean null".split())

# Renders chat and tools; None if the template refuses.
Render = Callable[[list[dict[str, Any]], list[dict[str, Any]]], str | None]


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of text number `index`: as JSON or verbatim, with white space stripped left and right or not."""

    index: int
    is_json: bool
    strips: tuple[bool, bool]

    def fill(self, text: str) -> str:
        """`text` as the template would have written it."""
        text = text.lstrip() if self.strips[0] else text
        text = text.rstrip() if self.strips[1] else text
        return json.dumps(text, ensure_ascii=False)[1:-1] if self.is_json else text


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A rendered template without texts: `parts[i]` precedes `slots[i]`, the last part follows them all."""

    parts: tuple[str, ...]
    slots: tuple[Slot, ...]


class Marks:
    """Replaces texts by marks. `texts` are in the order of their numbers; all `needed` ones must be rendered."""

    def __init__(self, secret: str) -> None:
        self.texts: list[str] = []
        self.needed: set[int] = set()
        self.contents: list[int] = []
        self._secret = secret

    def mark(self, text: str, *, needed: bool = True) -> str:
        """The mark of `text`."""
        index = len(self.texts)
        self.texts.append(text)
        if needed:
            self.needed.add(index)
        return f'q{self._secret}x{index}"q'

    def content(self, text: str) -> str:
        """The padded mark of a message's content, which must be rendered exactly once and in order."""
        self.contents.append(len(self.texts))
        return PADDING + self.mark(text) + PADDING

    def inside(self, value: Any, *, needed: bool, key: str = "") -> Any:
        """`value`, plain JSON, with a mark for each string and key in it that is not a keyword of JSON Schema."""
        if isinstance(value, str):
            return value if not needed and key == "type" and value in _TYPES else self.mark(value, needed=needed)
        if isinstance(value, Mapping):
            return {
                name if not needed and name in _KEYWORDS else self.mark(str(name), needed=needed): self.inside(
                    inner, needed=needed, key=str(name)
                )
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.inside(inner, needed=needed, key=key) for inner in value]
        return value

    def split(self, text: str) -> Skeleton | None:
        """`text` split at its marks; None if a needed one is missing or contents are doubled or out of order."""
        pieces = re.split(rf'q{self._secret}x(\d+)(\\?)"q', text)
        parts, slots = list(pieces[::3]), []
        for place, (number, slash) in enumerate(zip(pieces[1::3], pieces[2::3], strict=True)):
            index, padding = int(number), _JSON_PADDING if slash else PADDING
            strips = (False, False)
            if index in self.contents:
                left, right = parts[place].endswith(padding), parts[place + 1].startswith(padding)
                parts[place] = parts[place].removesuffix(padding)
                parts[place + 1] = parts[place + 1].removeprefix(padding)
                strips = (not left, not right)
            slots.append(Slot(index, bool(slash), strips))
        shown = [slot.index for slot in slots]
        is_whole = self.needed.issubset(shown) and [i for i in shown if i in self.contents] == self.contents
        return Skeleton(tuple(parts), tuple(slots)) if is_whole else None


def render(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSpec], secret: str, apply: Render
) -> tuple[Skeleton, list[str]] | None:
    """The skeleton of a conversation with tools and the texts for its slots; None if the template cannot render it.

    For a template without a system message, or that moves it, it becomes the beginning of the first message.
    """
    for folds in (False, True):
        marks = Marks(secret)
        specs = [_tool(tool, marks) for tool in tools]
        text = apply(_chat(messages, marks, folds), specs)
        skeleton = marks.split(text) if text is not None else None
        if skeleton is not None:
            return skeleton, marks.texts
    return None


def new_secret() -> str:
    """A secret for the marks of one encoder."""
    return secrets.token_hex(8)


def calls_as_text(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """The conversation for a template that leaves calls out: they become content, in the platform's form."""
    return [
        PromptMessage(
            role=message.role,
            content=message.content + written([Written(c.name, c.arguments) for c in message.tool_calls]),
            pictures=message.pictures,
        )
        for message in messages
    ]


def as_text(messages: Sequence[PromptMessage], tools: Sequence[ToolSpec]) -> list[PromptMessage]:
    """The conversation for a template without tools: these become content too."""
    plain = calls_as_text(messages)
    if not tools:
        return plain
    schemas = [
        {"name": tool.name, "description": tool.model_description, "parameters": tool.parameters} for tool in tools
    ]
    listed = "Tools, called as <tool_call>{name, arguments}</tool_call>:\n" + json.dumps(schemas, ensure_ascii=False)
    if plain and plain[0].role == "system":
        return [PromptMessage(role="system", content=f"{plain[0].content}\n\n{listed}"), *plain[1:]]
    return [PromptMessage(role="system", content=listed), *plain]


def _tool(tool: ToolSpec, marks: Marks) -> dict[str, Any]:
    function = {
        "name": marks.mark(tool.name),
        "description": marks.mark(tool.model_description, needed=False),
        "parameters": marks.inside(tool.parameters, needed=False),
    }
    return {"type": "function", "function": function}


def _chat(messages: Sequence[PromptMessage], marks: Marks, folds: bool) -> list[dict[str, Any]]:
    """The messages for the template."""
    chat: list[dict[str, Any]] = []
    held = ""
    for place, message in enumerate(with_numbered_calls(messages)):
        content = marks.content(message.content) if message.content or not message.tool_calls else ""
        content = PICTURE * len(message.pictures) + content
        if folds and place == 0 and message.role == "system" and len(messages) > 1:
            held = content + "\n\n"
            continue
        turn: dict[str, Any] = {"role": message.role, "content": held + content}
        held = ""
        if message.reasoning:
            turn["reasoning_content"] = marks.mark(message.reasoning, needed=False)
        if message.tool_calls:
            turn["tool_calls"] = [_call(call, marks) for call in message.tool_calls]
        if message.role == "tool":
            turn["tool_call_id"] = message.call_id or "0" * 9
            turn["name"] = marks.mark(message.name, needed=False)
        chat.append(turn)
    return chat


def _call(call: MessageCall, marks: Marks) -> dict[str, Any]:
    function = {"name": marks.mark(call.name), "arguments": marks.inside(call.arguments, needed=True)}
    return {"id": call.call_id, "type": "function", "function": function}
