"""Haystack's generator for chats, alone and in its agent."""

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret


def generator(model=MODEL, **more):
    return OpenAIChatGenerator(api_key=Secret.from_token(KEY), model=model, api_base_url=URL, **more)


def ask(question, **more):
    return generator(**more).run([ChatMessage.from_user(question)])["replies"][0].text


pieces: list[str] = []
ask(QUESTION, streaming_callback=lambda chunk: pieces.append(chunk.content))
agent = Agent(chat_generator=generator(), tools=[create_tool_from_function(get_weather)])
show(
    answer=ask(QUESTION),
    streamed="".join(pieces),
    value=Service.model_validate_json(ask(QUESTION, generation_kwargs={"response_format": Service})).model_dump(),
    with_tool=agent.run(messages=[ChatMessage.from_user(WEATHER)])["messages"][-1].text,
    delegated=ask(TAXES),
    error=error_of(lambda: ask(QUESTION, model=UNKNOWN)),
)
