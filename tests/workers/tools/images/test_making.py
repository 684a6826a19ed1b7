"""What the tool says of itself, which arguments it takes, and how pictures are named."""

import pytest
from PIL import Image

from gpts.spec.gpt import GptSpec
from workers.tools import ToolError, capabilities, images
from workers.tools.images.config import ImageConfig
from workers.tools.images.pictures import as_png, name_for, read_picture

from .conftest import Kept, png


@pytest.fixture(autouse=True)
def unset():
    yield
    images.configure(ImageConfig())


def test_without_settings_it_says_in_one_sentence_what_to_set(kept: Kept):
    assert "IMAGE_MODEL" in images.unavailable()
    assert "IMAGE_URL" in images.unavailable()
    assert images.unavailable().count(".") == 1
    with pytest.raises(ToolError, match="Set IMAGE_MODEL"):
        images.TOOLS["make_image"].run({"prompt": "fox"}, kept.context())
    assert "IMAGE_MODEL" in capabilities.missing()["image_generation"]


def test_an_endpoint_needs_an_address(tmp_path):
    images.configure(ImageConfig(url="localhost"))
    assert "IMAGE_URL must be" in images.unavailable()
    images.configure(ImageConfig(url="http://127.0.0.1:8080/v1"))
    assert images.unavailable() == ""


def test_the_switch_grants_the_tool():
    spec = GptSpec(slug="p", name="Painter", capabilities=("image_generation",))
    assert "make_image" in capabilities.granted(spec)
    assert "make_image" not in capabilities.granted(GptSpec(slug="p", name="Painter"))


def test_where_it_runs_depends_on_what_draws():
    images.configure(ImageConfig(model="/models/sd"))
    assert images.TOOLS["make_image"].spec.gpu
    assert images.runs_on("make_image") == "model"
    images.configure(ImageConfig(url="http://127.0.0.1:8080/v1"))
    assert not images.TOOLS["make_image"].spec.gpu
    assert images.runs_on("make_image") == "tools"
    assert images.TOOLS["make_image"].spec.reach == "service"


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
    images.configure(ImageConfig(url="http://127.0.0.1:9/v1"))
    with pytest.raises(ToolError):
        images.TOOLS["make_image"].run(arguments, kept.context())


def test_a_call_is_described_in_words():
    request = images.TOOLS["make_image"].describe({"prompt": "a fox", "size": "512x512"})
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
    with pytest.raises(ToolError, match="no picture"):
        read_picture(b"BM" + png())
