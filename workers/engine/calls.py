"""The forms in which models write tool calls, and their conversion to the form that the platform reads.

A control token opens a call only where the model generated its id; the same characters in ordinary tokens stay text.
Models without such a token open a call by text, as `gpts.runs.replies` reads it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from gpts.runs.replies import CLOSING, OPENING, read_calls, written
from workers.engine.detokenize import Detokenizer

CallStyle = Literal["hermes", "llama", "mistral"]
_TEXT: Final = r"TEXT: /(.|\n)*/"
# A reply of Llama's that begins with a brace is a call.
_TEXT_WITHOUT_BRACE: Final = r"TEXT: /\s*[^{\s](.|\n)*/"


@dataclass(frozen=True, slots=True)
class CallForm:
    """How a model writes calls. `opening_id` is the hidden control token that opens them; None: text opens them.

    `tokens` are the added tokens, hidden or not, for the opening and the closing.

    hermes: `<tool_call>{name, arguments}</tool_call>`, one block a call. llama: the reply is one object
    `{name, parameters}`, perhaps after `<|python_tag|>`. mistral: `[TOOL_CALLS]` and a list of {name, arguments}.
    """

    style: CallStyle = "hermes"
    opening_id: int | None = None
    closing_id: int | None = None
    tokens: tuple[int | None, int | None] = (None, None)

    def lark(self, rules: Sequence[str], required: bool, n_calls: int) -> str:
        """The Lark grammar of a reply whose calls are the objects of `rules`."""
        one_of = " | ".join(f"call_{i}" for i in range(len(rules)))
        start = {"hermes": self._hermes, "llama": self._llama, "mistral": self._mistral}[self.style]
        lines = ["%llguidance {}", *start(required, n_calls), f"object: {one_of}"]
        return "\n".join([*lines, *(f"call_{i}: {rule}" for i, rule in enumerate(rules))])

    def _hermes(self, required: bool, n_calls: int) -> list[str]:
        """The opening as text opens a call as well, so no call can be written outside the grammar."""
        opening, closing = (
            " | ".join([json.dumps(text), *([f"<[{token}]>"] if token is not None else [])])
            for text, token in zip((OPENING, CLOSING), self.tokens, strict=True)
        )
        lines = [
            f'rest: body ("\\n" opening body){{0,{n_calls - 1}}}',
            'body: "\\n" object "\\n" closing',
            f"opening: {opening}",
            f"closing: {closing}",
        ]
        if required:
            return ["start: opening rest", *lines]
        token = f" | TEXT <[{self.tokens[0]}]> rest" if self.tokens[0] is not None else ""
        trigger = f"trigger[lazy]: TEXT {json.dumps(OPENING)}"
        return [f"start: TEXT | trigger rest{token}", trigger, *lines, _TEXT]

    def _llama(self, required: bool, n_calls: int) -> list[str]:
        tag = "" if self.opening_id is None else f"<[{self.opening_id}]>? "
        return [f"start: {tag}object"] if required else [f"start: {tag}object | TEXT?", _TEXT_WITHOUT_BRACE]

    def _mistral(self, required: bool, n_calls: int) -> list[str]:
        calls = f'<[{self.opening_id}]> " "? "[" object (", " object){{0,{n_calls - 1}}} "]"'
        return [f"start: {calls}"] if required else [f"start: TEXT ({calls})?", _TEXT]


def form_of(template: str, tokenizer: Any) -> CallForm | None:
    """The form of calls in a chat template; None if it has no known one."""
    added = {token.content: (token_id, token.special) for token_id, token in tokenizer.added_tokens_decoder.items()}

    def hidden(text: str) -> int | None:
        """The id of a control token that decoding omits."""
        token_id, special = added.get(text, (None, False))
        return token_id if special else None

    if OPENING in template:
        tokens = added.get(OPENING, (None, False))[0], added.get(CLOSING, (None, False))[0]
        return CallForm("hermes", hidden(OPENING), hidden(CLOSING), tokens)
    if "[TOOL_CALLS]" in template and hidden("[TOOL_CALLS]") is not None:
        return CallForm("mistral", hidden("[TOOL_CALLS]"))
    if "<|python_tag|>" in template or '"parameters": ' in template:
        return CallForm("llama", hidden("<|python_tag|>"))
    return None


class CallText:
    """Like Detokenizer, with the calls of a growing reply in the platform's form."""

    def __init__(self, tokenizer: Any, form: CallForm, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._form = form
        self._text = Detokenizer(tokenizer, before=before)
        self._calls: Detokenizer | None = None
        self._body = ""
        self._begun = ""

    @property
    def stopped(self) -> str:
        """Empty: stop strings are for text, not for calls."""
        return ""

    def push(self, ids: Sequence[int]) -> str:
        """The prose that became certain with `ids`; calls are held back until the end."""
        shown = ""
        for token in ids:
            if self._calls is None and token == self._form.opening_id:
                shown += self._prose(self._text.flush())
                self._calls = Detokenizer(self._tokenizer)
            elif self._calls is not None:
                again = token in (self._form.opening_id, self._form.closing_id)
                self._body += "\n" if again else self._calls.push([token])
            else:
                shown += self._prose(self._text.push([token]))
        return shown

    def flush(self) -> str:
        """The rest: the calls in the platform's form, or the raw text of an unfinished one."""
        if self._calls is None:
            rest = self._prose(self._text.flush())
            return self._written(self._body) if self._body else rest
        return self._written(self._body + self._calls.flush())

    def _prose(self, text: str) -> str:
        """`text`, unless the reply begins with a brace where that opens a call."""
        if self._form.style != "llama":
            return text
        if self._body:
            self._body += text
            return ""
        self._begun += text
        if self._begun.lstrip().startswith("{"):
            self._body = self._begun.lstrip()
            return ""
        return text if self._begun.strip() else ""

    def _written(self, body: str) -> str:
        """`body` in the platform's form; an unfinished one stays an open block, which is no call."""
        calls = read_calls(body)
        if calls is None:
            return body if self._form.style == "llama" and self._calls is None else OPENING + body
        return written(calls)
