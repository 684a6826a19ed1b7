"""Replies under a grammar: always whole and valid, beside free ones in one batch, safe from hostile schemas."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpts.runs.messages import PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from workers.engine.base import GenerationRequest, Grammar, GrammarError, Sampling, Token
from workers.engine.calls import CallForm
from workers.engine.checked import call_problem, checked, json_problem
from workers.engine.grammar import GrammarCompiler
from workers.engine.schemas import bounded, follows, problem
from workers.engine.scripted import ScriptedEngine

# Schemas of all kinds, such as actions and callers bring them.
SCHEMAS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("schemas.json").read_text("utf-8"))
QUESTION = (PromptMessage(role="user", content="Make up an example as JSON."),)
COUNT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
STOCK = ToolSpec(name="stock", description="How many are left.", parameters=COUNT)
nested: Any = {"type": "string"}
for _ in range(5000):
    nested = {"type": "object", "properties": {"a": nested}}
HOSTILE: dict[str, Any] = {
    "a megabyte of enum": {"enum": [f"value {i}" for i in range(100_000)]},
    "thousands of levels": nested,
    "no end": {"$defs": {"a": {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}, "required": ["x"]}}}
    | {"$ref": "#/$defs/a"},
    "itself": {"$ref": "#"},
    "another document": {"$ref": "http://127.0.0.1/schema"},
    "a missing part": {"$ref": "#/$defs/nowhere"},
    "not a schema": {"type": "strin"},
    "too many items": {"type": "array", "items": {"type": "string"}, "minItems": 5000},
    "no value": {"type": "object", "properties": {"a": False}, "required": ["a"]},
}


@pytest.fixture(scope="module")
def compiler(bundled_tokenizer: Any) -> GrammarCompiler:
    return GrammarCompiler(bundled_tokenizer, len(bundled_tokenizer), frozenset([0, 2]), CallForm())


def write(compiler: GrammarCompiler, tokenizer: Any, grammar: Grammar, max_tokens: int, seed: int) -> str:
    """What a model without any sense writes: each allowed token is as likely as any other."""
    draw, state = np.random.default_rng(seed), compiler.start(grammar, max_tokens)
    written: list[int] = []
    while len(written) < max_tokens:
        state.read(written)
        token = int(draw.choice(np.flatnonzero(np.unpackbits(state.allowed(), bitorder="little"))))
        if token in (0, 2):
            break
        written.append(token)
    return str(tokenizer.decode(written))


@pytest.mark.model
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_model_without_sense_writes_a_valid_value_within_its_tokens(
    name: str, compiler: GrammarCompiler, bundled_tokenizer: Any
) -> None:
    for seed, max_tokens in enumerate((110, 150, 300)):
        text = write(compiler, bundled_tokenizer, Grammar(json_schema=SCHEMAS[name]), max_tokens, seed)
        assert json_problem(text, SCHEMAS[name]) == ""


@pytest.mark.model
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused_in_a_sentence_and_in_time(name: str, compiler: GrammarCompiler) -> None:
    started = time.process_time()
    with pytest.raises(GrammarError, match=r"schema"):
        compiler.start(Grammar(json_schema=HOSTILE[name]), 400)
    assert time.process_time() - started < 10


@pytest.mark.model
def test_a_tool_that_no_grammar_can_follow_keeps_no_other_from_being_called(
    compiler: GrammarCompiler, bundled_tokenizer: Any
) -> None:
    odd = STOCK.model_copy(update={"name": "odd", "parameters": HOSTILE["no value"] | {"type": "object"}})
    grammar = Grammar(tools=(odd, STOCK), required=True)
    for seed in range(4):
        [call, *_] = parse(write(compiler, bundled_tokenizer, grammar, 150, seed))[1]
        assert call.name == "odd" or isinstance(call.arguments["n"], int)


@pytest.mark.model
def test_too_few_tokens_for_the_shortest_value_are_refused(compiler: GrammarCompiler) -> None:
    with pytest.raises(GrammarError, match="too short"):
        compiler.start(Grammar(json_schema=SCHEMAS["many fields"]), 20)


def test_what_a_schema_leaves_open_is_bounded() -> None:
    schema = bounded({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array"}}})
    assert schema["properties"]["a"]["maxLength"] == 400
    assert schema["properties"]["b"]["maxItems"] == 20
    assert schema["additionalProperties"] is False


def test_a_catastrophic_pattern_is_checked_in_no_time() -> None:
    started = time.process_time()
    assert problem("a" * 5000 + "!", {"type": "string", "pattern": "^(a+)+$"})
    assert problem("a" * 5000, {"type": "string", "pattern": "^(a+)+$"}) == ""
    assert time.process_time() - started < 1


# Schemas that the grammar follows in part, with a value for each that only the check afterwards finds wrong.
PARTLY: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "not": ({"type": "string", "not": {"const": "a"}}, "b", "a"),
    "if": (
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "if": {"required": ["a"]},
            "then": {"required": ["b"]},
        },
        {"a": 1, "b": 2},
        {"a": 1},
    ),
    "contains": ({"type": "array", "items": {"type": "integer"}, "contains": {"const": 1}}, [2, 1], [2]),
    "equal items": ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [2, 1], [1, 1]),
    "names": ({"type": "object", "propertyNames": {"maxLength": 2}}, {"ab": 1}, {"abc": 1}),
    "dependent names": ({"type": "object", "dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
    "older dependencies": ({"type": "object", "dependencies": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
    "unevaluated": (
        {"allOf": [{"properties": {"a": {}}}], "type": "object", "unevaluatedProperties": False},
        {"a": 1},
        {"b": 1},
    ),
    "an anchor": (
        {"$defs": {"n": {"$anchor": "n", "type": "integer"}}, "properties": {"a": {"$ref": "#n"}}, "required": ["a"]},
        {"a": 1},
        {"a": "x"},
    ),
}
# Of these it can express nothing but the outermost names and types.
LOOSE: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "a place in a tuple": (
        {
            "type": "object",
            "properties": {
                "t": {"type": "array", "items": [{"type": "integer"}]},
                "n": {"$ref": "#/properties/t/items/0"},
            },
            "required": ["n"],
        },
        {"n": 1},
        {"n": "x"},
    ),
}
# And those that it follows, though it does not know what they are written in.
WHOLLY: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "a tuple": (
        {"type": "array", "items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False},
        [1, "a"],
        ["a"],
    ),
    "one of two names": (
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        {"a": "x"},
        {},
    ),
    "an exclusive limit": ({"type": "integer", "minimum": 3, "exclusiveMinimum": True, "maximum": 9}, 4, 3),
}
RECORD = {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "integer"}}


@pytest.mark.parametrize("name", [*PARTLY, *WHOLLY])
def test_what_the_grammar_cannot_follow_is_checked_afterwards(name: str) -> None:
    schema, good, bad = (PARTLY | WHOLLY)[name]
    assert bounded(schema)
    assert (problem(good, schema), bool(problem(bad, schema))) == ("", True)
    assert follows(schema) == (name in WHOLLY)


@pytest.mark.model
@pytest.mark.parametrize("name", [*PARTLY, *WHOLLY, *LOOSE])
def test_replies_are_still_constrained_to_the_rest(
    name: str, compiler: GrammarCompiler, bundled_tokenizer: Any
) -> None:
    schema = (PARTLY | WHOLLY | LOOSE)[name][0]
    assert compiler.start(Grammar(json_schema=schema), 150).is_loose == (name in LOOSE)
    text = write(compiler, bundled_tokenizer, Grammar(json_schema=schema), 150, 1)
    assert problem(json.loads(text), {key: schema[key] for key in ("type",) if key in schema}) == ""
    assert name not in WHOLLY or json_problem(text, schema) == ""


def test_the_names_of_a_record_become_its_properties() -> None:
    assert set(bounded(RECORD)["properties"]) == {"a", "b"}
    assert problem({"c": 1}, RECORD)


def test_a_pattern_that_no_automaton_reads_neither_constrains_nor_hangs() -> None:
    ahead = {"type": "string", "pattern": "^(?=a)(a+)+$"}
    assert "pattern" not in bounded(ahead)
    started = time.process_time()
    hostile = {"patternProperties": {"^(?=a)(a+)+$": {}}, "additionalProperties": False}
    assert problem({"a" * 5000 + "!": 1}, {**hostile, "unevaluatedProperties": False}) == ""
    assert problem("a" * 5000 + "!", ahead) == ""
    assert time.process_time() - started < 1


def test_alternatives_that_double_at_every_level_are_checked_for_a_bounded_time() -> None:
    inner = {"type": "array", "items": {"$ref": "#"}}
    value: Any = 1
    for _ in range(40):
        value = [value]
    started = time.thread_time()
    assert "too long" in problem(value, {"anyOf": [inner, {**inner, "maxItems": 9}, {"const": 2}]})
    assert time.thread_time() - started < 5


def _doubling() -> dict[str, Any]:
    """Each part leads twice to the next, by references only."""
    parts = {f"a{i}": {"$ref": f"#/$defs/a{i + 1}", "$dynamicRef": f"#/$defs/a{i + 1}"} for i in range(40)}
    return {"unevaluatedProperties": False, "$ref": "#/$defs/a0", "$defs": {**parts, "a40": {}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (_doubling(), {"a": 1}),
        (
            {"patternProperties": {f"^x{i}$": True for i in range(300)}, "additionalProperties": True},
            {f"k{i}": 1 for i in range(3000)},
        ),
    ],
)
def test_a_check_within_one_keyword_ends_in_time(schema: dict[str, Any], value: Any) -> None:
    started = time.thread_time()
    assert "too long" in problem(value, schema)
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "multipleOf": 9_999_991},
        {"type": "number", "multipleOf": 0.9999991},
        {"type": "object", "patternProperties": {f"^x{i}$": {"type": "string"} for i in range(1000)}},
    ],
)
def test_what_compiles_for_seconds_is_checked_once_it_is_written(schema: dict[str, Any]) -> None:
    assert not {"multipleOf", "patternProperties"}.intersection(bounded(schema))
    assert not follows(schema)
    assert follows({"multipleOf": 0.125, "patternProperties": {"^x": True}})


@pytest.mark.parametrize("bound", [10**3000, 7**300])
def test_a_number_that_the_library_cannot_read_is_left_to_the_check(compiler: GrammarCompiler, bound: int) -> None:
    assert compiler.start(Grammar(json_schema={"type": "integer", "maximum": bound}), 100).is_loose


def test_arithmetic_that_fails_is_no_failure_of_the_worker() -> None:
    assert "cannot be checked" in problem(1, {"multipleOf": 0})


def test_an_infinite_number_is_no_value() -> None:
    assert json_problem("1e999", {"type": "number"})
    assert json_problem("NaN", {"type": "number"})


def replies(*texts: str, finish: Any = "stop") -> tuple[list[GenerationRequest], Any]:
    """An engine's attempts that give `texts` in turn, and the requests it was asked."""
    asked: list[GenerationRequest] = []

    def attempt(request: GenerationRequest) -> Any:
        asked.append(request)
        yield Token("")
        yield Token(texts[len(asked) - 1], finish)

    return asked, attempt


def test_a_wrong_value_is_asked_for_again_drawn_otherwise() -> None:
    asked, attempt = replies('{"n": "x"}', '{"n": 3}')
    request = GenerationRequest(QUESTION, grammar=Grammar(json_schema=COUNT))
    assert "".join(token.text for token in checked(request, attempt)) == '{"n": 3}'
    assert [one.sampling.temperature > 0 for one in asked] == [False, True]


def test_half_a_value_at_the_deadline_is_none() -> None:
    _, attempt = replies('{"n": ', finish="deadline")
    tokens = list(checked(GenerationRequest(QUESTION, grammar=Grammar(json_schema=COUNT)), attempt))
    assert ("".join(token.text for token in tokens), tokens[-1].finish) == ("", "deadline")


@pytest.mark.parametrize("arguments", ['{"n": "x"}', '"n: x"', '"[3]"'])
def test_a_call_that_is_wrong_twice_is_yielded_with_what_is_wrong_with_it(arguments: str) -> None:
    written = f'<tool_call>{{"name": "stock", "arguments": {arguments}}}</tool_call>'
    asked, attempt = replies(written, written)
    tokens = checked(GenerationRequest(QUESTION, grammar=Grammar(tools=(STOCK,))), attempt)
    [call] = parse("".join(token.text for token in tokens))[1]
    assert json.loads(arguments) in (call.arguments, call.raw)
    assert "stock" in call_problem(call, {"stock": STOCK})
    assert len(asked) == 2


def test_a_demanded_call_that_is_not_made_twice_is_an_error() -> None:
    _, attempt = replies("No.", "No.")
    with pytest.raises(GrammarError, match="no call"):
        list(checked(GenerationRequest(QUESTION, grammar=Grammar(tools=(STOCK,), required=True)), attempt))


@pytest.mark.parametrize(("schema", "pieces"), [(COUNT, ['{"n"', ": 3", "}"]), ({**COUNT, "not": {}}, [])])
def test_a_value_streams_where_the_engine_follows_all_of_its_schema(
    schema: dict[str, Any], pieces: list[str]
) -> None:
    def attempt(_: GenerationRequest) -> Any:
        yield from (Token('{"n"'), Token(": 3"), Token("}", "stop"))

    tokens = checked(GenerationRequest(QUESTION, grammar=Grammar(json_schema=schema)), attempt, streams=True)
    if pieces:
        assert [token.text for token in tokens] == pieces
    else:
        with pytest.raises(GrammarError):
            assert not "".join(token.text for token in tokens)


def test_the_scripted_engine_says_what_it_says_whatever_the_grammar() -> None:
    engine = ScriptedEngine(["no JSON at all"])
    tokens = engine.stream(GenerationRequest(QUESTION, grammar=Grammar(json_schema=COUNT)))
    assert "".join(token.text for token in tokens) == "no JSON at all"


@pytest.mark.model
def test_constrained_and_free_replies_share_the_batch(local_engine: Any) -> None:
    free = GenerationRequest((PromptMessage(role="user", content="Tell me about the sea."),), max_tokens=24)
    names = ["two fields", "list of numbers", "tree", "unicode names"]
    held = [
        GenerationRequest(QUESTION, 60, Sampling(1.0), grammar=Grammar(json_schema=SCHEMAS[name])) for name in names
    ]
    alone = "".join(token.text for token in local_engine.stream(free))
    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda one: "".join(t.text for t in local_engine.stream(one)), [free, *held, free]))
    assert texts[0] == texts[5] == alone
    for name, text in zip(names, texts[1:5], strict=True):
        assert json_problem(text, SCHEMAS[name]) == ""


@pytest.mark.model
def test_a_value_under_a_schema_comes_in_pieces(local_engine: Any) -> None:
    request = GenerationRequest(QUESTION, 60, Sampling(1.0), grammar=Grammar(json_schema=SCHEMAS["list of numbers"]))
    pieces = [token.text for token in local_engine.stream(request) if token.text]
    assert len(pieces) > 1
    assert json_problem("".join(pieces), SCHEMAS["list of numbers"]) == ""


@pytest.mark.model
def test_the_bundled_model_calls_a_tool_validly_when_it_must(local_engine: Any) -> None:
    grammar = Grammar(tools=(STOCK,), required=True)
    request = GenerationRequest(QUESTION, 60, Sampling(1.0), tools=(STOCK,), grammar=grammar)
    calls = parse("".join(token.text for token in local_engine.stream(request)))[1]
    assert calls
    assert all(call.name == "stock" and isinstance(call.arguments["n"], int) for call in calls)


@pytest.mark.model
def test_the_manager_for_graphics_cards_holds_replies_to_grammars_too(
    bundled_tokenizer: Any, compiler: GrammarCompiler
) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from workers.engine.batching import StockBatch

    size = len(bundled_tokenizer)
    config = LlamaConfig(
        vocab_size=size, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    torch.manual_seed(0)
    batch = StockBatch(LlamaForCausalLM(config).eval(), 2048, frozenset({0, 2}))
    try:
        state = compiler.start(Grammar(json_schema=COUNT), 40)
        running = batch.begin([1, 2, 3], 40, Sampling(temperature=1.0), state)
        progress = running.read(60.0)
        while progress is not None and not progress.ended:
            progress = running.read(60.0)
        assert progress is not None
        assert progress.error == ""
        assert json_problem(bundled_tokenizer.decode(progress.ids[:-1]), COUNT) == ""
    finally:
        batch.stop()


def test_a_grammar_is_a_schema_or_tools() -> None:
    with pytest.raises(ValueError, match="either"):
        Grammar()
    with pytest.raises(ValueError, match="either"):
        Grammar(json_schema=COUNT, tools=(STOCK,))
