"""The drawn marks that GPTs have for faces."""

import tomllib
from pathlib import Path
from typing import Final

# Name: the path of its SVG.
MARKS: Final[dict[str, str]] = tomllib.loads(Path(__file__).with_name("marks.toml").read_text())
