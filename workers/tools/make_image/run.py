"""Making a picture: from the call's arguments to pictures kept with the conversation."""

from contextlib import closing
from typing import Any, Final

from PIL import Image

from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.tools import ToolSpec
from workers.tools import InputFile, ToolContext, ToolError, ToolOutput
from workers.tools.make_image import drawing
from workers.tools.make_image.drawing import Order, Watch, drawer
from workers.tools.make_image.pictures import MIME, as_png, name_for, read_file
from workers.tools.markdown import escaped
from workers.tools.settings import ToolSettings

FIELDS: Final[dict[str, Any]] = BUILTIN_TOOLS["make_image"].spec.parameters["properties"]
PROMPT_CHARS: Final[int] = FIELDS["prompt"]["maxLength"]
SIZES: Final[list[str]] = FIELDS["size"]["enum"]
MAX_PICTURES: Final[int] = FIELDS["n"]["maximum"]
DEFAULT_SIZE: Final = "768x768"
SMALL_SIZE: Final = "512x512"

NOTHING_SET: Final = (
    "Set IMAGE_MODEL to a diffusers model directory, or IMAGE_URL to an OpenAI-compatible images endpoint."
)
CAPTION_CHARS: Final = 200


def placed(spec: ToolSpec, settings: ToolSettings) -> ToolSpec:
    """`spec` with the workers that draw as these settings say."""
    config = settings.images
    return spec.model_copy(update={"timeout_s": config.timeout_s, "gpu": config.backend == "diffusers"})


def unavailable(settings: ToolSettings) -> str:
    """Why no pictures can be made here, in one sentence that says what to set; empty if they can."""
    return drawing.unavailable(settings.images) if settings.images.backend else NOTHING_SET


def run(arguments: dict[str, Any], ctx: ToolContext, settings: ToolSettings) -> ToolOutput:
    """Draw what the arguments say and keep it. Raises ToolError, or what `ctx.check` raises."""
    config = settings.images
    if not config.backend:
        raise ToolError(f"Pictures cannot be made here. {NOTHING_SET}")
    source = _source(arguments, ctx)
    order = _order(arguments, read_file(source.path) if source else None)
    watch = Watch(min(ctx.deadline_s, config.timeout_s), ctx.check, ctx.progress)
    taken = {file.name for file in ctx.files}
    kept, size = [], (order.width, order.height)
    with closing(drawer(config)(settings, order, watch)) as drawn:
        for picture in drawn:
            size, name = picture.size, name_for(order.prompt, taken)
            taken.add(name)
            kept.append(ctx.keep(name, MIME, as_png(picture)))
    names = ", ".join(file.name for file in kept)
    what = "a picture" if len(kept) == 1 else f"{len(kept)} pictures"
    return ToolOutput(
        text=f"Made {what} of {size[0]} by {size[1]} pixels, shown to the person already: {names}. "
        f"It shows: {order.prompt}",
        shown=_caption(order.prompt, size),
        files=tuple(kept),
        untrusted=bool(source and source.untrusted),
        written_by=(f"the file {source.name}",) if source and source.untrusted else (),
    )


def picture(prompt: str, settings: ToolSettings, deadline_s: float = 120.0) -> bytes:
    """A small square picture of `prompt` as PNG, for no conversation. Raises ToolError."""
    config = settings.images
    if not config.backend:
        raise ToolError(f"Pictures cannot be made here. {NOTHING_SET}")
    order = _order({"prompt": prompt, "size": SMALL_SIZE}, None)
    with closing(drawer(config)(settings, order, Watch(min(deadline_s, config.timeout_s)))) as drawn:
        return as_png(next(drawn))


def _order(arguments: dict[str, Any], source: Image.Image | None) -> Order:
    """What to draw. Raises ToolError for arguments that the schema does not allow."""
    prompt, n = arguments.get("prompt"), arguments.get("n", 1)
    if not isinstance(prompt, str) or not 0 < len(prompt.strip()) <= PROMPT_CHARS:
        raise ToolError(f"Say what to draw, in up to {PROMPT_CHARS:,} characters.")
    if not isinstance(n, int) or not 1 <= n <= MAX_PICTURES:
        raise ToolError(f"Ask for 1 to {MAX_PICTURES} pictures at once.")
    size = arguments.get("size") or _nearest_size(source)
    if size not in SIZES:
        raise ToolError(f"A picture can be {', '.join(SIZES)} pixels large.")
    width, height = map(int, size.split("x"))
    return Order(prompt.strip(), width, height, n, source)


def _nearest_size(source: Image.Image | None) -> str:
    """The size whose shape is most like the source's; the default without one."""
    if source is None:
        return DEFAULT_SIZE
    shape = source.width / source.height
    return min((DEFAULT_SIZE, "1024x768", "768x1024"), key=lambda size: abs(shape - _shape(size)))


def _shape(size: str) -> float:
    width, height = map(int, size.split("x"))
    return width / height


def _source(arguments: dict[str, Any], ctx: ToolContext) -> InputFile | None:
    """The picture to vary, the newest of that name. Raises ToolError when there is none."""
    name = arguments.get("variation_of")
    if not name:
        return None
    found = next((file for file in reversed(ctx.files) if file.name == name), None)
    if found is None:
        raise ToolError(f"There is no picture named “{str(name)[:80]}” in this conversation.")
    return found


def _caption(prompt: str, size: tuple[int, int]) -> str:
    """Markdown of one line: the prompt as plain text, and the size."""
    line = " ".join(prompt.split())
    line = line if len(line) <= CAPTION_CHARS else line[:CAPTION_CHARS].rsplit(" ", 1)[0] + "…"
    return f"{escaped(line, '().:@/')} ({size[0]} × {size[1]})"
