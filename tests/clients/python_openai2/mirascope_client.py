"""Mirascope, with chat completions and with Responses."""

import sys

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from mirascope import llm

llm.register_provider("openai", scope="openai/", api_key=KEY, base_url=URL)
way = sys.argv[1] if len(sys.argv) > 1 else "completions"


def model(name=MODEL):
    return llm.Model(f"openai/{name}:{way}")


called = model().call(WEATHER, tools=[llm.tool(get_weather)])
show(
    answer=model().call(QUESTION).text(),
    streamed="".join(model().stream(QUESTION).text_stream()),
    value=model().call(QUESTION, format=Service).parse().model_dump(),
    with_tool=called.resume(called.execute_tools()).text(),
    delegated=model().call(TAXES).text(),
    error=error_of(lambda: model(UNKNOWN).call(QUESTION)),
)
