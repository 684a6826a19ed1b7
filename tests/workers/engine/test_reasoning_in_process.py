"""The engine in this process with a template that opens the reasoning in the prompt, as DeepSeek's distills do."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from workers.engine.base import Grammar
from workers.engine.encoding import ChatEncoder

from .test_contract import ask, text_of

pytestmark = pytest.mark.model
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}
OPENED = "{{ '<|im_start|>assistant\n<think>\n' }}"
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}" + OPENED + "{% endif %}"
)


@pytest.fixture
def reasoning_engine(local_engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    tokenizer = deepcopy(local_engine._tokenizer)
    tokenizer.chat_template = TEMPLATE
    monkeypatch.setattr(local_engine, "encoder", ChatEncoder(tokenizer))
    return local_engine


def test_a_reply_that_never_closes_its_reasoning_has_no_text(reasoning_engine: Any) -> None:
    tokens = list(reasoning_engine.stream(ask(max_tokens=12)))
    assert text_of(tokens) == ""
    assert "".join(token.reasoning for token in tokens).strip()
    assert tokens[-1].usage.reasoning_tokens == tokens[-1].usage.completion_tokens == 12


def test_a_value_under_a_schema_is_written_without_reasoning(reasoning_engine: Any) -> None:
    tokens = list(reasoning_engine.stream(ask("How many?", max_tokens=40, grammar=Grammar(json_schema=SCHEMA))))
    assert json.loads(text_of(tokens))["n"] <= 9
    assert not any(token.reasoning for token in tokens)


def test_a_model_asked_not_to_reason_answers_at_once(reasoning_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    able = reasoning_engine._ability.model_copy(update={"reasons": True})
    monkeypatch.setattr(reasoning_engine, "_ability", able)
    tokens = list(reasoning_engine.stream(replace(ask(max_tokens=12), reasoning_effort="none")))
    assert text_of(tokens).strip()
    assert not any(token.reasoning for token in tokens)
