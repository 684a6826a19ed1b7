"""Grammars over token ids: compiled once, then one small state per reply that gives the allowed next tokens.

llguidance was chosen over xgrammar after a test on 28 schemas (2026-11-24, 49,152 tokens, one core): it wrote no
invalid value and refuses what it cannot follow, where xgrammar wrote invalid values for 6 (allOf, if, contains,
uniqueItems, oneOf, pattern with a length); it compiles in 0.3 to 1.6 ms instead of 0.1 to 83 ms; a mask costs 6 to
170 µs instead of 2 to 2,100 µs; and it has no dependencies.

A reply must not end in the middle of a value: when the tokens left are only just enough to close what is open, the
shortest closing is forced.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import llguidance
import llguidance.hf
import numpy as np

from gpts.spec.tools import ToolSpec
from workers.engine.base import Grammar, SchemaRefused
from workers.engine.calls import CallForm
from workers.engine.encoding import LruCache
from workers.engine.schemas import bounded, checked_size, loosened

N_COMPILED: Final = 128
MAX_CALLS: Final = 8
# As json.dumps writes and models saw it in training: one space, no line breaks, no white space to loop in.
_WRITTEN: Final[Any] = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "coerce_one_of": True,
}
# Spare tokens for one more value before the closing must be forced.
MIN_SPARE: Final = 16
# A schema whose shortest closing is longer demands more than a reply may contain.
MAX_CLOSING: Final = 1_024
_QUOTE: Final = ord('"')
# The preferred first bytes outside strings, so that an open value ends soon.
_CLOSING_ORDER: Final = b'}],n1234567890tf"[{-.'
# What a string grows by, in turn, while its pattern does not allow its end: enough for addresses and simple codes.
_FILLING: Final = b"abc@1.-A"
# From this many tokens on, every second one is the longest allowed, as the string must become long.
_LONG_AFTER: Final = 12


class TokenTable:
    """The first byte and the length of every token's text; zero for control tokens."""

    def __init__(self, tokenizer: Any) -> None:
        texts = [
            b"" if tokenizer.is_special_token(i) else tokenizer.decode_bytes([i]) for i in range(tokenizer.vocab_size)
        ]
        self.texts = texts
        self.first = np.array([text[0] if text else 0 for text in texts], np.uint8)
        self.length = np.array([len(text) for text in texts], np.int32)

    def pick(self, allowed: np.ndarray, in_string: bool, turn: int) -> int:
        """The id among `allowed` `(n,)` that ends an open JSON value soonest; `turn` counts the calls."""
        first, length = self.first[allowed], self.length[allowed]
        filling = _FILLING[turn % len(_FILLING) :] + _FILLING if len(allowed) > 8 else b""
        for byte in bytes([_QUOTE]) + filling if in_string else _CLOSING_ORDER:
            found = np.flatnonzero(first == byte)
            if len(found):
                is_long = byte in b"}]" or (in_string and byte != _QUOTE and turn >= _LONG_AFTER and turn % 2)
                best = length[found].argmax() if is_long else length[found].argmin()
                return int(allowed[found[best]])
        return int(allowed[length.argmax()])


class JsonPlace:
    """Whether the text so far ends inside a JSON string."""

    def __init__(self) -> None:
        self.in_string = False
        self._escaped = False

    def copy(self) -> "JsonPlace":
        other = JsonPlace()
        other.in_string, other._escaped = self.in_string, self._escaped
        return other

    def read(self, text: bytes) -> None:
        for byte in text:
            if self._escaped:
                self._escaped = False
            elif byte == _QUOTE:
                self.in_string = not self.in_string
            elif self.in_string and byte == ord("\\"):
                self._escaped = True


class GrammarState:
    """One reply under a grammar. For the batch's thread only, except for `error` once the reply has ended.

    `strayed`: it has written a forbidden token where the batch checks tokens afterwards. `is_loose`: it follows only
    the outermost names and types of its schema.
    """

    def __init__(self, matcher: Any, table: TokenTable, end_ids: frozenset[int], max_tokens: int, spare: int) -> None:
        self.error = ""
        self.strayed = False
        self.is_loose = False
        self.ends_in_string = False
        self._matcher = matcher
        self._table = table
        self._end_ids = sorted(end_ids)
        self._max_tokens = max_tokens
        self._spare = spare
        self._n_read = 0
        self._place = JsonPlace()
        self._check_at = max_tokens
        self._forced: list[int] = []
        self._bits = np.zeros((len(table.texts) + 31) // 32 * 4, np.uint8)

    def __deepcopy__(self, memo: object) -> "GrammarState":
        """Itself: a request that the batch restarts continues with what it has written."""
        return self

    def read(self, generated: Sequence[int]) -> None:
        """Reads the new tokens of `generated`, the whole reply so far."""
        for token in generated[self._n_read :]:
            self._n_read += 1
            if token in self._end_ids or self.error:
                continue
            if not self._matcher.consume_token(token):
                self.error = _sentence(self._matcher.get_error())
            elif self._matcher.is_accepting():
                self._place = JsonPlace()
            else:
                self._place.read(self._table.texts[token])
            self._forced = self._forced[1:] if self._forced and self._forced[0] == token else []

    def allowed(self) -> np.ndarray:
        """The allowed next tokens, `(vocabulary / 8,)` uint8, lowest bit first. Valid until the next call."""
        if not self.error and not self._forced:
            self._plan_closing(self._max_tokens - self._n_read)
        if self._forced:
            return self._only(self._forced[:1])
        if self.error or self._matcher.is_stopped():
            return self._only(self._end_ids)
        self._fill(self._matcher)
        return self._bits if not self.error and self._bits.any() else self._only(self._end_ids)

    def _fill(self, matcher: Any) -> None:
        matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        if matcher.is_error():
            self.error = _sentence(matcher.get_error())

    def _only(self, ids: Sequence[int]) -> np.ndarray:
        self._bits[:] = 0
        for token in ids:
            self._bits[token // 8] |= 1 << token % 8
        return self._bits

    def _plan_closing(self, n_left: int) -> None:
        """Forces the closing if the tokens left are only just enough; else sets when to check again."""
        if n_left > self._check_at or self._matcher.is_accepting() or self._matcher.is_stopped():
            return
        closing = self.closing(n_left + 1)
        if closing is None:
            # Each look takes as many steps as tokens are left.
            self._check_at = n_left - max(MIN_SPARE // 2, n_left // 16)
            return
        slack = n_left - len(closing) - 1
        if slack <= self._spare:
            self._forced = closing
        self._check_at = n_left - max(1, (slack - self._spare) // 3)

    def closing(self, at_most: int) -> list[int] | None:
        """A short sequence of tokens to an accepted end; None if none of `at_most` tokens was found.

        Then `ends_in_string` is True if it failed at the pattern of a string.
        """
        matcher, place = self._matcher.deep_copy(), self._place.copy()
        ids: list[int] = []
        while not matcher.is_accepting():
            self.ends_in_string = place.in_string
            self._fill(matcher)
            allowed = np.flatnonzero(np.unpackbits(self._bits, bitorder="little"))
            if len(ids) >= at_most or not len(allowed):
                return None
            ids.append(self._table.pick(allowed, place.in_string, len(ids)))
            if not matcher.consume_token(ids[-1]):
                return None
            place.read(self._table.texts[ids[-1]])
        return ids


class _NotExpressible(SchemaRefused):
    """The grammar library cannot express this schema."""


class GrammarCompiler:
    """Compiles and caches the grammars of one model; safe for many threads, never called by the batch's thread."""

    def __init__(self, tokenizer: Any, n_vocabulary: int, end_ids: frozenset[int], form: CallForm) -> None:
        self._hf_tokenizer = tokenizer
        self._n_vocabulary = n_vocabulary
        self._end_ids = end_ids
        self._form = form
        self._compiled: LruCache[str, tuple[Any, int, bool]] = LruCache(N_COMPILED)
        self._lock = threading.Lock()
        self._made: tuple[Any, TokenTable] | None = None

    def start(self, grammar: Grammar, max_tokens: int) -> GrammarState:
        """The state of a new reply. Raises SchemaRefused, also if the schema does not fit `max_tokens`."""
        if grammar.json_schema is not None:
            checked_size(grammar.json_schema)
        for tool in grammar.tools:
            checked_size(tool.parameters)
        _, table = self._tokens()
        matcher, n_least, is_loose = self._compiled.get(_key(grammar), lambda: self._compile(grammar))
        if n_least + 1 > max_tokens:
            raise SchemaRefused(
                f"A reply of {max_tokens} tokens is too short for this schema, which needs {n_least + 1}."
            )
        spare = max(MIN_SPARE, n_least // 2) if grammar.json_schema is not None else 2 * MIN_SPARE
        state = GrammarState(matcher.deep_copy(), table, self._end_ids, max_tokens, spare)
        state.is_loose = is_loose
        return state

    def texts(self) -> Sequence[bytes]:
        """The text of every token of the model; empty for control tokens."""
        return self._tokens()[1].texts

    def _tokens(self) -> tuple[Any, TokenTable]:
        """The model's tokens for the grammar library; made once, in about half a second."""
        with self._lock:
            if self._made is None:
                ends = sorted(self._end_ids)
                tokens = llguidance.hf.from_tokenizer(self._hf_tokenizer, n_vocab=self._n_vocabulary, eos_token=ends)
                self._made = tokens, TokenTable(tokens)
            return self._made

    def _compile(self, grammar: Grammar) -> tuple[Any, int, bool]:
        """A matcher at its start, the tokens of its shortest reply, and whether it follows less than it could.

        Of a schema that the library cannot express, only the outermost names and types constrain a reply; a tool with
        one keeps no other from being called. Raises SchemaRefused for an answer that no value can be.
        """
        try:
            return *self._compile_all(grammar), False
        except SchemaRefused as refused:
            if not (grammar.tools or isinstance(refused, _NotExpressible)):
                raise
        if grammar.json_schema is not None:
            return *self._compile_all(replace(grammar, json_schema=loosened(grammar.json_schema))), True
        tools = tuple(
            tool if self._can_follow(tool) else tool.model_copy(update={"parameters": loosened(tool.parameters)})
            for tool in grammar.tools
        )
        return *self._compile_all(replace(grammar, tools=tools)), True

    def _can_follow(self, tool: ToolSpec) -> bool:
        try:
            self._compile_all(Grammar(tools=(tool,), required=True))
        except SchemaRefused:
            return False
        return True

    def _compile_all(self, grammar: Grammar) -> tuple[Any, int]:
        tokens, table = self._tokens()
        if grammar.json_schema is not None:
            schema = bounded(grammar.json_schema)
            try:
                text = llguidance.LLMatcher.grammar_from_json_schema(schema, overrides=_WRITTEN)
            except ValueError as error:  # numbers of thousands of digits
                raise _NotExpressible("Replies cannot follow this schema: a number in it is too long.") from error
        else:
            lark = self._form.lark(
                [_call_rule(tool, self._form) for tool in grammar.tools], grammar.required, MAX_CALLS
            )
            text = llguidance.LLMatcher.grammar_from_lark(lark)
        limits = llguidance.LLParserLimits(verbose_errors=False)
        matcher = llguidance.LLMatcher(tokens, text, log_level=0, limits=limits)
        if matcher.is_error():
            reason = _sentence(matcher.get_error())
            kind = SchemaRefused if "nsatisfiable" in reason else _NotExpressible
            raise kind(f"Replies cannot follow this schema: {reason}")
        start = GrammarState(matcher, table, self._end_ids, MAX_CLOSING, 0)
        shortest = start.closing(MAX_CLOSING)
        if start.error or (shortest is None and not start.ends_in_string):
            raise SchemaRefused(f"Replies cannot follow this schema: {start.error or 'it has no short value.'}")
        return matcher, len(shortest or ())


def _key(grammar: Grammar) -> str:
    tools = [[tool.name, tool.parameters] for tool in grammar.tools]
    try:
        return json.dumps([grammar.json_schema, tools, grammar.required])
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaRefused("The JSON schema is not JSON.") from error


def _sentence(error: str) -> str:
    """The library's message of several lines as one line."""
    line = error.rpartition("\nerror: ")[2].split("\n", 1)[0]
    return line[:200] or "the grammar stopped"


def _call_rule(tool: ToolSpec, form: CallForm) -> str:
    """The right side of the Lark rule for one call object."""
    schema = json.dumps({**bounded(tool.parameters), "x-guidance": _WRITTEN})
    arguments = "parameters" if form.style == "llama" else "arguments"
    before = json.dumps(f'{{"name": {json.dumps(tool.name)}, "{arguments}": ')
    return f'{before} %json {schema} "}}"'
