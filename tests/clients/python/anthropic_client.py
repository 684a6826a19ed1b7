"""Anthropic's own client: whole, streamed and left, with its runner of tools, typed answers and its counts."""

from anthropic import Anthropic, beta_tool
from asked import KEY, MODEL, QUESTION, SLOWLY, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show

client = Anthropic(base_url=URL.removesuffix("/v1"), api_key=KEY, max_retries=0)
CACHED = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}


def asked(text, model=MODEL, **more):
    return {"model": model, "max_tokens": 500, "messages": [{"role": "user", "content": text}], **more}


def said(message):
    return "".join(block.text for block in message.content if block.type == "text")


def left():
    with client.messages.stream(**asked(SLOWLY)) as stream:
        return bool(next(stream.text_stream))


whole = client.messages.create(**asked(QUESTION, system=[CACHED]))
with client.messages.stream(**asked(QUESTION)) as stream:
    streamed = "".join(stream.text_stream)
    final = stream.get_final_message()
assert said(final) == streamed
assert final.usage.output_tokens > 0
show(
    left=left(),
    answer=said(whole),
    urls=[note.source for message in (whole, final) for block in message.content for note in block.citations or ()],
    total_tokens=whole.usage.input_tokens + whole.usage.output_tokens,
    streamed=streamed,
    value=client.messages.parse(**asked(QUESTION, output_format=Service)).parsed_output.model_dump(),
    with_tool=said(client.beta.messages.tool_runner(**asked(WEATHER, tools=[beta_tool(get_weather)])).until_done()),
    delegated=said(client.messages.create(**asked(TAXES))),
    error=error_of(lambda: client.messages.create(**asked(QUESTION, UNKNOWN))),
    bad_key=error_of(lambda: client.with_options(api_key="wrong").messages.create(**asked(QUESTION))),
    counted=client.messages.count_tokens(model=MODEL, messages=asked(QUESTION)["messages"]).input_tokens > 0,
    n_models=len(client.models.list(limit=1).data),
)
