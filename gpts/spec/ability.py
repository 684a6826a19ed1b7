"""The measured abilities of the shared base model: the only facts about a model that decisions may use."""

from typing import Final

from pydantic import Field

from gpts.values import Value

# How long a model that writes may reason, and how long its answer may be unless somebody chose a limit: in a long
# context an eighth of it.
LEAST_REPLY: Final = 4_096
MOST_REPLY: Final = 16_384
# The longest reply of a model that only quotes: what the bundled one writes by itself soon repeats itself.
SHORT_REPLY: Final = 400
# Files that every model that writes gets whole, if its context has room: longer ones only where that was measured.
READS_TOKENS: Final = 24_000


class ModelAbility(Value):
    """What a run may leave to the model. Only the engine sets this; nothing else checks a model's size.

    Where a field is false, `workers/smallmodel` does that part of the work.
    """

    calls_tools: bool = Field(description="Decides by itself whether to call a tool, which one, and how.")
    writes_from_sources: bool = Field(description="Writes answers from passages and results without making up facts.")
    keeps_to_sources: bool = Field(
        default=False, description="Makes nothing up where passages say almost what is asked or must be combined."
    )
    breaks_ties: bool = Field(default=False, description="Picks the right one of two tools when given only these.")
    verifies: bool = Field(
        default=False, description="Tells better than rules whether its files and results say a sentence."
    )
    sees_images: bool = Field(default=False, description="Sees the pictures that come with messages.")
    reasons: bool = Field(default=False, description="Writes a separate block of reasoning before it answers.")
    reads_tokens: int = Field(default=READS_TOKENS, description="Longest files, in tokens, in which it finds facts.")
    context_tokens: int = Field(gt=0, description="Longest prompt and reply together, in tokens.")

    @property
    def reply_tokens(self) -> int:
        """The longest answer if neither the creator nor the caller chose a limit."""
        if not self.writes_from_sources:
            return SHORT_REPLY
        return min(max(LEAST_REPLY, self.context_tokens // 8), MOST_REPLY)

    @property
    def reasoning_tokens(self) -> int:
        """How long it may reason before an answer, which has its own limit; at most a quarter of the context."""
        return min(max(LEAST_REPLY, self.context_tokens // 8), MOST_REPLY, self.context_tokens // 4) * self.reasons
