"""`/api/gpts/{slug}/agents`: the remote A2A agents that the caller's own GPT can call."""

from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from gpts.spec.actions import AuthHint
from gpts.spec.agents import DEADLINE_S
from gpts.spec.gpt import WHEN_CHARS
from gpts.values import ShortText, Text
from web import rpc
from web.api.actions import UNAVAILABLE, OutsideShape, add_shared_routes, own_service, shown_url
from web.api.auth import caller
from web.api.errors import DENIED, INVALID
from web.api.reading import RequestBody
from web.builder import agents
from web.builder.access import access_draft
from web.builder.auth import AuthSetting
from web.builder.models_actions import RemoteAgentRow
from web.builder.reviews import TextChange, changes_of

router = Router(tags=["Remote agents"])
When = Annotated[Text, Field(max_length=WHEN_CHARS)]
TIMEOUT = "Timeout in seconds. Default: 120. Without progress a task is stopped after 120."
Deadline = Annotated[int, Field(ge=1, le=DEADLINE_S)]


class AgentPatch(RequestBody):
    """Changes to a remote agent."""

    when: When | None = Field(None, description="When the GPT should call it.")
    timeout_s: Deadline | None = Field(None, description=TIMEOUT)
    privacy_url: ShortText | None = Field(None, description="The agent's privacy policy; required in the store.")
    read_only: bool | None = Field(None, description="It changes nothing there, so calls skip confirmation.")

    def fields(self) -> dict[str, Any]:
        """The given fields, by the model's field names."""
        return self.model_dump(include=set(AgentPatch.model_fields), exclude_none=True)


class NewAgent(AgentPatch):
    """A remote agent to add; its card is read immediately."""

    card_url: Annotated[Text, Field(min_length=1, max_length=2_000)] = Field(
        description="The URL of its Agent Card or of its host."
    )
    auth: AuthSetting | None = Field(None, description="Authentication for calls and for reading the card.")


class AgentShape(OutsideShape):
    """A remote agent of the draft. `trouble` says why its card could not be read."""

    card_url: str
    url: str = Field(description="The URL for calls, from the card; on the same host as the card.")
    description: str = Field(description="From the card: the agent's description and one line per skill.")
    examples: list[str]
    when: str
    timeout_s: int
    read_only: bool
    changes: list[TextChange] = Field(description="Changes of its card, not used before you accept them.")
    trouble: str = ""
    hint: AuthHint = Field(default_factory=AuthHint, description="Authentication by the card, if it was just read.")

    @staticmethod
    def resolve_changes(row: RemoteAgentRow) -> list[TextChange]:
        return changes_of(row)

    @staticmethod
    def resolve_card_url(row: RemoteAgentRow, context: Any) -> str:
        return shown_url(row, row.card_url, context)

    @staticmethod
    def resolve_url(row: RemoteAgentRow, context: Any) -> str:
        return shown_url(row, row.url, context)


add_shared_routes(router, "/gpts/{slug}/agents", "agent", "remote agent", RemoteAgentRow, AgentShape)


@router.post("/gpts/{slug}/agents", response={201: AgentShape, **UNAVAILABLE})
def add_agent(request: HttpRequest, slug: str, new: NewAgent) -> Status[RemoteAgentRow]:
    """Add a remote agent to your draft."""
    gpt = access_draft(caller(request), slug)
    agent, facts = agents.add_remote_agent(gpt, new.card_url, new.fields(), new.auth, by=caller(request))
    return Status(201, _with(agent, hint=facts.auth))


def _with(agent: RemoteAgentRow, **facts: Any) -> RemoteAgentRow:
    for name, value in facts.items():
        setattr(agent, name, value)
    return agent


@router.patch("/gpts/{slug}/agents/{uuid:service_id}", response={200: AgentShape, **INVALID})
def update_agent(request: HttpRequest, slug: str, service_id: UUID, change: AgentPatch) -> RemoteAgentRow:
    """Change a remote agent of your draft. The published version keeps the old one until you publish again."""
    return agents.changed(own_service(RemoteAgentRow, request, slug, service_id), change.fields())


@router.post("/gpts/{slug}/agents/{uuid:service_id}/refresh", response={200: AgentShape, **DENIED})
def refresh_agent(request: HttpRequest, slug: str, service_id: UUID) -> RemoteAgentRow:
    """Read a remote agent's card again. What changed is listed in `changes` and not used before you accept it."""
    agent = own_service(RemoteAgentRow, request, slug, service_id)
    try:
        agent, facts = agents.read_again(agent, by=caller(request))
    except rpc.NoResult as error:
        return _with(agent, trouble=str(error))
    except ValidationError as error:
        return _with(agent, trouble=" ".join(error.messages))
    return _with(agent, hint=facts.auth)


@router.post("/gpts/{slug}/agents/{uuid:service_id}/accept", response={200: AgentShape, **DENIED})
def accept_agent_card(request: HttpRequest, slug: str, service_id: UUID) -> RemoteAgentRow:
    """Accept the changes of a remote agent's card."""
    return agents.accept_card(own_service(RemoteAgentRow, request, slug, service_id))
