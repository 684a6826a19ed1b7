"""What happens next in a run: its log's steps, the decisions, the prompt, and the parsed reply."""
