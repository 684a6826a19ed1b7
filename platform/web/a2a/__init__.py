"""The A2A server: each GPT as an A2A agent, whose tasks are runs. It has no tables of its own."""
