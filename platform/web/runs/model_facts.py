"""What is known of the model that answers: its ability, and the settings that have no effect on it."""

from dataclasses import dataclass

import redis

from gpts.runs.steps import Log, ModelReply
from gpts.spec.ability import ModelAbility
from web.builder.models import Gpt
from web.engines import DEFAULT, answering, engines, title_of
from web.runs.stream import model_worker


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`ability` is None while nobody knows. `ignores` has the settings' names in OpenAI's API."""

    ability: ModelAbility | None = None
    ignores: frozenset[str] = frozenset()

    @property
    def context_tokens(self) -> int | None:
        """The longest prompt and reply together."""
        return self.ability.context_tokens if self.ability else None

    @property
    def most_reply_tokens(self) -> int | None:
        """The longest reply that a program is promised beside a prompt."""
        return self.context_tokens // 2 if self.context_tokens else None


def facts_of(gpt: Gpt) -> ModelFacts:
    """The facts of the model that answers for the GPT, as it is published."""
    return model_facts(gpt.published.spec().model.engine if gpt.published else gpt.engine)


def writer_of(steps: Log) -> str:
    """The model that wrote the answer, for people; empty where there is only one to choose from, or none wrote."""
    names = [step.engine or DEFAULT for step in steps if isinstance(step, ModelReply)]
    return title_of(names[-1]) if names and {*engines(), names[-1]} != {DEFAULT} else ""


def model_facts(engine: str) -> ModelFacts:
    """The facts of the model that answers for a GPT that names `engine`."""
    entry = engines()[answering(engine)]
    if entry.url:
        if not (context := entry.context_tokens):
            return ModelFacts()
        able = ModelAbility(calls_tools=True, writes_from_sources=True, context_tokens=context)
        return ModelFacts(able.model_copy(update=entry.known))
    try:
        worker = model_worker() or {}
    except redis.RedisError:
        worker = {}
    known = worker.get("ability")
    ability = ModelAbility.model_validate(known) if known else None
    return ModelFacts(ability, frozenset(worker.get("ignores", ())))
