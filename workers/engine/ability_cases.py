"""The cases of data/ability_cases.toml: how each is put to a model, and whether its answer is right.

`reply` of the judges is the path of real runs from a turn to a reply: the chat template, the tools in the model's own
format, the grammar, calls printed as text.
"""

import logging
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from gpts.knowledge.citations import SAID, Checked
from gpts.knowledge.documents import Passage
from gpts.runs.messages import Picture, PromptMessage
from gpts.runs.state import TurnState
from gpts.runs.steps import FileRef, ModelReply, Retrieval, Step, ToolCall, UserMessage
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec, KnowledgeRef, ModelSettings
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError, GrammarError

logger = logging.getLogger(__name__)

CASES: Final = Path(__file__).parent / "data" / "ability_cases.toml"
REPLY_TOKENS: Final = 120
_DECLINES: Final = re.compile(
    r"n['’]t\b|\b(?:not|no|nothing|cannot|unable|unknown|unfortunately|sorry|nicht\w*|kein\w*|leider|unbekannt|ohne)\b",
    re.IGNORECASE,
)
_FIGURE: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_LIST_NUMBER: Final = re.compile(r"(?m)^[ \t]{0,9}\d{1,3}[.)] ")

Case = Mapping[str, Any]
Reply = Callable[[TurnState], ModelReply]
# Whether a turn's files say each of some sentences; see `verifying.supported`.
Verify = Callable[[Sequence[str], TurnState], Sequence[Checked | None]]


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether a case is right in each part that it counts for, and what the model gave, for people."""

    parts: Mapping[str, bool]
    answer: str


@dataclass(frozen=True, slots=True)
class Examinee:
    """The model whose answers are judged, with the ability that it is taken to have."""

    reply: Reply
    ability: ModelAbility
    verify: Verify = lambda sentences, state: [None] * len(sentences)

    def turn(
        self, step: UserMessage, spec: GptSpec | None = None, *more: Step, tools: Mapping[str, ToolSpec] | None = None
    ) -> TurnState:
        """A turn of a GPT that begins with `step`."""
        return TurnState(spec or check_spec(), self.ability, (step, *more), (), tools or {})

    def answers(self, state: TurnState) -> ModelReply | None:
        """The reply; None if the model wrote none that follows its grammar. Raises EngineError."""
        try:
            given = self.reply(state)
        except GrammarError:
            return None
        return None if any(call.problem for call in given.tool_calls) else given


@cache
def cases() -> dict[str, Any]:
    """The cases by kind, what they are about, and the shares that are enough."""
    return tomllib.loads(CASES.read_text(encoding="utf-8"))


def check_spec(instructions: str = "", knowledge: tuple[KnowledgeRef, ...] = ()) -> GptSpec:
    """The GPT that answers the cases."""
    model = ModelSettings(temperature=0.0, max_tokens=REPLY_TOKENS)
    return GptSpec(slug="check", name="Shop Desk", instructions=instructions, knowledge=knowledge, model=model)


def judge(kind: str, case: Case, model: Examinee) -> Judged:
    """The model's answer to a case of this kind. Raises EngineError."""
    return _JUDGES[kind](case, model)


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
    model = Examinee(reply, ability)
    given = model.answers(model.turn(step))
    found = re.search(r'"tool":\s*"([^"]*)"', given.text) if given else None
    return found[1] if found and found[1] != "none" else ""


def drawn(text: str, colour: str) -> Picture:
    """A picture of `text` in black on `colour`."""
    image = Image.new("RGB", (640, 320), colour)
    ImageDraw.Draw(image).text((320, 160), text, fill="black", anchor="mm", font=ImageFont.load_default(120))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return Picture(mime="image/png", data=buffer.getvalue())


def passage_of(case: Case) -> Passage:
    """The file of the case as a passage."""
    name = case["file"]
    text = next(file["text"] for file in cases()["files"] if file["name"] == name)
    return Passage(file_id="f", file_name=name, segment="s", chunk=0, text=text, start=0, end=len(text), score=1.0)


def judge_whole(case: Case, file: Passage, model: Examinee) -> Judged:
    """The model's answer to a question about `file`, which it reads whole. An error of its engine is a wrong one."""
    found = Retrieval(query=case["message"], whole_files=(file.file_name,), covered=True)
    spec = check_spec(knowledge=(KnowledgeRef(file_id=file.file_id, name=file.file_name, segment=file.segment),))
    state = replace(model.turn(UserMessage(text=case["message"]), spec, found), whole_files=(file,))
    try:
        given = model.answers(state)
    except EngineError as error:  # how servers refuse prompts that are too long
        return Judged({"long_reading": False}, str(error))
    return Judged({"long_reading": given is not None and _holds(given.text, case)}, _shown(given))


def _judge_choice(case: Case, model: Examinee) -> Judged:
    earlier = tuple(PromptMessage(role=role, content=text) for role, text in case.get("before", ()))
    step = UserMessage(text=case["message"], earlier=earlier)
    given = model.answers(model.turn(step, tools=_tools()))
    call = given.tool_calls[0] if given and given.tool_calls else None
    is_answered = call is None and given is not None and any(each in given.text for each in case.get("says", ()))
    is_picked = call is not None and call.name == case["tool"]
    found = {"tool_needed": is_picked or is_answered}
    if call and is_picked and "holds" in case:
        found["arguments"] = _holds(" ".join(map(str, call.arguments.values())), case)
    return Judged(found, _shown(given))


def _judge_chat(case: Case, model: Examinee) -> Judged:
    given = model.answers(model.turn(UserMessage(text=case["message"]), tools=_tools()))
    return Judged({"no_tool_needed": given is not None and not given.tool_calls}, _shown(given))


def _judge_tie(case: Case, model: Examinee) -> Judged:
    picked = picked_tool(model.reply, model.ability, case["message"], list(_tools(case["tools"]).values()))
    return Judged({"ties": picked == case["tool"]}, picked)


def _judge_sources(case: Case, model: Examinee) -> Judged:
    given = model.answers(_with_file(case, model))
    return Judged({"sources": given is not None and _holds(given.text, case)}, _shown(given))


def _judge_abstention(case: Case, model: Examinee) -> Judged:
    given = model.answers(_with_file(case, model))
    return Judged({"abstention": given is not None and _abstains(given, case)}, _shown(given))


def _judge_hard(case: Case, model: Examinee) -> Judged:
    given = model.answers(_with_file(case, model, strict=True))
    is_right = given is not None and (
        not given.declined and _holds(given.text, case) if "holds" in case else _abstains(given, case)
    )
    return Judged({"hard_sources": is_right}, _shown(given))


def _judge_format(case: Case, model: Examinee) -> Judged:
    given = model.answers(model.turn(UserMessage(text=case["message"]), check_spec(case["instructions"])))
    is_right = given is not None and re.fullmatch(case["pattern"], given.text.strip()) is not None
    return Judged({"format": is_right}, _shown(given))


def _judge_claim(case: Case, model: Examinee) -> Judged:
    checked = model.verify([case["text"]], _with_file(case, model))[0]
    is_right = checked is not None and (checked.likely >= SAID) == case["said"]
    return Judged({"verifying": is_right}, f"{checked.likely:.0%}" if checked else "")


def _judge_sight(case: Case, model: Examinee) -> Judged:
    step = UserMessage(text=case["message"], attachments=(FileRef(id="p", name="picture.png", mime="image/png"),))
    pictures = {"p": drawn(case["text"], case["colour"])}
    state = TurnState(check_spec(), model.ability, (step,), (), {}, pictures=pictures)
    try:
        given = model.answers(state)
    except EngineError as error:  # how servers refuse pictures for a model that only reads text
        logger.info("a picture was refused: %s", error)
        given = None
    return Judged({"sight": given is not None and _holds(given.text, case)}, _shown(given))


def _with_file(case: Case, model: Examinee, *, strict: bool = False) -> TurnState:
    """The turn of the case, whose file was found."""
    found = Retrieval(query=case["message"], passages=(passage_of(case),), covered=True)
    spec = check_spec(knowledge=(KnowledgeRef(file_id="f", name=case["file"], segment="s"),))
    spec = spec.model_copy(update={"only_from_knowledge": strict})
    return model.turn(UserMessage(text=case["message"]), spec, found)


def _tools(names: Iterable[str] = ()) -> dict[str, ToolSpec]:
    wanted = set(names)
    specs = (ToolSpec(**tool) for tool in cases()["tools"] if not wanted or tool["name"] in wanted)
    return {spec.name: spec for spec in specs}


def _holds(text: str, case: Case) -> bool:
    """Whether `text` has one of each of the case's alternatives, and nothing that only a wrong answer has."""
    folded = " ".join(text.casefold().split())
    wanted = ([each] if isinstance(each, str) else each for each in case.get("holds", ()))
    return all(any(form.casefold() in folded for form in forms) for forms in wanted) and not any(
        part.casefold() in folded for part in case.get("lacks", ())
    )


def _abstains(given: ModelReply, case: Case) -> bool:
    """Whether the answer says that the file does not say it, and has no figure of its own."""
    adds = _figures(_LIST_NUMBER.sub("", given.text)) - _figures(f"{passage_of(case).text} {case['message']}")
    return (given.declined or bool(_DECLINES.search(given.text))) and not adds and _holds(given.text, case)


def _figures(text: str) -> set[str]:
    return {re.sub("[,:]", ".", each) for each in _FIGURE.findall(text)}


def _shown(given: ModelReply | None) -> str:
    """What the model gave, for people."""
    if given is None:
        return "–"
    return "\n".join(filter(None, (given.text, *map(_call, given.tool_calls)))) or "–"


def _call(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"


_JUDGES: Final[dict[str, Callable[[Case, Examinee], Judged]]] = {
    "choice": _judge_choice,
    "chat": _judge_chat,
    "tie": _judge_tie,
    "sources": _judge_sources,
    "abstain": _judge_abstention,
    "format": _judge_format,
    "hard": _judge_hard,
    "claim": _judge_claim,
    "sight": _judge_sight,
}
