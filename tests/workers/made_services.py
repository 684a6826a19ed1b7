"""Services around a scripted engine, for turns that are advanced in tests."""

from typing import Any

from django.conf import settings

from gpts.spec.ability import ModelAbility
from workers.engine.scripted import CAPABLE, Script, ScriptedEngine
from workers.knowledge.kept_notes import KeptNotes
from workers.runs.services import Services
from workers.smallmodel.conversation.classifier import MessageClassifier
from workers.smallmodel.small_model import SmallModel

ROUTED = CAPABLE.model_copy(update={"calls_tools": False})


def made_services(
    script: Script, index: Any, embedder: Any, ability: ModelAbility = CAPABLE, router: Any = None
) -> Services:
    """What a worker works with; `index`, `embedder` and `router` are the test's own."""
    engine = ScriptedEngine(script, ability)
    similarity = embedder.similarity if embedder else None
    small = SmallModel(engine, router, MessageClassifier(embedder), similarity, 30.0)
    return Services(engine, index, embedder, small, KeptNotes(settings.GUILDHALL_HOME), 30.0)
