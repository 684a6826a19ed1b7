"""Anthropic's client with its runner of tools, typed answers, pages of models and a stream that is left."""

from anthropic import Anthropic, beta_tool
from asked import KEY, MODEL, QUESTION, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show

client = Anthropic(base_url=URL.removesuffix("/v1"), api_key=KEY, max_retries=0)
same = {"model": MODEL, "max_tokens": 500}


def said(text):
    return [{"role": "user", "content": text}]


def text(message):
    return "".join(block.text for block in message.content if block.type == "text")


runner = client.beta.messages.tool_runner(messages=said(WEATHER), tools=[beta_tool(get_weather)], **same)
cached = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
show(
    answer=text(client.messages.create(messages=said(QUESTION), system=cached, **same)),
    value=client.messages.parse(messages=said(QUESTION), output_format=Service, **same).parsed_output.model_dump(),
    with_tool=text(runner.until_done()),
    error=error_of(lambda: client.messages.create(messages=said(QUESTION), model=UNKNOWN, max_tokens=9)),
    bad_key=error_of(lambda: client.with_options(api_key="wrong").messages.create(messages=said("x"), **same)),
    counted=client.messages.count_tokens(messages=said(QUESTION), model=MODEL).input_tokens > 0,
    n_models=len(client.models.list(limit=1).data),
)
