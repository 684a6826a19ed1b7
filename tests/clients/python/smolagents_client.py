"""smolagents' model, alone and in its agent that calls tools."""

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from smolagents import OpenAIModel, ToolCallingAgent, tool

FORMAT = {"type": "json_schema", "json_schema": {"name": "service", "schema": Service.model_json_schema()}}


def model(name=MODEL):
    return OpenAIModel(name, api_base=URL, api_key=KEY)


def said(text):
    return [{"role": "user", "content": [{"type": "text", "text": text}]}]


agent = ToolCallingAgent(tools=[tool(get_weather)], model=model(), max_steps=3, verbosity_level=0)
show(
    answer=model().generate(said(QUESTION)).content,
    streamed="".join(delta.content or "" for delta in model().generate_stream(said(QUESTION))),
    value=Service.model_validate_json(model().generate(said(QUESTION), response_format=FORMAT).content).model_dump(),
    with_tool=agent.run(WEATHER),
    delegated=model().generate(said(TAXES)).content,
    error=error_of(lambda: model(UNKNOWN).generate(said(QUESTION))),
)
