"""The A2A API: each GPT as an A2A agent, whose tasks are runs. No tables of its own."""
