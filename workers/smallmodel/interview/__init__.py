"""Makes a GPT by a guided interview: questions whose answers fill in the form by rules, where no model can."""
