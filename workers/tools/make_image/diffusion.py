"""Draws with diffusers and a local model directory, in a process that holds models.

The directory is data only: just its safetensors are read, no code in it is run (a directory with Python files, or one
that names classes of other libraries, is refused), and no hub is contacted. Each process loads one pipeline on first
use. It draws for one call at a time, and one picture at a time, so that four need no more memory than one.
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
from workers.tools.make_image.pictures import DrawingControl, Order
from workers.tools.settings import ImageSettings, ToolSettings

logger = logging.getLogger(__name__)

LIBRARIES: Final = ("diffusers", "transformers", None)
NO_MEMORY: Final = "There is not enough memory for a picture of this size right now. Ask for a smaller one."
REFUSED: Final = "The image model's safety filter blocked the picture. Ask for something else."
NO_VARIATIONS: Final = "The image model can't start from an earlier picture. Describe the whole picture instead."
BROKEN: Final = "The image model can't be loaded. Your admin can find the reason in the worker's log."
# How often a call that waits for another one's picture checks whether it was stopped, in seconds.
WAIT_S: Final = 0.3

_drawing = threading.Lock()


def unavailable(config: ImageSettings) -> str:
    """Why the model cannot draw here, for users; empty if it can. Loads nothing; logs the details for operators."""
    problem = _problem(Path(config.model))
    return _logged(problem) if problem else ""


@cache
def _logged(problem: str) -> str:
    """The message for users. Logs `problem` once per process."""
    logger.error("the image model can't be loaded: %s", problem)
    return BROKEN


def _problem(folder: Path) -> str:
    """What is wrong with the model directory or the installation; empty if nothing is."""
    if find_spec("diffusers") is None:
        return "IMAGE_MODEL needs the library diffusers; install the extra `images` where the workers run"
    try:
        index = json.loads((folder / "model_index.json").read_text())
        parts = {name: part for name, part in index.items() if not name.startswith("_")}
        libraries = {part[0] for part in parts.values() if isinstance(part, list)}
    except (OSError, ValueError, AttributeError, IndexError):
        return "IMAGE_MODEL must be a diffusers model directory with a readable model_index.json"
    if any(folder.rglob("*.py")) or not isinstance(index.get("_class_name"), str) or not libraries <= {*LIBRARIES}:
        return "IMAGE_MODEL contains code, which is never run; use a model made of diffusers' own parts"
    if not any(folder.rglob("*.safetensors")):
        return "IMAGE_MODEL has no safetensors files"
    return ""


def draw(settings: ToolSettings, order: Order, control: DrawingControl) -> Generator[Image.Image]:
    """Yield the pictures of `order`. Raises ToolError, or what `control.check_time` raises after any step."""
    config = settings.images
    with _exclusive(control), _memory_errors():
        control.progress("Loading the image model")
        pipeline = _pipeline(config.model, order.source is not None)
        for number in range(order.n):
            yield _draw_one(pipeline, config, order, control, number)


@contextmanager
def _exclusive(control: DrawingControl) -> Iterator[None]:
    """Waits until no other call draws. Raises what `control.check_time` raises."""
    while not _drawing.acquire(timeout=WAIT_S):
        control.progress("Waiting for another picture")
        control.check_time()
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
        logger.warning("not enough memory for a picture: %s", error)
        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise ToolError(NO_MEMORY) from error


def _draw_one(pipe: Any, config: ImageSettings, order: Order, control: DrawingControl, number: int) -> Image.Image:
    import torch

    which = f"Drawing picture {number + 1} of {order.n}, step" if order.n > 1 else "Drawing"

    def step_done(pipeline: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        control.progress(f"{which} {step + 1} of {pipeline.num_timesteps}")
        control.check_time()
        return tensors

    options: dict[str, Any] = {"height": order.height, "width": order.width, "callback_on_step_end": step_done}
    options["generator"] = torch.Generator().manual_seed(secrets.randbits(63))
    if order.source is not None:
        options["image"] = order.source.resize((order.width, order.height))
    if config.steps:
        options["num_inference_steps"] = config.steps
    if config.guidance is not None:
        options["guidance_scale"] = config.guidance
    known = inspect.signature(pipe.__call__).parameters
    control.check_time()
    with torch.inference_mode():
        made = pipe(prompt=order.prompt, **{name: value for name, value in options.items() if name in known})
    if any(getattr(made, "nsfw_content_detected", None) or ()):
        raise ToolError(REFUSED)
    picture: Image.Image = made.images[0]
    return picture


@cache
def _pipeline(folder: str, varies: bool) -> Any:
    """The text-to-image pipeline, or the image-to-image one with the same weights. Raises ToolError."""
    from diffusers import AutoPipelineForImage2Image

    if not varies:
        return _load(folder)
    try:
        return _quiet(AutoPipelineForImage2Image.from_pipe(_pipeline(folder, False)))
    except ValueError as error:  # diffusers has no such pipeline for this kind of model
        raise ToolError(NO_VARIATIONS) from error


def _load(folder: str) -> Any:
    import torch
    from diffusers import AutoPipelineForText2Image

    if problem := _problem(Path(folder)):
        raise ToolError(_logged(problem))
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
        raise ToolError(_logged(f"{folder}: {error}")) from error
    return _quiet(pipeline.to("cuda" if on_gpu else "cpu"))


def _quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
