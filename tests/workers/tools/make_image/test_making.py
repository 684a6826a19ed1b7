"""What the tool says of itself, which arguments it takes, and how pictures are named."""

import pytest
from PIL import Image

from gpts.spec.gpt import GptSpec
from workers.tools import ToolError, builtin
from workers.tools.make_image.pictures import as_png, name_for, read_picture
from workers.tools.make_image.run import unavailable
from workers.tools.settings import ToolSettings

from .conftest import Kept, drawing_with, png, tool_with


def test_without_settings_it_says_so_without_naming_settings(kept: Kept):
    why = unavailable(ToolSettings())
    assert "isn't set up" in why
    assert "IMAGE_" not in why
    with pytest.raises(ToolError, match="isn't set up"):
        tool_with().run({"prompt": "fox"}, kept.context())
    assert builtin.missing(ToolSettings())["image_generation"] == why


def test_an_endpoint_is_not_contacted_before_a_call():
    assert unavailable(drawing_with(url="http://127.0.0.1:8080/v1")) == ""


def test_the_switch_grants_the_tool():
    spec = GptSpec(slug="p", name="Painter", capabilities=("image_generation",))
    assert "make_image" in builtin.granted(spec, ToolSettings())
    assert "make_image" not in builtin.granted(GptSpec(slug="p", name="Painter"), ToolSettings())
    assert builtin.granted(spec, ToolSettings(missing=frozenset({"make_image"}))) == {}


def test_where_it_runs_depends_on_what_draws():
    assert tool_with(model="/models/sd").spec.gpu
    assert not tool_with(url="http://127.0.0.1:8080/v1").spec.gpu


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"prompt": "  "},
        {"prompt": "x" * 4001},
        {"prompt": "fox", "n": 5},
        {"prompt": "fox", "n": 0},
        {"prompt": "fox", "size": "9000x9000"},
    ],
)
def test_arguments_outside_the_schema_are_refused(kept: Kept, arguments):
    with pytest.raises(ToolError):
        tool_with(url="http://127.0.0.1:9/v1").run(arguments, kept.context())


def test_a_call_is_described_in_words():
    request = tool_with().describe({"prompt": "a fox", "size": "512x512"})
    assert request.plain == "Make a picture: a fox"
    assert "512x512" in request.raw


def test_names_come_from_the_first_words_and_are_never_taken_twice():
    assert name_for("A red fox, in the snow!", ()) == "a-red-fox-in-the-snow.png"
    assert name_for("../../etc/passwd", ()) == "etc-passwd.png"
    assert name_for("雪の狐", ()) == "雪の狐.png"
    assert name_for("!!!", ()) == "picture.png"
    assert name_for("fox", {"fox.png", "fox-2.png"}) == "fox-3.png"
    assert len(name_for("word " * 100, ())) < 60


def test_pictures_are_turned_upright_and_lose_what_is_not_pixels():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "taken at home"
    from io import BytesIO

    data = BytesIO()
    Image.new("RGB", (20, 10)).save(data, "JPEG", exif=exif)
    picture = read_picture(data.getvalue())
    assert picture.size == (10, 20)
    assert b"home" not in as_png(picture)
    with pytest.raises(ToolError, match="isn't a picture"):
        read_picture(b"BM" + png())
