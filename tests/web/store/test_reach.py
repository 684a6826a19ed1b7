"""What a GPT reaches, as its page tells it."""

from django.contrib.auth.models import AnonymousUser

from gpts.spec.gpt import GptSpec, RemoteAgent
from web.store.reach import reach_of


def test_the_hosts_of_agents_are_among_those_that_a_gpt_reaches():
    url = "https://agents.example.org/a2a"
    agent = RemoteAgent(agent_id="1", name="Parts Clerk", card_url=url, url=url)
    reach = reach_of(GptSpec(slug="s", name="S", remote_agents=(agent, agent)), AnonymousUser())
    assert (reach.hosts, reach.leaves_the_hall) == (("agents.example.org",), True)
