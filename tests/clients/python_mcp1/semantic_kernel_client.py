"""Semantic Kernel's chat completion, with a plugin that it calls by itself."""

import asyncio

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function


def service(model=MODEL):
    return OpenAIChatCompletion(ai_model_id=model, async_client=AsyncOpenAI(base_url=URL, api_key=KEY))


def said(text):
    history = ChatHistory()
    history.add_user_message(text)
    return history


async def ask(text, model=MODEL, kernel=None, **more):
    settings = OpenAIChatPromptExecutionSettings(**more)
    return str(await service(model).get_chat_message_content(said(text), settings, kernel=kernel or Kernel()))


async def main():
    pieces = service().get_streaming_chat_message_content(said(QUESTION), OpenAIChatPromptExecutionSettings())
    kernel = Kernel()
    kernel.add_function("site", kernel_function(get_weather))
    return {
        "answer": await ask(QUESTION),
        "streamed": "".join([str(piece) async for piece in pieces]),
        "value": Service.model_validate_json(await ask(QUESTION, response_format=Service)).model_dump(),
        "with_tool": await ask(WEATHER, kernel=kernel, function_choice_behavior=FunctionChoiceBehavior.Auto()),
        "delegated": await ask(TAXES),
    }


show(**asyncio.run(main()), error=error_of(lambda: asyncio.run(ask(QUESTION, UNKNOWN))))
