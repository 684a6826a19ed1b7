"""The call that draws a GPT's picture."""

from base64 import b64decode

from tests.workers.tools.make_image.conftest import Endpoint
from workers.configuration import tool_settings
from workers.rpc.actions import draw
from workers.tools.settings import ToolSettings


def test_it_answers_with_a_picture_or_with_the_reason(settings):
    endpoint = Endpoint()
    settings.IMAGE_URL, settings.IMAGE_GUIDANCE = endpoint.url, 1.5
    its = tool_settings()
    try:
        assert b64decode(draw("a pump", its)["picture"]).startswith(b"RIFF")
        assert endpoint.bodies() == [{"prompt": "a pump", "size": "512x512", "n": 1}]
        endpoint.answers = [(429, {})]
        assert "busy" in draw("a pump", its)["refused"]
        assert "isn't set up" in draw("a pump", ToolSettings())["refused"]
    finally:
        endpoint.close()
