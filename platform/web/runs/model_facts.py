"""What programs are told of the model that answers: its context, and the settings that have no effect on it."""

from dataclasses import dataclass

import redis
from django.conf import settings

from web.builder.models import Gpt
from web.engines import DEFAULT
from web.runs.stream import model_worker


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`context_tokens` is None while nobody knows. `ignores` has the settings' names in OpenAI's API."""

    context_tokens: int | None = None
    ignores: frozenset[str] = frozenset()

    @property
    def most_reply_tokens(self) -> int | None:
        """The longest reply that a program is promised beside a prompt."""
        return self.context_tokens // 2 if self.context_tokens else None


def facts_of(gpt: Gpt) -> ModelFacts:
    """The facts of the model that answers for the GPT, as it is published."""
    return model_facts(gpt.published.spec().model.engine if gpt.published else gpt.engine)


def model_facts(engine: str) -> ModelFacts:
    """The facts of the model called `engine`; empty: the site's own."""
    entry = settings.ENGINES.get(engine or DEFAULT)
    if entry and entry.url:
        return ModelFacts(entry.context_tokens or None)
    try:
        worker = model_worker() or {}
    except redis.RedisError:
        worker = {}
    return ModelFacts(worker.get("context_tokens"), frozenset(worker.get("ignores", ())))
