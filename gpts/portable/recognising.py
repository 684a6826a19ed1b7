"""Tells what a text is by what is in it, whatever its file is called.

A text of 20 MB can take a minute and gigabytes, so that only a confined process does it (`workers/readers`).
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from gpts.portable import chatgpt, chatgpt_chats, librechat, modelfile, open_webui, other_chats
from gpts.portable.chats import Chat
from gpts.portable.errors import NotImportable
from gpts.portable.found import Found
from gpts.portable.package import FORMAT

# A JSON file with more is only read as an export of chats, one chat at a time.
MAX_JSON_CHARS: Final = 20_000_000
# Of one import.
MAX_GPTS: Final = 50
_OPENAPI: Final = re.compile(r"""^(openapi|swagger)\s*:\s*["']?\d""", re.M)
_CHATS: Final = re.compile(r'"(?:mapping|history)"\s*:\s*\{|"conversationId"\s*:')


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a text is: GPTs, an OpenAPI document, an export of chats, or nothing that is known (a "file")."""

    kind: Literal["gpts", "openapi", "chats", "file"]
    gpts: tuple[Found, ...] = ()


_AS_JSON: Final = TypeAdapter(Recognised)


def to_json(recognised: Recognised) -> bytes:
    """What was recognised, for another process."""
    return _AS_JSON.dump_json(recognised)


def from_json(data: bytes) -> Recognised:
    """What another process recognised."""
    return _AS_JSON.validate_json(data)


def recognise(text: str, name: str = "") -> Recognised:
    """What `text` is, of a file with this name. Raises NotImportable for a part of an exported GPT."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "[") and len(text) <= MAX_JSON_CHARS:
        try:
            value = _storable(json.loads(text.lstrip("\ufeff")))
        except (ValueError, RecursionError):
            return Recognised("chats" if has_chats(text[:100_000]) else "file")
        return _of_value(value)
    if start in ("{", "["):
        return Recognised("chats" if has_chats(text[:100_000]) else "file")
    if _OPENAPI.search(text[:20_000]):
        return Recognised("openapi")
    if modelfile.is_modelfile(text):
        stem = re.sub(r"\.?modelfile$|\.txt$", "", name, flags=re.I)
        return Recognised("gpts", (modelfile.read_modelfile(text, stem),))
    return Recognised("file")


def recognise_pasted(text: str) -> Recognised:
    """What a person pasted: a text that is nothing else was copied out of ChatGPT's editor. Raises NotImportable."""
    found = recognise(text)
    if found.kind != "file":
        return found
    if text.lstrip()[:1] in ("{", "["):
        raise NotImportable("This JSON is none of the exports that can be imported, or it is damaged.")
    return Recognised("gpts", (chatgpt.read_text(text),))


def has_chats(start: str) -> bool:
    """Whether a JSON text that begins so is an export of chats."""
    return bool(_CHATS.search(start))


def _of_value(value: Any) -> Recognised:
    if isinstance(value, dict) and ("openapi" in value or "swagger" in value):
        return Recognised("openapi")
    if isinstance(value, dict) and value.get("format") == FORMAT:
        raise NotImportable("This is only a part of an exported GPT. Import the whole file (.gpt.zip).")
    entries = value if isinstance(value, list) else _wrapped(value)
    if any(read_chat(each) for each in entries):
        return Recognised("chats")
    found = [chatgpt.read_gizmo(each) for each in chatgpt.gizmos_in(value)]
    found = found or [open_webui.read_model(each) for each in open_webui.models_in(value)]
    found = found or [librechat.read_agent(each) for each in librechat.agents_in(value)]
    if len(found) > MAX_GPTS:
        raise NotImportable(f"This import has {len(found)} GPTs. Up to {MAX_GPTS} fit.")
    return Recognised("gpts", tuple(found)) if found else Recognised("file")


def _wrapped(value: Any) -> list[Any]:
    inner = value.get("conversations") or value.get("chats") if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else [value]


def read_chat(value: Any) -> Chat | None:
    """The chat in one item of an export, or None if it is none."""
    if chatgpt_chats.is_conversation(value):
        return chatgpt_chats.read_conversation(value)
    if other_chats.is_open_webui(value):
        return other_chats.read_open_webui(value)
    return other_chats.read_librechat(value) if other_chats.is_librechat(value) else None


def _storable(value: Any) -> Any:
    """`value` without halves of surrogate pairs, which JSON can hold and a database cannot."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
