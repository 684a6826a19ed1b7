"""RPC for programs: how long a prompt would be."""

import logging
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from gpts.runs.prompt import build_prompt
from gpts.runs.state import TurnState
from gpts.runs.steps import UserMessage
from web.builder.models import Gpt
from workers.engine.base import EngineError
from workers.isolation.errors import FileError
from workers.runs import searching
from workers.runs.engines import NamedEngines
from workers.runs.loop import callers_own
from workers.runs.services import Services
from workers.tools import granted
from workers.tools.settings import ToolSettings

logger = logging.getLogger(__name__)
AWAY: Final = "The model isn’t available right now. Try again in a moment."


def count_tokens(
    gpt_id: UUID, message: str, engines: NamedEngines, services: Services, settings: ToolSettings
) -> dict[str, Any]:
    """The tokens of the prompt with which the GPT would begin to answer `message`; or why not in `refused`."""
    gpt = Gpt.objects.select_related("owner", "published").get(id=gpt_id)
    assert gpt.published
    first = UserMessage.model_validate_json(message)
    spec = first.overrides.applied_to(gpt.published.spec())
    spec = spec.without_its_own() if first.is_side_task else spec
    own = {name: tool.spec for name, tool in granted(spec, settings).items() if first.overrides.permits(name)}
    try:
        chosen = engines.choose(spec.model.engine, gpt.owner, (), services).services
        state = TurnState(spec, chosen.engine.ability(), (first,), (), own | callers_own(first.overrides))
        state = replace(state, whole_files=searching.whole_files(state, chosen))
        prompt = build_prompt(spec, (), state.steps, state.whole_files, with_today=state.ability.calls_tools)
        return {"n_tokens": chosen.engine.count_tokens(prompt, state.model_tools())}
    except (EngineError, FileError):
        logger.exception("a prompt of %s could not be counted", gpt.slug)
        return {"refused": AWAY}
