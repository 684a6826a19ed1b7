"""Draws for programs, with the tool that GPTs use."""

from pathlib import Path
from typing import Any, Final

from gpts.runs.steps import FileRef
from gpts.spec.gpt import GptSpec
from web.builder.files import store_bytes
from workers.tools import InputFile, ToolContext, ToolError
from workers.tools.make_image import diffusion, endpoint, pictures, run
from workers.tools.settings import ToolSettings

SOURCE: Final = "source"
UNREADABLE: Final = "The picture can’t be read. Send a PNG, JPEG or WebP of up to 16 million pixels."
# Failures of the site, not of the request.
OURS: Final = frozenset(
    (
        *(diffusion.BROKEN, diffusion.NO_MEMORY, endpoint.BAD_KEY, endpoint.BUSY, endpoint.DOWN, endpoint.FAILED),
        *(endpoint.TOO_LARGE, pictures.TOO_SLOW, pictures.UNREADABLE),
    )
)


def draw(arguments: dict[str, Any], source: Path | None, user_id: int, settings: ToolSettings) -> dict[str, Any]:
    """`pictures`, the SHA-256 of each in the file store; or the reason why not in `refused`."""
    made: list[str] = []

    def keep(name: str, mime: str, data: bytes, *, untrusted: bool = False) -> FileRef:
        made.append(store_bytes([data])[0])
        return FileRef(name=name, mime=mime)

    context = ToolContext(
        call_id="program",
        session=f"{user_id}/program",
        user_id=user_id,
        spec=GptSpec(slug="program", name="Program"),
        deadline_s=settings.images.timeout_s,
        files=(InputFile(SOURCE, source),) if source else (),
        keep=keep,
    )
    try:
        if source and not _is_readable(source):
            return {"refused": UNREADABLE, "status": 400, "param": "image", "code": "invalid_value"}
        run.run({**arguments, **({"variation_of": SOURCE} if source else {})}, context, settings)
    except ToolError as error:
        status, code = (503, "image_service_failed") if str(error) in OURS else (400, "image_not_made")
        return {"refused": str(error), "status": status, "param": None, "code": code}
    return {"pictures": made}


def _is_readable(source: Path) -> bool:
    try:
        pictures.read_file(source)
    except ToolError:
        return False
    return True
