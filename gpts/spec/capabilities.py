"""The capabilities that a creator switches on, and the tools that each grants."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Capability:
    """A switch of the creator's form. `rule` tells the model what the tools are for."""

    title: str
    help: str
    tools: tuple[str, ...]
    rule: str = ""


CAPABILITIES: Final[dict[str, Capability]] = {
    "web_browsing": Capability(
        "Web browsing", "Searches the web and reads pages, with links to what it used.", ("web_search", "open_page")
    ),
    "image_generation": Capability("Image generation", "Makes pictures from a description.", ("make_image",)),
    "code_interpreter": Capability(
        "Code interpreter",
        "Runs Python in a closed box: calculates, reads attached files, draws charts, makes files.",
        ("code_interpreter",),
    ),
}
