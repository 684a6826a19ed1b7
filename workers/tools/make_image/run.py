"""The tool `make_image`: draws pictures and keeps them with the conversation."""

from collections.abc import Generator
from contextlib import closing
from typing import Any, Final

from PIL import Image

from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.tools import ToolSpec
from workers.readers.pictures import as_square
from workers.tools import InputFile, ToolContext, ToolError, ToolOutput, escaped
from workers.tools.make_image import diffusion, endpoint
from workers.tools.make_image.pictures import MIME, DrawingControl, Order, as_png, name_for, read_file
from workers.tools.settings import ToolSettings

FIELDS: Final[dict[str, Any]] = BUILTIN_TOOLS["make_image"].spec.parameters["properties"]
PROMPT_CHARS: Final[int] = FIELDS["prompt"]["maxLength"]
SIZES: Final[list[str]] = FIELDS["size"]["enum"]
MAX_PICTURES: Final[int] = FIELDS["n"]["maximum"]
DEFAULT_SIZE: Final = "768x768"
SMALL_SIZE: Final = "512x512"

NOT_SET_UP: Final = "Image generation isn't set up on this site. Ask your admin."
CAPTION_CHARS: Final = 200


def placed(spec: ToolSpec, settings: ToolSettings) -> ToolSpec:
    """`spec` with the time limit and the kind of worker that the settings call for."""
    config = settings.images
    return spec.model_copy(update={"timeout_s": config.timeout_s, "gpu": config.backend == "diffusers"})


def unavailable(settings: ToolSettings) -> str:
    """Why no pictures can be made here, for users; empty if they can."""
    if not settings.images.backend:
        return NOT_SET_UP
    return diffusion.unavailable(settings.images) if settings.images.backend == "diffusers" else ""


def run(arguments: dict[str, Any], ctx: ToolContext, settings: ToolSettings) -> ToolOutput:
    """Draw the pictures and keep them. Raises ToolError, or what `ctx.check` raises."""
    source = _source(arguments, ctx)
    order = _order(arguments, read_file(source.path) if source else None)
    control = DrawingControl(min(ctx.deadline_s, settings.images.timeout_s), ctx.check, ctx.progress)
    taken = {file.name for file in ctx.files}
    kept, size = [], (order.width, order.height)
    with closing(_draw(settings, order, control)) as drawn:
        for picture in drawn:
            size, name = picture.size, name_for(order.prompt, taken)
            taken.add(name)
            kept.append(ctx.keep(name, MIME, as_png(picture)))
    names = ", ".join(file.name for file in kept)
    what = "a picture" if len(kept) == 1 else f"{len(kept)} pictures"
    return ToolOutput(
        text=f"Made {what} of {size[0]} by {size[1]} pixels, already shown to the user: {names}. "
        f"It shows: {order.prompt}",
        shown=_caption(order.prompt, size),
        files=tuple(kept),
        untrusted=bool(source and source.untrusted),
        written_by=(f"the file {source.name}",) if source and source.untrusted else (),
    )


def picture(prompt: str, settings: ToolSettings, deadline_s: float = 120.0) -> bytes:
    """A small square WebP of `prompt`, outside any conversation. Raises ToolError."""
    order = _order({"prompt": prompt, "size": SMALL_SIZE}, None)
    with closing(_draw(settings, order, DrawingControl(min(deadline_s, settings.images.timeout_s)))) as drawn:
        return as_square(next(drawn))


def _draw(settings: ToolSettings, order: Order, control: DrawingControl) -> Generator[Image.Image]:
    if not settings.images.backend:
        raise ToolError(NOT_SET_UP)
    draw = diffusion.draw if settings.images.backend == "diffusers" else endpoint.draw
    return draw(settings, order, control)


def _order(arguments: dict[str, Any], source: Image.Image | None) -> Order:
    """The order for these arguments. Raises ToolError where the schema does not allow them."""
    prompt, n = arguments.get("prompt"), arguments.get("n", 1)
    if not isinstance(prompt, str) or not 0 < len(prompt.strip()) <= PROMPT_CHARS:
        raise ToolError(f"Say what to draw, in up to {PROMPT_CHARS:,} characters.")
    if not isinstance(n, int) or not 1 <= n <= MAX_PICTURES:
        raise ToolError(f"Ask for 1 to {MAX_PICTURES} pictures at once.")
    size = arguments.get("size") or _nearest_size(source)
    if size not in SIZES:
        raise ToolError(f"The size must be one of {', '.join(SIZES)}.")
    width, height = map(int, size.split("x"))
    return Order(prompt.strip(), width, height, n, source)


def _nearest_size(source: Image.Image | None) -> str:
    """The size whose aspect ratio is closest to the source's; the default without a source."""
    if source is None:
        return DEFAULT_SIZE
    shape = source.width / source.height
    return min((DEFAULT_SIZE, "1024x768", "768x1024"), key=lambda size: abs(shape - _shape(size)))


def _shape(size: str) -> float:
    width, height = map(int, size.split("x"))
    return width / height


def _source(arguments: dict[str, Any], ctx: ToolContext) -> InputFile | None:
    """The newest picture of the given name, None if no name is given. Raises ToolError if there is none."""
    name = arguments.get("variation_of")
    if not name:
        return None
    found = next((file for file in reversed(ctx.files) if file.name == name), None)
    if found is None:
        raise ToolError(f"There is no picture named “{str(name)[:80]}” in this conversation.")
    return found


def _caption(prompt: str, size: tuple[int, int]) -> str:
    """One line of Markdown: the prompt as plain text, and the size."""
    line = " ".join(prompt.split())
    line = line if len(line) <= CAPTION_CHARS else line[:CAPTION_CHARS].rsplit(" ", 1)[0] + "…"
    return f"{escaped(line, '().:@/')} ({size[0]} × {size[1]})"
