"""`/api/gpts/{slug}/agents`: the remote A2A agents that the caller's own GPT can call."""

from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from gpts.spec.actions import AuthHint
from gpts.spec.agents import DEADLINE_S
from gpts.spec.gpt import WHEN_CHARS
from web import rpc
from web.api.actions import UNAVAILABLE, AuthSetting, OutsideShape, ShortText
from web.api.auth import caller
from web.api.gpts import DENIED, INVALID
from web.api.reading import Text
from web.builder import actions, agents, auth
from web.builder.models_actions import RemoteAgentRow
from web.builder.services import access_own_gpt

router = Router(tags=["Remote agents"])
When = Annotated[Text, Field(max_length=WHEN_CHARS)]
Deadline = Annotated[int, Field(ge=1, le=DEADLINE_S)]


class AgentPatch(Schema):
    """Changes to a remote agent."""

    when: When | None = Field(None, description="When the GPT should call it.")
    timeout_s: Deadline | None = Field(None, description="Timeout in seconds. Default: 120.")
    privacy_url: ShortText | None = Field(None, description="The agent's privacy policy; required in the store.")

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
    trouble: str = ""
    hint: AuthHint = Field(AuthHint(), description="Authentication as described in the card, if it was just read.")


def _own(request: HttpRequest, slug: str, agent_id: UUID) -> RemoteAgentRow:
    return actions.access_outside(RemoteAgentRow, access_own_gpt(caller(request), slug), agent_id)


@router.get("/gpts/{slug}/agents", response={200: list[AgentShape], **DENIED})
def list_agents(request: HttpRequest, slug: str) -> QuerySet[RemoteAgentRow]:
    """The remote agents in your draft."""
    return access_own_gpt(caller(request), slug).remote_agents.filter(removed=None).select_related("gpt")


@router.post("/gpts/{slug}/agents", response={201: AgentShape, **UNAVAILABLE})
def add_agent(request: HttpRequest, slug: str, new: NewAgent) -> Status[RemoteAgentRow]:
    """Add a remote agent to your draft."""
    gpt = access_own_gpt(caller(request), slug)
    sign_in = new.auth.choice() if new.auth else None
    agent, facts = agents.add_remote_agent(gpt, new.card_url, new.fields(), sign_in)
    return Status(201, _with(agent, hint=facts.auth))


def _with(agent: RemoteAgentRow, **facts: Any) -> RemoteAgentRow:
    for name, value in facts.items():
        setattr(agent, name, value)
    return agent


@router.patch("/gpts/{slug}/agents/{uuid:agent_id}", response={200: AgentShape, **INVALID})
def update_agent(request: HttpRequest, slug: str, agent_id: UUID, change: AgentPatch) -> RemoteAgentRow:
    """Change a remote agent of your draft. The published version keeps the old one until you publish again."""
    return agents.update_remote_agent(_own(request, slug, agent_id), change.fields())


@router.delete("/gpts/{slug}/agents/{uuid:agent_id}", response={204: None, **DENIED})
def remove_agent(request: HttpRequest, slug: str, agent_id: UUID) -> Status[None]:
    """Remove a remote agent from your draft. The published version keeps it until you publish again."""
    actions.remove(_own(request, slug, agent_id))
    return Status(204, None)


@router.post("/gpts/{slug}/agents/{uuid:agent_id}/refresh", response={200: AgentShape, **DENIED})
def refresh_agent(request: HttpRequest, slug: str, agent_id: UUID) -> RemoteAgentRow:
    """Refresh a remote agent's card."""
    agent = _own(request, slug, agent_id)
    try:
        agent, facts = agents.read_again(agent)
    except rpc.NoResult as error:
        return _with(agent, trouble=str(error))
    except ValidationError as error:
        return _with(agent, trouble=" ".join(error.messages))
    return _with(agent, hint=facts.auth)


@router.post("/gpts/{slug}/agents/{uuid:agent_id}/auth", response={200: AgentShape, **INVALID})
def set_agent_auth(request: HttpRequest, slug: str, agent_id: UUID, setting: AuthSetting) -> RemoteAgentRow:
    """Set a remote agent's authentication: an API key or none. Takes effect immediately, also when published."""
    return auth.set_auth(_own(request, slug, agent_id), setting.choice())
