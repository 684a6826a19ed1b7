"""Pictures of others become squares and pixels in a child process, whatever they would take."""

from io import BytesIO

import pytest
from PIL import Image

from workers.isolation.errors import BrokenFile, FileError
from workers.isolation.parent import run_on_bytes
from workers.readers import pictures
from workers.rpc.confined import READERS

SQUARE, LIMITS = READERS["picture"]


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 400), mode: str = "RGB", **save: object) -> bytes:
    data = BytesIO()
    Image.new(mode, size).save(data, kind, **save)
    return data.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("PNG", "LA", (3840, 2160)),
        ("GIF", "P", (3840, 2160)),
        ("WEBP", "RGB", (2236, 2236)),
        ("JPEG", "CMYK", (4000, 3100)),
    ],
)
def test_the_largest_pictures_fit_into_the_limits(kind, mode, size):
    made = run_on_bytes(SQUARE, picture(kind, size, mode, progressive=True), limits=LIMITS)
    with Image.open(BytesIO(made)) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))


def test_a_logo_is_kept_whole():
    with Image.open(
        BytesIO(run_on_bytes(READERS["logo"].function, picture("PNG", (800, 200), "RGBA"), limits=LIMITS))
    ) as image:
        assert (image.format, image.mode, image.size) == ("WEBP", "RGBA", (256, 64))


def test_a_small_file_with_many_pixels_is_not_decoded():
    """A PNG of 4.9 kB took 347 MB."""
    assert pictures.square(picture(size=(6_300, 6_300), mode="1")) == b'{"format": "PNG", "most": 8300000}'


@pytest.mark.parametrize("data", [b"no picture", picture()[:200], picture("BMP")])
def test_what_is_no_picture_is_refused(data):
    for function in (pictures.square, pictures.pixels):
        with pytest.raises(BrokenFile):
            function(data)


def test_a_decoder_that_takes_too_much_memory_ends_alone():
    """This process would have taken 64 MB; here the child may have less than its interpreter."""
    with pytest.raises(FileError):
        run_on_bytes(SQUARE, picture(size=(2_800, 2_800)), limits=LIMITS.__class__(memory_bytes=60_000_000))
