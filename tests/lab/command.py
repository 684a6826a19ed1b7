"""The command that runs the lab's measurements by their names."""

from collections.abc import Mapping
from typing import ClassVar, Final

from workers.management.commands.bench import Command

NAMES: Final = (
    *("answers", "coverage", "delegation", "dialogues", "embeddings", "ingest", "injection"),
    *("retrieval", "scale", "store", "streams", "tools", "train"),
)


class Lab(Command):
    """Runs one of the lab's measurements, or trains."""

    help = "Measures answers, search, choices and safety, and trains the small model."
    SUBJECTS: ClassVar[Mapping[str, str]] = {name: f"tests.lab.{name}" for name in NAMES}
