"""Which hosts a version of a GPT can reach."""

from gpts.spec.actions import host_of
from gpts.spec.gpt import GptSpec


def hosts_of(spec: GptSpec) -> list[str]:
    """The hosts of its actions, MCP servers and remote agents, each once."""
    urls = [each.base_url for each in spec.actions]
    urls += [each.url for each in spec.mcp_servers] + [each.url for each in spec.remote_agents]
    return sorted({host_of(url) for url in urls if url})
