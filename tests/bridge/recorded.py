"""Conversations with a capable model, one JSON Lines file per GPT, that the real loop plays again.

The first line has the GPTs as exported (`gpts`: `package` is what `gpt.json` holds, `texts` what its paths lead to;
the last one is chatted with, the others are its delegates), the model's `context_tokens`, whether it `verifies` its
sentences, and `today`. Each other line is a turn: its `chat`, the person's `message` and attached `files`, the
model's raw `replies`, and what comes of it:

- `checked`: what the model says of the sentences that it is asked to verify, by sentence,
- `answer`, `coverage`,
- `levels`: each sentence of the answer that has a level of support, with it,
- `cites`: each sentence with a citation, and the name of the file.

A turn without replies is played by the model server at $BRIDGE, and what a turn lacks is written to its file.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

from gpts.portable.archive import OWN, Contents
from gpts.portable.found import Found
from gpts.portable.package import read_package
from gpts.runs.messages import PromptMessage
from gpts.runs.steps import Finished
from gpts.spec.tools import ToolSpec
from tests.bridge.server import write
from tests.publishing import publish
from tests.workers.trees import Worker
from web.accounts.models import User
from web.builder import imports
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.runs import files, log
from web.runs.models import Conversation, Run
from web.runs.services import start_conversation, start_run
from workers.engine.base import EngineConfig, GenerationRequest, Token
from workers.engine.remote import RemoteEngine
from workers.engine.scripted import CAPABLE, ScriptedEngine
from workers.indexing.files import index_next
from workers.knowledge.embed import shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.kept_notes import KeptNotes
from workers.runs.services import Services
from workers.smallmodel.conversation.classifier import MessageClassifier
from workers.smallmodel.routing.router import Router
from workers.smallmodel.small_model import SmallModel

FOLDER = Path(__file__).parent / "recorded"
DEADLINE_S = 3600.0
_NUMBERED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
Turn = dict[str, Any]


class Model(ScriptedEngine):
    """Gives the replies of a turn, or asks the model server at $BRIDGE for them and notes them down."""

    def __init__(self, context_tokens: int, *, verifies: bool) -> None:
        its = {"keeps_to_sources": True, "context_tokens": context_tokens, "verifies": verifies}
        ability = CAPABLE.model_copy(update=its)
        super().__init__(self._next, ability)
        self.replies: list[str] | None = []
        self.checked: dict[str, str] = {}
        self.n_asked = 0
        self.noted: list[str] = []

    @cached_property
    def _server(self) -> RemoteEngine:
        return RemoteEngine(EngineConfig(engine="remote", remote_url=os.environ["BRIDGE"], remote_model="bridge"))

    def play(self, turn: Turn) -> None:
        """Begin the turn."""
        self.replies, self.n_asked, self.noted = turn.get("replies"), 0, []
        self.checked = dict(turn.get("checked", {}))

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`."""
        return super().stream(request) if self.replies is not None else self._noted(request)

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """As for a model behind a server."""
        return RemoteEngine.count_tokens(self, messages, tools)  # type: ignore[arg-type]

    def _next(self, messages: tuple[PromptMessage, ...]) -> str:
        if asked := sentences_in(messages[-1]):
            return "\n".join(f"{n}. {said}" for n, each in asked if (said := self.checked.get(each)))
        self.n_asked += 1
        replies = self.replies or []
        assert self.n_asked <= len(replies), f"the model was asked once more: {messages[-1]}"
        return replies[self.n_asked - 1]

    def _noted(self, request: GenerationRequest) -> Iterator[Token]:
        reasoning = text = ""
        for token in self._server.stream(replace(request, deadline_s=DEADLINE_S)):
            reasoning, text = reasoning + token.reasoning, text + token.text
            yield token
        if asked := sentences_in(request.messages[-1]):
            said = dict(_NUMBERED.findall(text))
            self.checked |= {each: said[n] for n, each in asked if n in said}
        else:
            self.noted.append(f"<think>{reasoning}</think>{text}" if reasoning else text)


def sentences_in(message: PromptMessage) -> list[tuple[str, str]]:
    """The sentences, with their numbers, that a message asks the model to verify; else none."""
    head, _, rest = (message.content or "").partition("\n\n")
    return _NUMBERED.findall(rest.partition("\n\n")[0]) if head.startswith("Check these sentences") else []


class Stage:
    """A site in this process with the GPTs of a file, and a worker whose model is `Model`."""

    def __init__(self, owner: User, given: dict[str, Any], sent_tasks: list[tuple[str, str, str]]) -> None:
        self.owner = owner
        self.gpt = [make_gpt(owner, **each) for each in given["gpts"]][-1]
        self.model = Model(given.get("context_tokens", 32_768), verifies=given.get("verifies", False))
        self.worker = Worker(sent_tasks, self._services())
        self.chats: dict[str, Conversation] = {}

    def play(self, turn: Turn) -> Turn:
        """The turn with what comes of it now."""
        self.model.play(turn)
        run = self._start(turn)
        self.worker.n_advanced = 0
        self.worker.drain()
        replies = turn.get("replies", self.model.noted)
        if "replies" in turn:
            assert self.model.n_asked == len(replies), (
                f"{len(replies) - self.model.n_asked} replies were not asked for"
            )
        checked = {"checked": self.model.checked} if self.model.checked else {}
        return {**turn, "replies": replies, **checked, **outcome(run)}

    def _start(self, turn: Turn) -> Run:
        chat = self.chats.get(turn["chat"])
        if chat is None:
            chat = self.chats[turn["chat"]] = start_conversation(self.owner, self.gpt)
            chat.save()
        attached = [
            files.attach(self.owner, name, [text.encode()]).id for name, text in turn.get("files", {}).items()
        ]
        while index_next():
            pass
        return start_run(chat, turn["message"], attached)

    def _services(self) -> Services:
        embedder = shared_embedder()
        index = KnowledgeIndex(settings.GUILDHALL_HOME, embedder)
        small = SmallModel(self.model, Router(embedder), MessageClassifier(embedder), embedder.similarity, DEADLINE_S)
        return Services(self.model, index, embedder, small, KeptNotes(settings.GUILDHALL_HOME), DEADLINE_S)


def make_gpt(owner: User, package: dict[str, Any], texts: dict[str, str] | None = None) -> Gpt:
    """An exported GPT imported, its files read, and published."""
    found = Found(OWN, read_package(json.dumps(package).encode()))
    gpt = imports.store(imports.prepare(owner, found, Contents(texts or {})), {})
    while index_next():
        pass
    publish(gpt, Sharing.STORE)
    return gpt


def outcome(run: Run) -> Turn:
    """What came of a turn."""
    end = log.read(run.id)[-1]
    assert isinstance(end, Finished), end
    return {
        "answer": end.text,
        "coverage": end.coverage,
        "levels": [[end.text[each.answer_start : each.answer_end], each.level] for each in end.support],
        "cites": [[end.text[each.answer_start : each.answer_end], each.file_name] for each in end.citations],
    }


def read(path: Path) -> tuple[dict[str, Any], list[Turn]]:
    """The GPTs and the turns of a file."""
    given, *turns = map(json.loads, path.read_text("utf-8").splitlines())
    return given, turns


def save(path: Path, given: dict[str, Any], turns: list[Turn]) -> None:
    """Write the file anew."""
    write(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in (given, *turns)))
