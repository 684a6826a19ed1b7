"""What the shared base model can do, as it was measured. The one fact about a model that decisions may look at."""

from pydantic import BaseModel, ConfigDict, Field


class ModelAbility(BaseModel):
    """What a run may leave to the model. The engine is its only source; nothing else asks how large a model is.

    Where a field is false, `workers/smallmodel` does that part of the work instead.
    """

    model_config = ConfigDict(frozen=True)

    calls_tools: bool = Field(description="Decides by itself whether to call a tool, which one, and how.")
    writes_from_sources: bool = Field(description="Words answers from passages and results without making up facts.")
    breaks_ties: bool = Field(default=False, description="Picks the right one of two tools when shown just these.")
    sees_images: bool = Field(default=False, description="Reads pictures in messages.")
    reasons: bool = Field(default=False, description="Thinks before it answers, in a block of its own.")
    context_tokens: int = Field(gt=0, description="Longest prompt and reply together, in tokens.")
