"""A Chainlit app's turn: OpenAI's client, instrumented by Chainlit, with the answer sent as its message."""

import asyncio

import chainlit
from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, show
from chainlit.context import init_http_context
from openai import AsyncOpenAI

chainlit.instrument_openai()
client = AsyncOpenAI(base_url=URL, api_key=KEY)


async def ask(question, model=MODEL):
    asked = [{"role": "user", "content": question}]
    return (await client.chat.completions.create(model=model, messages=asked)).choices[0].message.content


async def main():
    init_http_context()
    message = chainlit.Message(content="")
    asked = [{"role": "user", "content": QUESTION}]
    async for chunk in await client.chat.completions.create(model=MODEL, messages=asked, stream=True):
        await message.stream_token(chunk.choices[0].delta.content or "")
    await message.send()
    found = {"answer": await ask(QUESTION), "streamed": message.content, "delegated": await ask(TAXES)}
    try:
        await ask(QUESTION, UNKNOWN)
    except Exception as error:
        found["error"] = type(error).__name__
    show(**found)


asyncio.run(main())
