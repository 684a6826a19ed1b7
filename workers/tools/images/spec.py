"""make_image as models, routers and people are told of it."""

from typing import Any, Final

from gpts.spec.tools import ToolSpec
from workers.tools.images.config import ImageConfig

PROMPT_CHARS: Final = 4_000
SIZES: Final = ("512x512", "768x768", "1024x1024", "1024x768", "768x1024")
DEFAULT_SIZE: Final = "768x768"
SMALL_SIZE: Final = "512x512"
MAX_PICTURES: Final = 4

PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "prompt": {
            "type": "string",
            "minLength": 1,
            "maxLength": PROMPT_CHARS,
            "description": "What the picture shows and in which style, in full.",
        },
        "size": {"type": "string", "enum": list(SIZES), "description": "Width by height in pixels."},
        "n": {"type": "integer", "minimum": 1, "maximum": MAX_PICTURES, "description": "How many to make."},
        "variation_of": {
            "type": "string",
            "maxLength": 120,
            "description": "Name of an earlier picture to start from; leave it out for a new one.",
        },
    },
    "required": ["prompt"],
    "additionalProperties": False,
}

EXAMPLES: Final = (
    "Draw me a red fox in the snow",
    "Make a picture of a lighthouse at night",
    "Create an image of a robot watering plants",
    "Can you paint a watercolour of an old harbour?",
    "I need a logo for my bakery",
    "Generate an illustration for a children's book about bees",
    "Design a poster for our summer party",
    "Sketch a cat wearing a top hat",
    "Show me what a castle made of glass would look like",
    "The same picture again, but with more trees",
    "Make three variations of that image",
    "Zeichne mir einen Hund im Regen",
    "Erstelle ein Bild von einem Schloss in den Bergen",
    "Dessine-moi un mouton",
    "Crée une image d'un marché en Provence",
    "Dibuja un gato con botas",
    "Haz una imagen de una playa al atardecer",
    "Disegna un drago che dorme",
    "Desenhe um barco no mar",
    "画一只在雪地里的狐狸",
    "猫の絵を描いてください",
    "Нарисуй лису в лесу",
)


def spec_for(config: ImageConfig) -> ToolSpec:
    """The tool where pictures are drawn as `config` says."""
    return ToolSpec(
        name="make_image",
        builtin="make_image",
        title="Make a picture",
        description="Makes a picture from a description and shows it to the person.",
        parameters=PARAMETERS,
        examples=EXAMPLES,
        effect="read",
        reach="service" if config.backend == "openai" else "nothing",
        timeout_s=config.timeout_s,
        gpu=config.backend == "diffusers",
    )
