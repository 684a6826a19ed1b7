"""FastMCP's client of `/mcp`."""

import asyncio

from asked import KEY, MODEL, QUESTION, TAXES, URL, show
from fastmcp import Client
from fastmcp.exceptions import ToolError


async def main() -> None:
    async with Client(f"{URL.removesuffix('/v1')}/mcp?gpts={MODEL}", auth=KEY) as client:
        [tool] = await client.list_tools()
        answer, delegated = [await client.call_tool(tool.name, {"question": each}) for each in (QUESTION, TAXES)]
        try:
            await client.call_tool(tool.name, {"no_such": "input"})
            error = "none"
        except ToolError:
            error = "ToolError"
    show(in_text=answer.content[0].text, delegated=delegated.content[0].text, error=error)


asyncio.run(main())
