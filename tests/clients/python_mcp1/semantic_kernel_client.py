"""Semantic Kernel's chat completion, with a plugin that it calls by itself."""

import asyncio

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, get_weather, show
from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function

client = AsyncOpenAI(base_url=URL, api_key=KEY)


def said(text):
    history = ChatHistory()
    history.add_user_message(text)
    return history


async def ask(text, model=MODEL, kernel=None, **more):
    chat = OpenAIChatCompletion(ai_model_id=model, async_client=client)
    settings = OpenAIChatPromptExecutionSettings(**more)
    return str(await chat.get_chat_message_content(said(text), settings, kernel=kernel or Kernel()))


async def main():
    chat = OpenAIChatCompletion(ai_model_id=MODEL, async_client=client)
    pieces = chat.get_streaming_chat_message_content(said(QUESTION), OpenAIChatPromptExecutionSettings())
    kernel = Kernel()
    kernel.add_function("site", kernel_function(get_weather))
    found = {
        "answer": await ask(QUESTION),
        "streamed": "".join([str(piece) async for piece in pieces]),
        "value": Service.model_validate_json(await ask(QUESTION, response_format=Service)).model_dump(),
        "with_tool": await ask(WEATHER, kernel=kernel, function_choice_behavior=FunctionChoiceBehavior.Auto()),
        "delegated": await ask(TAXES),
    }
    try:
        await ask(QUESTION, UNKNOWN)
    except Exception as error:
        found["error"] = type(error).__name__
    show(**found)


asyncio.run(main())
