"""Mirascope, with chat completions and with Responses, of which it knows no items of tools that others ran."""

import sys

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from mirascope import llm

llm.register_provider("openai", scope="openai/", api_key=KEY, base_url=URL)
[way] = sys.argv[1:]


def model(name=MODEL):
    return llm.Model(f"openai/{name}:{way}")


called = model().call(WEATHER, tools=[llm.tool(get_weather)])
show(
    answer=model().call(QUESTION).text(),
    streamed="".join(model().stream(QUESTION).text_stream()).rstrip(),
    value=model().call(QUESTION, format=Service).parse().model_dump(),
    with_tool=called.resume(called.execute_tools()).text(),
    **({"delegated": model().call(TAXES).text()} if way == "completions" else {}),
    error=error_of(lambda: model(UNKNOWN).call(QUESTION)),
)
