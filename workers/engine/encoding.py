"""Messages to token ids, so that text can never become a control token of the chat template.

The model's template is rendered with placeholders instead of contents (`native.py`). The text between them is the
skeleton and is encoded with all control tokens; contents are encoded by a copy of the tokenizer without added tokens.
`split_special_tokens=True` is not enough: tokens added with special=False (Qwen's `<tool_call>`) are still formed
(measured: 3,520 of 20,000 fuzz strings; the copy without added tokens: 0 of 50,000).

A longer conversation has the ids of the shorter one as its prefix, so the engine's prefix cache stays warm.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from jinja2.exceptions import TemplateError
from tokenizers import Tokenizer

from gpts.runs.messages import PromptMessage, alternating
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError
from workers.engine.calls import CallForm, form_of
from workers.engine.native import PICTURE, Marks, Skeleton, as_text, calls_as_text, new_secret, render

N_CACHED_CONTENTS: Final = 2048
N_CACHED_SKELETONS: Final = 512

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """The `size` most recently used values, safe for many threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The cached value, or `make()` (two threads may both make it)."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Stores `value` and drops the least recently used one if there are too many."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._size:
                self._values.popitem(last=False)


@dataclass(frozen=True, slots=True)
class TemplateTurn:
    """One message of the template: a role, the indices of the contents joined in it, and how many pictures."""

    role: str
    contents: tuple[int, ...]
    n_pictures: int = 0


class ChatEncoder:
    """Turns conversations into token ids for one model, without their pictures; safe for many threads.

    `tokenizer` is a fast transformers tokenizer. Raises EngineError without a chat template, or with gpt-oss's.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not tokenizer.chat_template:
            raise EngineError("The base model has no chat template, so it cannot be used for chats.")
        if "<|channel|>" in str(tokenizer.chat_template):
            raise EngineError(
                "The base model writes its reasoning and its answer in channels (harmony), which the built-in engine "
                "cannot read. Run it with a model server instead."
            )
        self._tokenizer = tokenizer
        # All added tokens, special or not, except runs of white space, which some tokenizers add too.
        added = tokenizer.added_tokens_decoder.items()
        self.control_ids = frozenset(token_id for token_id, token in added if token.content.strip())
        self._skeleton_tokenizer = without_prefixes(tokenizer, keep_added=True)
        self._content_tokenizer = without_prefixes(tokenizer, keep_added=False)
        self._contents: LruCache[str, tuple[int, ...]] = LruCache(N_CACHED_CONTENTS)
        # The ids of a piece of the template, with its control tokens.
        self.skeleton_ids = lru_cache(N_CACHED_SKELETONS)(self._encode_part)
        self._skeletons: LruCache[tuple[tuple[str, int], ...], Skeleton] = LruCache(N_CACHED_SKELETONS)
        self._rendered: LruCache[str, str | None] = LruCache(N_CACHED_SKELETONS)
        self._secret = new_secret()
        self.form = self._call_form()

    def encode(self, messages: Sequence[PromptMessage], tools: Sequence[ToolSpec] = ()) -> list[int]:
        """The ids of the conversation and of the opening of the assistant's next message."""
        return [token for span, _ in self.spans(messages, tools) for token in span]

    def spans(
        self, messages: Sequence[PromptMessage], tools: Sequence[ToolSpec] = ()
    ) -> list[tuple[tuple[int, ...], bool]]:
        """The prompt in pieces of ids, each with True if it is content (and then free of control tokens)."""
        skeleton, texts = self.skeleton_of(messages, tools)
        return self.filled(skeleton, texts, [self.skeleton_ids(part) for part in skeleton.parts])

    def skeleton_of(
        self, messages: Sequence[PromptMessage], tools: Sequence[ToolSpec] = ()
    ) -> tuple[Skeleton, list[str]]:
        """The conversation as the template renders it, and the texts for its slots.

        Tools and calls are rendered by the template if it knows them, else they are content in the platform's form.
        Some know only tools (SmolLM3's), no call after a text (Llama's), or no two messages of a role (Mistral's).
        """
        if tools or any(message.tool_calls for message in messages):
            for told in (messages, alternating(messages), calls_as_text(messages)) if self.form else ():
                native = render(told, tools, self._secret, self._apply)
                if native is not None:
                    return native
            messages = as_text(messages, tools)
        shape = tuple((message.role, len(message.pictures)) for message in messages)
        skeleton = self._skeletons.get(shape, lambda: self._skeleton(shape))
        return skeleton, [message.content for message in messages]

    def filled(
        self, skeleton: Skeleton, texts: Sequence[str], parts: Sequence[tuple[int, ...]]
    ) -> list[tuple[tuple[int, ...], bool]]:
        """The ids of the `parts` of `skeleton`, and between them those of the `texts` in its slots, as `spans`."""
        pieces = [(parts[0], False)]
        for slot, part in zip(skeleton.slots, parts[1:], strict=True):
            pieces.append((self.content_ids(slot.fill(texts[slot.index])), True))
            pieces.append((part, False))
        return pieces

    def remember(self, text: str, ids: Sequence[int]) -> None:
        """Encodes `text`, which the model wrote as `ids`, as exactly these ids when it comes back as history.

        The tokenizer might split it otherwise, and the cached keys and values of the reply would be lost.
        """
        if self.control_ids.isdisjoint(ids):
            self._contents.put(text, tuple(ids))

    def end_ids(self) -> frozenset[int]:
        """The control tokens with which the template closes an assistant's message."""
        skeleton = self._marked([TemplateTurn("user", (0,)), TemplateTurn("assistant", (1,))], prompt=False)
        closing = self.skeleton_ids(skeleton.parts[-1].lstrip()) if skeleton else ()
        return frozenset(closing[:1]) & self.control_ids

    def _call_form(self) -> CallForm | None:
        """The form of calls that the template describes and renders; None if it has no tools."""
        template = self._tokenizer.chat_template
        form = form_of(template if isinstance(template, str) else "\n".join(template.values()), self._tokenizer)
        probe = ToolSpec(name="probe", description="", parameters={"type": "object", "properties": {}})
        known = render([PromptMessage(role="user", content="?")], [probe], self._secret, self._apply)
        return form if known is not None else None

    def _apply(self, chat: list[dict[str, Any]], tools: list[dict[str, Any]]) -> str | None:
        """The template's rendering of marked messages and tools; None if it refuses them."""
        return self._rendered.get(json.dumps([chat, tools]), lambda: self._render(chat, tools))

    def _render(
        self, chat: list[dict[str, Any]], tools: Sequence[dict[str, Any]] = (), prompt: bool = True
    ) -> str | None:
        chat = [{**turn, "content": self._content(turn["content"])} for turn in chat]
        try:
            text: str = self._tokenizer.apply_chat_template(
                chat, tools=list(tools) or None, tokenize=False, add_generation_prompt=prompt
            )
        except (TemplateError, ValueError, TypeError, KeyError):
            return None
        return text

    def _content(self, marked: str) -> Any:
        """A message's content as the template wants it; PICTURE stands for pictures, which are left out here."""
        return marked.replace(PICTURE, "")

    def content_ids(self, text: str) -> tuple[int, ...]:
        """The ids of `text`, free of control tokens."""
        return self._contents.get(text, lambda: tuple(self._encode_content(text)))

    def _encode_part(self, text: str) -> tuple[int, ...]:
        return tuple(self._skeleton_tokenizer.encode(text, add_special_tokens=False).ids)

    def _encode_content(self, text: str) -> list[int]:
        """The ids of `text` without control tokens.

        A vocabulary may list a control token among its ordinary pieces (SentencePiece's `</s>`) or use it for unknown
        characters; then the text is encoded character by character and without those.
        """
        ids: list[int] = self._content_tokenizer.encode(text, add_special_tokens=False).ids
        if self.control_ids.isdisjoint(ids):
            return ids
        pieces = (self._content_tokenizer.encode(char, add_special_tokens=False).ids for char in text)
        return [token for piece in pieces for token in piece if token not in self.control_ids]

    def _skeleton(self, shape: tuple[tuple[str, int], ...]) -> Skeleton:
        """The template around contents with these roles and pictures, folded into what the template accepts."""
        plain = [TemplateTurn(role, (index,), n_pictures) for index, (role, n_pictures) in enumerate(shape)]
        for turns in (plain, _folded(plain, keep_system=True), _folded(plain, keep_system=False)):
            if (skeleton := self._marked(turns)) is not None:
                return skeleton
        roles = ", ".join(role for role, _ in shape)
        raise EngineError(f"The base model's chat template does not accept messages with the roles {roles}.")

    def _marked(self, turns: Sequence[TemplateTurn], prompt: bool = True) -> Skeleton | None:
        """The rendering of `turns`; None if the template refuses, drops, doubles or reorders a content."""
        marks = Marks(self._secret)
        chat = [
            {
                "role": turn.role,
                "content": PICTURE * turn.n_pictures + "\n\n".join(marks.content("") for _ in turn.contents),
            }
            for turn in turns
        ]
        text = self._render(chat, prompt=prompt)
        return marks.split(text) if text is not None else None


def _folded(turns: Sequence[TemplateTurn], keep_system: bool) -> list[TemplateTurn]:
    """Alternating user and assistant turns with the same contents in the same order.

    For templates without a tool role, without two messages of one role in a row, or (unless `keep_system`) without a
    system message: every message that is not the assistant's becomes part of the user's.
    """
    folded: list[TemplateTurn] = []
    for position, turn in enumerate(turns):
        keeps_role = turn.role == "assistant" or (keep_system and turn.role == "system" and position == 0)
        role = turn.role if keeps_role else "user"
        if folded and folded[-1].role == role:
            last = folded[-1]
            folded[-1] = TemplateTurn(role, last.contents + turn.contents, last.n_pictures + turn.n_pictures)
        else:
            folded.append(TemplateTurn(role, turn.contents, turn.n_pictures))
    return folded


def without_prefixes(tokenizer: Any, keep_added: bool) -> Tokenizer:
    """A copy that adds nothing to the text: no leading space, no begin and end tokens, and (unless `keep_added`)
    without any added token."""
    spec: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    spec["post_processor"] = spec["truncation"] = spec["padding"] = None
    spec["normalizer"] = _no_prefix(spec["normalizer"])
    spec["pre_tokenizer"] = _no_prefix(spec["pre_tokenizer"])
    if not keep_added:
        spec["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(spec))


def _no_prefix(stage: dict[str, Any] | None) -> dict[str, Any] | None:
    """The normalizer or pre-tokenizer `stage` without the step that prepends a space."""
    if stage is None or stage["type"] == "Prepend":
        return None
    for key in ("normalizers", "pretokenizers"):
        if key in stage:
            kept = [_no_prefix(inner) for inner in stage[key]]
            return {**stage, key: [inner for inner in kept if inner is not None]}
    if stage["type"] == "Metaspace":
        return {**stage, "prepend_scheme": "never"}
    if stage["type"] == "ByteLevel":
        return {**stage, "add_prefix_space": False}
    return stage
