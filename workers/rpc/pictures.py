"""Drawing the picture of a GPT for its creator's form."""

from base64 import b64encode
from typing import Any

from workers.tools import ToolError
from workers.tools.make_image.run import picture
from workers.tools.settings import ToolSettings


def drawn(prompt: str, settings: ToolSettings) -> dict[str, Any]:
    """The payload: `picture`, a PNG in base64, or `refused`, why there is none in one sentence."""
    try:
        return {"picture": b64encode(picture(prompt, settings)).decode()}
    except ToolError as error:
        return {"refused": str(error)}
