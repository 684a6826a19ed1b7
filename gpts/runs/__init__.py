"""What happens next in a run: the steps of its log, the decisions, the prompt, the reply."""
