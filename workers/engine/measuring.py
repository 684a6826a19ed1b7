"""Measures a model's ability with a few dozen questions, through the prompts and paths of real runs.

`reply` of `measure` is the path of real runs from a turn to a reply: the chat template, the tools in the model's own
format, the grammar, calls printed as text.
"""

import json
import logging
import re
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont
from pydantic import BaseModel, ConfigDict

from gpts.knowledge.documents import Passage
from gpts.runs.messages import Picture, PromptMessage
from gpts.runs.state import TurnState
from gpts.runs.steps import FileRef, ModelReply, Retrieval, UserMessage
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec, KnowledgeRef, ModelSettings
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError, GrammarError

logger = logging.getLogger(__name__)

# Shipped measurements by fingerprint, so that the bundled model is not measured on every machine.
KNOWN: Final = Path(__file__).parent / "data" / "known_models.json"
CASES: Final = Path(__file__).parent / "data" / "ability_cases.toml"
# Concurrent replies, which the engine batches.
AT_ONCE: Final = 4
REPLY_TOKENS: Final = 120
_DECLINES: Final = re.compile(
    r"\b(?:not|no|n't|cannot|unable|unknown|doesn|don|isn|unfortunately|sorry|nicht|kein\w*|leider|unbekannt|ohne)\b",
    re.IGNORECASE,
)

# The parts that a model must be good at to write answers.
_WRITING: Final = {"sources", "abstention", "format"}

Reply = Callable[[TurnState], ModelReply]


class PartScore(BaseModel):
    """The number of a part's right cases, and the ids of the wrong ones."""

    model_config = ConfigDict(frozen=True)

    right: int
    cases: int
    wrong: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share that was right, in 0..1."""
        return self.right / self.cases if self.cases else 0.0


class Measurement(BaseModel):
    """A model's scores by part, whether it reasons before an answer, and the seconds it took to measure it."""

    model_config = ConfigDict(frozen=True)

    figures: dict[str, PartScore]
    reasons: bool = False
    seconds: float

    def fields(self) -> dict[str, bool]:
        """The measured fields of ModelAbility."""
        good = _good(self.figures)
        sight = {"sees_images": "sight" in good} if "sight" in self.figures else {}
        reasons = {"reasons": True} if self.reasons else {}
        return {
            "calls_tools": {"tool_needed", "no_tool_needed", "arguments"} <= good,
            "writes_from_sources": good >= _WRITING,
            "keeps_to_sources": good >= {*_WRITING, "hard_sources"},
            "breaks_ties": "ties" in good,
            **sight,
            **reasons,
        }


def measure(
    reply: Reply,
    ability: ModelAbility,
    say: Callable[[str], object] = lambda text: None,
    *,
    takes_pictures: bool = False,
) -> Measurement:
    """The scores of the model behind `reply`; `ability` has its other fields. Raises EngineError.

    Its sight is measured if its engine `takes_pictures`.
    """
    started = time.monotonic()
    cases = _cases()
    reasons = ability.reasons or _reasons(ability, reply)
    trusted = dict.fromkeys(("calls_tools", "writes_from_sources", "keeps_to_sources"), True)
    capable = ability.model_copy(update={**trusted, "reasons": reasons})
    parts: dict[str, dict[str, bool]] = {name: {} for name in cases["enough"]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for kind in ("choice", "tie", "sources", "abstain", "format", "hard", *(["sight"] if takes_pictures else [])):
            if kind == "hard" and not _good(_figures(parts)) >= _WRITING:
                continue
            judged = list(pool.map(lambda case, kind=kind: _JUDGES[kind](case, capable, reply), cases[kind]))
            for number, found in enumerate(judged):
                for part, right in found.items():
                    parts[part][f"{kind}-{number}"] = right
            say(f"{kind}: {sum(all(found.values()) for found in judged)} of {len(judged)} right")
    return Measurement(figures=_figures(parts), reasons=reasons, seconds=round(time.monotonic() - started, 1))


def _figures(parts: Mapping[str, Mapping[str, bool]]) -> dict[str, PartScore]:
    return {
        name: PartScore(
            right=sum(found.values()),
            cases=len(found),
            wrong=tuple(case for case, right in found.items() if not right),
        )
        for name, found in parts.items()
        if found
    }


def _good(figures: Mapping[str, PartScore]) -> set[str]:
    """The parts of which enough is right."""
    enough = _cases()["enough"]
    return {name for name, figure in figures.items() if figure.share >= enough[name]}


@cache
def known_measurement(fingerprint: str) -> Measurement | None:
    """The shipped measurement of the model with this fingerprint, if any."""
    known = json.loads(KNOWN.read_text(encoding="utf-8")).get(fingerprint)
    return Measurement.model_validate(known) if known else None


@cache
def _cases() -> dict[str, Any]:
    return tomllib.loads(CASES.read_text(encoding="utf-8"))


def _tools(names: Iterable[str] = ()) -> dict[str, ToolSpec]:
    wanted = set(names)
    specs = (ToolSpec(**tool) for tool in _cases()["tools"] if not wanted or tool["name"] in wanted)
    return {spec.name: spec for spec in specs}


def _valid_reply(reply: Reply, state: TurnState) -> ModelReply | None:
    """The reply; None if the model wrote none that follows its grammar. Raises EngineError."""
    try:
        given = reply(state)
    except GrammarError:
        return None
    return None if any(call.problem for call in given.tool_calls) else given


def _reasons(ability: ModelAbility, reply: Reply) -> bool:
    """Whether the model reasons before an answer, which takes room that it would lack in the cases."""
    given = _valid_reply(reply, TurnState(_spec(), ability, (UserMessage(text="Hello!"),), (), {}))
    return given is not None and bool(given.reasoning)


def _judge_choice(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    earlier = tuple(PromptMessage(role=role, content=text) for role, text in case.get("before", ()))
    step = UserMessage(text=case["message"], earlier=earlier)
    given = _valid_reply(reply, TurnState(_spec(), ability, (step,), (), _tools()))
    called = given.tool_calls[0].name if given and given.tool_calls else ""
    if not case["tool"]:
        return {"no_tool_needed": given is not None and not given.tool_calls}
    found = {"tool_needed": called == case["tool"]}
    if found["tool_needed"] and given and "holds" in case:
        arguments = " ".join(str(value) for value in given.tool_calls[0].arguments.values())
        found["arguments"] = _holds(arguments, case)
    return found


def _judge_tie(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    return {
        "ties": picked_tool(reply, ability, case["message"], list(_tools(case["tools"]).values())) == case["tool"]
    }


def picked_tool(reply: Reply, ability: ModelAbility, message: str, tools: list[ToolSpec]) -> str:
    """The name of the tool that the model picks for a message among `tools`; empty for none."""
    listed = "\n".join(f"- {tool.name}: {tool.model_description}" for tool in tools)
    names = [*(tool.name for tool in tools), "none"]
    schema = {
        "type": "object",
        "properties": {"tool": {"enum": names}},
        "required": ["tool"],
        "additionalProperties": False,
    }
    question = f"{message}\n\nWhich of these tools does this message ask for?\n{listed}\n- none: none of them"
    step = UserMessage.model_validate({"text": question, "overrides": {"answer_schema": schema}})
    given = _valid_reply(reply, TurnState(_spec(), ability, (step,), (), {}))
    found = re.search(r'"tool":\s*"([^"]*)"', given.text) if given else None
    return found[1] if found and found[1] != "none" else ""


def _judge_sources(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    given = _from_file(case, ability, reply)
    return {"sources": given is not None and _holds(given.text, case)}


def _judge_abstention(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    given = _from_file(case, ability, reply)
    return {"abstention": given is not None and _holds(given.text, case) and bool(_DECLINES.search(given.text))}


def _judge_hard(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    given = _from_file(case, ability, reply, strict=True)
    if given is None:
        return {"hard_sources": False}
    is_right = not given.declined and _holds(given.text, case)
    if "holds" not in case and "answers" not in case:
        is_right = given.declined or (is_right and bool(_DECLINES.search(given.text)))
    return {"hard_sources": is_right}


def _judge_format(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    state = TurnState(_spec(case["instructions"]), ability, (UserMessage(text=case["message"]),), (), {})
    given = _valid_reply(reply, state)
    return {"format": given is not None and _holds(given.text, case)}


def _judge_sight(case: Mapping[str, Any], ability: ModelAbility, reply: Reply) -> dict[str, bool]:
    step = UserMessage(text=case["message"], attachments=(FileRef(id="p", name="picture.png", mime="image/png"),))
    state = TurnState(_spec(), ability, (step,), (), {}, pictures={"p": drawn(case["text"], case["colour"])})
    try:
        given = _valid_reply(reply, state)
    except EngineError as error:  # how servers refuse pictures for a model that only reads text
        logger.info("a picture was refused: %s", error)
        given = None
    return {"sight": given is not None and _holds(given.text, case)}


def drawn(text: str, colour: str) -> Picture:
    """A picture of `text` in black on `colour`."""
    image = Image.new("RGB", (640, 320), colour)
    ImageDraw.Draw(image).text((320, 160), text, fill="black", anchor="mm", font=ImageFont.load_default(120))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return Picture(mime="image/png", data=buffer.getvalue())


def _from_file(
    case: Mapping[str, Any], ability: ModelAbility, reply: Reply, *, strict: bool = False
) -> ModelReply | None:
    text = next(file["text"] for file in _cases()["files"] if file["name"] == case["file"])
    passage = Passage(
        file_id="f", file_name=case["file"], segment="s", chunk=0, text=text, start=0, end=len(text), score=1.0
    )
    found = Retrieval(query=case["message"], passages=(passage,), covered=True)
    spec = _spec(knowledge=(KnowledgeRef(file_id="f", name=case["file"], segment="s"),))
    spec = spec.model_copy(update={"only_from_knowledge": strict})
    return _valid_reply(reply, TurnState(spec, ability, (UserMessage(text=case["message"]), found), (), {}))


def _spec(instructions: str = "", knowledge: tuple[KnowledgeRef, ...] = ()) -> GptSpec:
    model = ModelSettings(temperature=0.0, max_tokens=REPLY_TOKENS)
    return GptSpec(slug="check", name="Shop Desk", instructions=instructions, knowledge=knowledge, model=model)


def _holds(text: str, case: Mapping[str, Any]) -> bool:
    folded = " ".join(text.casefold().split())
    return all(part.casefold() in folded for part in case.get("holds", ())) and not any(
        part.casefold() in folded for part in case.get("lacks", ())
    )


_JUDGES: Final[dict[str, Callable[[Mapping[str, Any], ModelAbility, Reply], dict[str, bool]]]] = {
    "choice": _judge_choice,
    "tie": _judge_tie,
    "sources": _judge_sources,
    "abstain": _judge_abstention,
    "format": _judge_format,
    "hard": _judge_hard,
    "sight": _judge_sight,
}
