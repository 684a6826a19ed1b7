"""What draws pictures here: a local model or the operator's endpoint, as the settings IMAGE_* say."""

from dataclasses import dataclass, field

from workers.egress import EgressConfig


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """A local model directory in `model`, or the base address of an OpenAI-compatible endpoint in `url`.

    With `url`, `model` is the model's name there, and `key` is sent to it and to no other address. `steps` 0 and
    `guidance` None leave both to the local pipeline. `timeout_s` is what all pictures of one call may take.
    """

    model: str = ""
    url: str = ""
    key: str = ""
    steps: int = 0
    guidance: float | None = None
    timeout_s: float = 300.0
    # For addresses that an endpoint's answer names.
    egress: EgressConfig = field(default_factory=EgressConfig)

    @property
    def backend(self) -> str:
        """The name of the backend in `drawing.BACKENDS`; empty where nothing is set."""
        if self.url:
            return "openai"
        return "diffusers" if self.model else ""
