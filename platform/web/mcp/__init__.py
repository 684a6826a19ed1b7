"""The MCP server: each GPT as a tool, whose calls are runs. No tables of its own."""
