"""The engine for servers against real ones: what they understand, refuse and survive. See also test_contract.py."""

import json
from pathlib import Path

import pytest

from gpts.runs.messages import MessageCall, Picture, PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from tests.workers.engine.model_programs import REASONING_TEMPLATE, llama_cpp_program
from workers.engine.ability_cases import drawn
from workers.engine.base import EngineError, GenerationRequest, Grammar, PromptTooLong, Sampling

from .conftest import Subject, engine_of
from .test_contract import ask, text_of

STOCK = ToolSpec(
    name="stock",
    description="How many of a part are left.",
    parameters={
        "type": "object",
        "properties": {"part": {"enum": ["ZP-771", "ZP-772"]}},
        "required": ["part"],
        "additionalProperties": False,
    },
)
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 5}},
    "required": ["n"],
    "additionalProperties": False,
}


def test_a_value_follows_its_schema(served: Subject) -> None:
    tokens = list(served.engine.stream(ask("How many?", grammar=Grammar(json_schema=SCHEMA), max_tokens=40)))
    assert json.loads(text_of(tokens))["n"] in (3, 4, 5)
    assert tokens[-1].finish == "stop"


def test_a_demanded_call_is_made_and_its_result_is_read(served: Subject) -> None:
    grammar = Grammar(tools=(STOCK,), required=True)
    # Not greedy, so that a second attempt is sampled in the same way: this model fills what is hotter with spaces.
    options = {"grammar": grammar, "max_tokens": 160, "sampling": Sampling(0.05)}
    request = ask("How many ZP-771 are left?", tools=(STOCK,), **options)
    ((call,),) = [parse(text_of(list(served.engine.stream(request))))[1]]
    assert call.name == "stock"
    assert call.arguments["part"].startswith("ZP-77")
    messages = (
        *request.messages,
        PromptMessage(
            role="assistant",
            content="",
            reasoning="Look it up.",
            tool_calls=(MessageCall(**call.model_dump()),),
        ),
        PromptMessage(role="tool", content="12", name="stock", call_id=call.call_id),
    )
    tokens = list(served.engine.stream(GenerationRequest(messages, max_tokens=8, tools=(STOCK,))))
    assert tokens[-1].finish in ("stop", "length")


def test_a_prompt_that_only_the_server_finds_too_long_is_refused_as_such(
    served: Subject, request: pytest.FixtureRequest
) -> None:
    program = request.getfixturevalue(request.node.callspec.params["served"])
    unaware = engine_of(program, context_tokens=100_000)
    with pytest.raises(PromptTooLong):
        list(unaware.stream(ask("word " * 9_000, max_tokens=10)))
    assert text_of(list(unaware.stream(ask("Hello", max_tokens=4))))
    unaware.close()


def test_a_picture_is_refused_by_a_model_without_eyes_and_the_next_request_works(served: Subject) -> None:
    seen = PromptMessage(role="user", content="What is this?", pictures=(drawn("7", "white"),))
    assert isinstance(seen.pictures[0], Picture)
    with pytest.raises(EngineError):
        list(served.engine.stream(GenerationRequest((seen,), max_tokens=4)))
    assert text_of(list(served.engine.stream(ask("Hello", max_tokens=4))))


@pytest.mark.process
@pytest.mark.remote_server
def test_a_server_that_dies_in_mid_stream_is_an_error_and_once_it_is_back_the_next_request_works(
    tmp_path: Path,
) -> None:
    with llama_cpp_program(tmp_path) as program:
        engine = engine_of(program)
        stream = engine.stream(ask(max_tokens=500))
        assert next(stream).finish is None  # type: ignore[call-overload]
        program.kill()
        with pytest.raises(EngineError):
            list(stream)
        assert not engine.health().ready
        with pytest.raises(EngineError):
            list(engine.stream(ask(max_tokens=4)))
        with program:
            assert engine.health().ready
            assert text_of(list(engine.stream(ask(max_tokens=4))))
            engine.close()


@pytest.mark.process
@pytest.mark.remote_server
def test_what_a_model_reasons_comes_apart_and_counts(tmp_path: Path) -> None:
    with llama_cpp_program(tmp_path, REASONING_TEMPLATE) as program:
        engine = engine_of(program)
        tokens = list(engine.stream(ask(max_tokens=12)))
        assert text_of(tokens) == ""
        assert "".join(token.reasoning for token in tokens)
        usage = tokens[-1].usage
        assert usage is not None
        assert usage.completion_tokens == usage.reasoning_tokens == 12
        assert engine.ability().reasons
        engine.close()
