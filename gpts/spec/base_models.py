"""Names and sizes of base models, as operators type and read them."""

import re
from typing import Final

HUB_NAME: Final = r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
MAX_NAME_CHARS: Final = 200
# BASE_MODEL=auto: the best model that fits is downloaded, and the bundled one answers until then.
BUNDLED, AUTO = "bundled", "auto"
_TYPED: Final = re.compile(rf"({HUB_NAME})(?::([\w./-]+\.gguf))?", re.ASCII)


def hub_name(name: str) -> tuple[str, str] | None:
    """The repository and the .gguf file ("": none) that `org/name` or `org/name:file.gguf` means; else None."""
    match = _TYPED.fullmatch(name) if len(name) <= MAX_NAME_CHARS else None
    if match is None or "--" in match[1] or ".." in name:
        return None
    return match[1], match[2] or ""


def gigabytes(n: int) -> str:
    """`n` bytes for people: "2.5 GB"; below a gigabyte "120 MB", below a megabyte "80 kB"."""
    if n < 1_000_000:
        return f"{n / 1e3:.0f} kB"
    return f"{n / 1e9:.1f} GB" if n >= 1_000_000_000 else f"{n / 1e6:.0f} MB"
