"""Pictures from a local diffusion model: a tiny one with random weights, loaded and run for real."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from workers.tools import Tool, ToolError
from workers.tools.make_image import diffusion
from workers.tools.make_image.run import unavailable

from .conftest import Kept, drawing_with, tool_with

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def painter(tiny_model: Path) -> Tool:
    """make_image by the tiny model, in four steps."""
    return tool_with(model=str(tiny_model), steps=4)


def test_pictures_are_drawn_with_progress_at_the_size_that_was_asked(painter, kept: Kept):
    output = painter.run({"prompt": "a red fox", "size": "512x512", "n": 2}, kept.context())

    assert [file.name for file in output.files] == ["a-red-fox.png", "a-red-fox-2.png"]
    first, second = (Image.open(BytesIO(data)) for data in kept.files.values())
    assert first.size == second.size == (512, 512)
    assert first.tobytes() != second.tobytes()
    assert "Drawing picture 2 of 2, step 4 of 4" in kept.progress
    one = Kept(kept.folder)
    painter.run({"prompt": "a red fox", "size": "512x512"}, one.context())
    assert one.progress[1:] == [f"Drawing {step} of 4" for step in (1, 2, 3, 4)]


def test_a_variation_starts_from_the_earlier_picture_with_the_same_weights(painter, kept: Kept, monkeypatch):
    painter.run({"prompt": "a fox", "size": "512x512"}, kept.context())
    monkeypatch.setattr(diffusion, "_load", lambda folder: pytest.fail("the weights were loaded a second time"))

    output = painter.run({"prompt": "a fox with a hat", "variation_of": "a-fox.png"}, kept.context())

    assert output.files[0].name == "a-fox-with-a-hat.png"
    assert kept.progress[-1] == "Drawing 3 of 3"  # the default strength of 0.8 skips the first of four steps


class Stopped(Exception):
    """The run was stopped."""


def test_a_stopped_run_ends_the_drawing_at_its_step_and_the_next_can_draw(painter, kept: Kept):
    def check() -> None:
        if "Drawing 2 of 4" in kept.progress:
            raise Stopped

    with pytest.raises(Stopped):
        painter.run({"prompt": "fox", "size": "512x512"}, kept.context(check=check))
    assert kept.progress[-1] == "Drawing 2 of 4"
    assert not kept.files
    assert painter.run({"prompt": "fox", "size": "512x512"}, kept.context()).files


def test_a_call_that_waits_for_another_can_be_stopped(painter, kept: Kept):
    def check() -> None:
        raise Stopped

    with diffusion._drawing, pytest.raises(Stopped):
        painter.run({"prompt": "fox"}, kept.context(check=check))
    assert kept.progress == ["Waiting for another picture"]


def test_the_deadline_ends_a_drawing(painter, kept: Kept):
    with pytest.raises(ToolError, match="took too long"):
        painter.run({"prompt": "fox", "size": "512x512"}, kept.context(deadline_s=0.0))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_lack_of_memory_is_one_sentence(painter, kept: Kept, monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(diffusion, "_draw_one", fail)
    with pytest.raises(ToolError, match="not enough memory"):
        painter.run({"prompt": "fox"}, kept.context())
    assert not diffusion._drawing.locked()


def test_a_picture_that_the_model_holds_back_is_a_refusal(painter, kept: Kept, tiny_model, monkeypatch):
    pipeline = diffusion._pipeline(str(tiny_model), False)
    monkeypatch.setattr(pipeline, "run_safety_checker", lambda image, device, dtype: (image, [True]), raising=True)
    with pytest.raises(ToolError, match="safety filter"):
        painter.run({"prompt": "fox", "size": "512x512"}, kept.context())


def damaged(model: Path, to: Path, **changes: object) -> dict[str, str]:
    shutil.copytree(model, to)
    index = to / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), **changes}))
    return {"model": str(to)}


def test_code_in_a_model_directory_is_never_run(tiny_model, tmp_path, kept: Kept):
    proof = tmp_path / "ran"
    own = damaged(tiny_model, tmp_path / "own", _class_name=["pipeline", "Own"])
    part = damaged(tiny_model, tmp_path / "part", unet=["own_unet", "Own"])
    hidden = damaged(tiny_model, tmp_path / "hidden")
    for folder, name in ((own, "pipeline.py"), (part, "unet/own_unet.py"), (hidden, "unet/modeling.py")):
        (Path(folder["model"]) / name).write_text(f"open({str(proof)!r}, 'w')\n")
    elsewhere = damaged(tiny_model, tmp_path / "elsewhere", vae=["subprocess", "Popen"])
    for config in (own, part, hidden, elsewhere):
        assert "contains code" in diffusion._problem(Path(config["model"]))
        assert unavailable(drawing_with(**config)) == diffusion.BROKEN
        with pytest.raises(ToolError, match="can't be loaded"):
            tool_with(**config).run({"prompt": "fox"}, kept.context())
    assert not proof.exists()


def test_only_safetensors_are_read(tiny_model, tmp_path, kept: Kept):
    config = damaged(tiny_model, tmp_path / "pickled")
    weights = next((tmp_path / "pickled/unet").glob("*.safetensors"))
    weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    with pytest.raises(ToolError, match="can't be loaded"):
        tool_with(**config).run({"prompt": "fox"}, kept.context())


def test_what_is_no_model_is_told_before_anything_is_loaded(tmp_path):
    assert "model_index.json" in diffusion._problem(tmp_path)
    assert unavailable(drawing_with(model=str(tmp_path))) == diffusion.BROKEN
