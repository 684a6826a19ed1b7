"""Writes about a draft's remote agents, whose Agent Cards workers read; and the URL of the GPT's own card."""

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext

from gpts.spec.actions import host_of
from gpts.spec.agents import DEADLINE_S, AgentFacts
from gpts.spec.gpt import MAX_DELEGATES
from web import rpc
from web.accounts.models import User
from web.builder.actions import check_address, check_room, saved
from web.builder.auth import AuthSetting, set_auth
from web.builder.models import Gpt
from web.builder.models_actions import RemoteAgentRow
from web.builder.reviews import CARD_TEXTS, changes_of

CARD_TIMEOUT_S: Final = 45.0


def agent_card_url(gpt: Gpt) -> str:
    """The URL of the GPT's own Agent Card; empty unless the draft is available over A2A."""
    return settings.SITE_URL + reverse("a2a_card", args=[gpt.slug]) if gpt.a2a else ""


def add_remote_agent(
    gpt: Gpt, card_url: str, fields: dict[str, Any], sign_in: AuthSetting | None = None, *, by: User
) -> tuple[RemoteAgentRow, AgentFacts]:
    """A new remote agent of the draft, and its card.

    `fields` are those of `changed`. With `sign_in` the card is read with the key. Raises ValidationError
    by field, NoResult; nothing is stored then.
    """
    full = gettext("A GPT can have up to {limit} remote agents. Remove one first.")
    check_room(gpt.remote_agents.all(), full, "card_url", MAX_DELEGATES)
    card_url = card_url.strip()
    check_address(card_url, "card_url", gettext("Enter the Agent Card’s full URL, starting with https://."))
    agent = RemoteAgentRow(gpt=gpt, card_url=card_url, url=card_url, name=host_of(card_url))
    if sign_in is not None:
        set_auth(agent, sign_in, by=by)  # saved now, because the worker reads the key from the row
    try:
        facts = _read_card(by, card_url, str(agent.id) if sign_in else "")
        return changed(agent, fields, facts), facts
    except (ValidationError, rpc.NoResult):
        agent.delete()
        raise


def read_again(agent: RemoteAgentRow, *, by: User) -> tuple[RemoteAgentRow, AgentFacts]:
    """The agent and its current card, in `offered` if the creator saw another. Raises ValidationError, NoResult."""
    facts = _read_card(by, agent.card_url, str(agent.id))
    agent.offered = facts.model_dump(mode="json", include=set(CARD_TEXTS))
    return saved(agent, offered=agent.offered if changes_of(agent) else None), facts


def accept_card(agent: RemoteAgentRow) -> RemoteAgentRow:
    """The agent as its new card describes it, which the creator has looked at."""
    return changed(agent, {}, AgentFacts.model_validate(agent.offered)) if agent.offered else agent


def _read_card(by: User, card_url: str, agent_id: str = "") -> AgentFacts:
    """The card for `by`, read with the agent's key if `agent_id` is given."""
    task = "workers.tasks.read_agent_card"
    result = rpc.call_for(by.pk, task, card_url, agent_id, queue="tools", timeout_s=CARD_TIMEOUT_S)
    if refused := result.get("refused"):
        raise ValidationError({"card_url": refused})
    return AgentFacts.model_validate(result["card"])


def changed(agent: RemoteAgentRow, fields: dict[str, Any], facts: AgentFacts | None = None) -> RemoteAgentRow:
    """The agent with `fields` (those of AgentPatch) and the `facts` of its card. Raises ValidationError."""
    if facts is not None:
        agent.name, agent.url, agent.description = facts.name, facts.url, facts.description
        agent.examples, agent.offered = list(facts.examples), None
    if not 1 <= fields.get("timeout_s", agent.timeout_s) <= DEADLINE_S:
        raise ValidationError(
            {"timeout_s": gettext("Must be between 1 and {deadline_s} seconds.").format(deadline_s=DEADLINE_S)}
        )
    return saved(agent, **fields)
