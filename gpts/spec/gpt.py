"""What a GPT is: the frozen specification that a published version, or a draft in preview, gives to a run."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from gpts.spec.actions import ActionSpec, AuthKind, McpServer
from gpts.spec.inputs import MAX_INPUTS, Input
from gpts.spec.old_names import SPEC_NAMES, with_new_names
from gpts.values import Value

# The name of a draft that was made without one.
UNTITLED: Final = "Untitled GPT"
NAME_CHARS: Final = 50
DESCRIPTION_CHARS: Final = 300
INSTRUCTIONS_CHARS: Final = 8_000
STARTER_CHARS: Final = 200
STARTERS: Final = 8
MAX_TEMPERATURE: Final = 2.0
MAX_REPLY_TOKENS: Final = 32_768
# The name of a model in the operator's table of models.
ENGINE_NAME: Final = r"[a-z0-9][a-z0-9-]{0,39}"
# Delegates and remote agents of one GPT together, and characters of the creator's note on when to call one.
MAX_DELEGATES: Final = 20
WHEN_CHARS: Final = 300


# What becomes of such sentences: they are shown and marked, folded away for who wants to see them, or never shown.
Unsupported = Literal["mark", "fold", "withhold"]


class KnowledgeRef(Value):
    """A ready knowledge file: its row id, display name, and the content address of its segment.

    `from_source`: a source named it, such as by the subject of a mail, so that outsiders may have.
    """

    file_id: str
    name: str
    segment: str
    from_source: bool = False


class DelegateRef(Value):
    """Another GPT that this one may call.

    `gpt_id` is its row's id, `slug` its slug when saved (for people reading versions), `when` the creator's note on
    when to call it. `name`, `description` and `starters` are its texts as this GPT's creator last saw them; those of
    the creator's own GPTs are looked up at the time of the call.
    """

    gpt_id: str
    slug: str
    when: str = Field(default="", max_length=WHEN_CHARS)
    name: str = ""
    description: str = ""
    starters: tuple[str, ...] = ()


class RemoteAgent(Value):
    """A remote A2A agent that this GPT may call. `agent_id` is its row's id, under which its secret is stored.

    `card_url` is the URL of its Agent Card, `url` where calls go according to the card read on saving. `read_only`:
    the creator says that no task changes anything there, so that calls need no approval.
    """

    agent_id: str
    name: str
    card_url: str
    url: str
    description: str = ""
    when: str = Field(default="", max_length=WHEN_CHARS)
    examples: tuple[str, ...] = ()
    auth: AuthKind = "none"
    timeout_s: float = Field(default=120.0, gt=0)
    read_only: bool = False


LEAST_TOP_P: Final = 0.01
# The settings of its model that a creator chooses.
MODEL_FIELDS: Final = ("engine", "temperature", "top_p", "max_tokens")


class ModelSettings(Value):
    """The model of this GPT, by the name that the operator gave it (empty: the default), and how it samples.

    Without `max_tokens`, the longest answer follows the model and its context.
    """

    engine: str = Field(default="", max_length=40)
    temperature: float = Field(default=0.2, ge=0, le=MAX_TEMPERATURE)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_REPLY_TOKENS, description="Longest answer, in tokens.")
    stop: tuple[str, ...] = Field(default=(), description="Texts that end a reply; none of them is part of it.")


class GptSpec(Value):
    """Everything a run needs of its GPT, with the limits of the creator's form.

    `delegates_to_all`: each question goes to every delegate, and their answers are shown side by side (a second
    opinion). `delegates_to_store`: it may look for a GPT in the store if no delegate fits.

    `unsupported`: what becomes of the sentences of an answer that the knowledge does not support, where the GPT may
    answer from nothing else. `takes_questions`: people may send its creator a question that it could not answer.
    `files_downloadable`: they may have its files. `a2a`: their programs may call it as an A2A agent.
    """

    slug: str
    name: str = Field(min_length=1, max_length=NAME_CHARS)
    description: str = Field(default="", max_length=DESCRIPTION_CHARS)
    instructions: str = Field(default="", max_length=INSTRUCTIONS_CHARS)
    starters: tuple[str, ...] = Field(default=(), max_length=STARTERS)
    inputs: tuple[Input, ...] = Field(default=(), max_length=MAX_INPUTS)
    knowledge: tuple[KnowledgeRef, ...] = ()
    only_from_knowledge: bool = False
    unsupported: Unsupported = "mark"
    capabilities: tuple[str, ...] = ()
    actions: tuple[ActionSpec, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    delegates: tuple[DelegateRef, ...] = Field(default=(), max_length=MAX_DELEGATES)
    remote_agents: tuple[RemoteAgent, ...] = Field(default=(), max_length=MAX_DELEGATES)
    delegates_to_all: bool = False
    delegates_to_store: bool = False
    takes_questions: bool = False
    files_downloadable: bool = False
    a2a: bool = False
    model: ModelSettings = ModelSettings()

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: Any) -> Any:
        return with_new_names(data, SPEC_NAMES)

    @model_validator(mode="after")
    def _inputs_differ(self) -> "GptSpec":
        if len({each.name for each in self.inputs}) < len(self.inputs):
            raise ValueError("two inputs have the same name")
        return self

    def without_its_own(self) -> "GptSpec":
        """Its name, description and model, without instructions, knowledge, tools and delegates."""
        return GptSpec(slug=self.slug, name=self.name, description=self.description, model=self.model)
