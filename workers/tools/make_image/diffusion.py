"""Drawing with a model directory of this machine, by diffusers, in a process that holds models.

The directory is data and must stay so: only safetensors are read, no code out of it ever runs (a directory with
Python files, or one that names classes of other libraries, is refused), and nothing is asked of a hub. One pipeline
is loaded per process, on first use, and draws for one call at a time. The pictures of a call are drawn one after the
other, so that four need no more memory than one.
"""

import gc
import inspect
import json
import logging
import secrets
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from PIL import Image

from workers.tools import ToolError
from workers.tools.make_image.drawing import Order, Watch
from workers.tools.settings import ImageSettings, ToolSettings

logger = logging.getLogger(__name__)

LIBRARIES: Final = ("diffusers", "transformers", None)
NO_MEMORY: Final = "There is not enough memory for a picture of this size right now; ask for a smaller one."
REFUSED: Final = "The image model refused to show what it drew; ask for something else."
NO_VARIATIONS: Final = (
    "The image model here cannot start from an earlier picture; describe the whole picture in words."
)
BROKEN: Final = "The image model could not be loaded; whoever runs this site finds the reason in the log."
# How long to wait for another call's picture before looking whether this one is still wanted.
LOOK_S: Final = 0.3

_drawing = threading.Lock()


def unavailable(config: ImageSettings) -> str:
    """Why the model cannot draw here; empty if nothing speaks against it. Loads nothing."""
    if find_spec("diffusers") is None:
        return "Install the extra “images” where the workers run: IMAGE_MODEL needs the library diffusers."
    return _unusable(Path(config.model))


def _unusable(folder: Path) -> str:
    """What is wrong with the model directory, in one sentence."""
    try:
        index = json.loads((folder / "model_index.json").read_text())
        parts = {name: part for name, part in index.items() if not name.startswith("_")}
        libraries = {part[0] for part in parts.values() if isinstance(part, list)}
    except (OSError, ValueError, AttributeError, IndexError):
        return "IMAGE_MODEL must be a diffusers model directory, with a readable model_index.json."
    if any(folder.rglob("*.py")) or not isinstance(index.get("_class_name"), str) or not libraries <= {*LIBRARIES}:
        return "IMAGE_MODEL brings code of its own, which is never run; set a model made of diffusers' own parts."
    if not any(folder.rglob("*.safetensors")):
        return "IMAGE_MODEL has no safetensors files, the only ones that are read."
    return ""


def draw(settings: ToolSettings, order: Order, watch: Watch) -> Generator[Image.Image]:
    """Yield the pictures of `order`. Raises ToolError, or what the watch raises, which ends it at that step."""
    config = settings.images
    with _turn(watch), _memory_errors():
        watch.progress("Loading the image model")
        pipeline = _pipeline(config.model, order.source is not None)
        for number in range(order.n):
            yield _draw_one(pipeline, config, order, watch, number)


@contextmanager
def _turn(watch: Watch) -> Iterator[None]:
    """Waits until no other call draws; meanwhile the watch is looked at."""
    while not _drawing.acquire(timeout=LOOK_S):
        watch.progress("Waiting for another picture")
        watch.look()
    try:
        yield
    finally:
        _drawing.release()


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error).lower():
            raise
        logger.warning("no memory for a picture: %s", error)
        _free_memory()
        raise ToolError(NO_MEMORY) from error


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _draw_one(pipeline: Any, config: ImageSettings, order: Order, watch: Watch, number: int) -> Image.Image:
    import torch

    which = f"Drawing picture {number + 1} of {order.n}, step" if order.n > 1 else "Drawing"

    def step_done(pipe: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        watch.progress(f"{which} {step + 1} of {pipe.num_timesteps}")
        watch.look()
        return tensors

    wishes: dict[str, Any] = {"height": order.height, "width": order.width, "callback_on_step_end": step_done}
    wishes["generator"] = torch.Generator().manual_seed(secrets.randbits(63))
    if order.source is not None:
        wishes["image"] = order.source.resize((order.width, order.height))
    if config.steps:
        wishes["num_inference_steps"] = config.steps
    if config.guidance is not None:
        wishes["guidance_scale"] = config.guidance
    known = inspect.signature(pipeline.__call__).parameters
    watch.look()
    with torch.inference_mode():
        made = pipeline(prompt=order.prompt, **{name: wish for name, wish in wishes.items() if name in known})
    if any(getattr(made, "nsfw_content_detected", None) or ()):
        raise ToolError(REFUSED)
    picture: Image.Image = made.images[0]
    return picture


@cache
def _pipeline(folder: str, varies: bool) -> Any:
    """The pipeline that draws from nothing, or over a picture with the same weights. Raises ToolError."""
    from diffusers import AutoPipelineForImage2Image

    if not varies:
        return _load(folder)
    try:
        return _quiet(AutoPipelineForImage2Image.from_pipe(_pipeline(folder, False)))
    except ValueError as error:  # diffusers knows no such pipeline for this kind of model
        raise ToolError(NO_VARIATIONS) from error


def _load(folder: str) -> Any:
    import torch
    from diffusers import AutoPipelineForText2Image

    if wrong := _unusable(Path(folder)):
        raise ToolError(wrong)
    on_gpu = torch.cuda.is_available()
    try:
        pipeline = AutoPipelineForText2Image.from_pretrained(
            folder,
            dtype=torch.float16 if on_gpu else torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        logger.error("the image model in %s cannot be loaded: %s", folder, error)
        raise ToolError(BROKEN) from error
    return _quiet(pipeline.to("cuda" if on_gpu else "cpu"))


def _quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
