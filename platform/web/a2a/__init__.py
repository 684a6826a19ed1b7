"""The door for agents elsewhere: each GPT as an A2A agent, whose tasks are runs. No tables of its own."""
