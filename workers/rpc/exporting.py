"""RPC for exports: a chat as PDF, set in a child process (workers/typesetting) from its texts and pictures."""

import json
import logging
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from gpts.runs.steps import FileRef, Finished, Log, ToolResult, UserMessage
from web.chat.rendering import render_answer
from web.runs import exports
from web.runs.files import PICTURES
from web.runs.models import Conversation, ConversationFile, Run
from workers.isolation.errors import FileError
from workers.isolation.parent import ParserLimits, run_on_bytes

logger = logging.getLogger(__name__)

MAX_CHARS: Final = 2_000_000
MAX_PICTURES_BYTES: Final = 24_000_000
LIMITS: Final = ParserLimits(wall_s=60, cpu_s=45, memory_bytes=2_000_000_000, answer_bytes=64_000_000)
TOO_LONG: Final = "This chat is too long for a PDF. Choose “Print” instead."


def export(conversation_id: UUID, target: Path) -> dict[str, Any]:
    """Write the chat's PDF to `target`; the reason why not is in `refused`."""
    document = _document(Conversation.objects.get(id=conversation_id))
    if sum(len(each.get("html") or each["text"]) for each in document["messages"]) > MAX_CHARS:
        return {"refused": TOO_LONG}
    data = json.dumps(document, ensure_ascii=False).encode()
    try:
        made = run_on_bytes("workers.typesetting.pdf:render", data, limits=LIMITS)
    except FileError as error:
        logger.warning("the chat %s could not be set as PDF: %s", conversation_id, error)
        return {"refused": TOO_LONG}
    if not made.startswith(b"%PDF"):
        refused: dict[str, Any] = json.loads(made)
        return refused
    target.write_bytes(made)
    return {}


def _document(conversation: Conversation) -> dict[str, Any]:
    """What chat.typ shows, but for answers, which are HTML: the child makes nodes of it."""
    room = _Room(conversation.owner_id)
    messages = [each for run, steps in exports.turns_of(conversation) for each in _turn(run, steps, room)]
    about = f"{conversation.version.spec().name}, {conversation.created:%Y-%m-%d}"
    return {"title": conversation.title or "Chat", "about": about, "messages": messages}


def _turn(run: Run, steps: Log, room: "_Room") -> Iterator[dict[str, Any]]:
    asked, answered = exports.messages_of(run, steps)
    first, last = steps[0], steps[-1]
    assert isinstance(first, UserMessage)
    received = f"\n\nReceived by webhook:\n{first.received}" if first.received else ""
    yield _message("You", room.shown(first.attachments), text=asked["content"] + received)
    cited = last.citations if isinstance(last, Finished) else ()
    html = render_answer(answered["content"], cited, lambda index: f"<sup>{cited[index].tag}</sup>")
    named = {
        f"{each['index']}. " + ", ".join(filter(None, (each["file"], each["place"]))) + f": “{each['quote']}”": None
        for each in answered["sources"]
    }
    made = room.shown(file for step in steps if isinstance(step, ToolResult) for file in step.files)
    yield _message(exports.speaker(answered), made, html=str(html), sources=list(named))


def _message(who: str, shown: "_Shown", sources: list[str] | None = None, **content: str) -> dict[str, Any]:
    return {"who": who, "pictures": shown.pictures, "files": shown.rest, "sources": sources or [], **content}


@dataclass(frozen=True, slots=True)
class _Shown:
    """Files of a message: its pictures in base64, and the names of the others in a sentence."""

    pictures: list[dict[str, str]]
    rest: str


@dataclass(slots=True)
class _Room:
    """The files of `owner_id` that a chat shows, and the bytes that are left for pictures."""

    owner_id: int
    n_bytes: int = MAX_PICTURES_BYTES

    def shown(self, refs: Iterable[FileRef]) -> _Shown:
        """These files, pictures as far as there is room."""
        every = tuple(refs)
        wanted = [ref.id for ref in every if ref.mime in PICTURES]
        rows = ConversationFile.objects.kept().filter(owner=self.owner_id, id__in=wanted).in_bulk()
        pictures, names = [], []
        for ref in every:
            file = rows.get(UUID(ref.id)) if ref.id in wanted else None
            if file and file.size <= self.n_bytes and file.path.exists():
                self.n_bytes -= file.size
                pictures.append({"name": ref.name, "data": b64encode(file.path.read_bytes()).decode()})
            else:
                names.append(ref.name)
        return _Shown(pictures, f"Files: {', '.join(names)}" if names else "")
