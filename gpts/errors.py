"""Errors of the pure core, typed by who must act. Each message is one sentence that says what to do."""


class SpecError(ValueError):
    """A GPT's fields are out of their limits; the message names the field and the limit."""


class PromptTooLong(ValueError):
    """The newest message alone does not fit the model's context; shorten it or attach it as a knowledge file."""
