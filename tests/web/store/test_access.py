"""What a GPT accesses, as its page tells it."""

from django.contrib.auth.models import AnonymousUser

from gpts.spec.gpt import GptSpec, RemoteAgent
from web.store.views import access_of


def test_the_hosts_of_agents_are_among_those_that_a_gpt_accesses():
    url = "https://agents.example.org/a2a"
    agent = RemoteAgent(agent_id="1", name="Parts Clerk", card_url=url, url=url)
    access = access_of(GptSpec(slug="s", name="S", remote_agents=(agent, agent)), AnonymousUser())
    assert (access.hosts, access.leaves_site) == (("agents.example.org",), True)
