"""aider, as a command: in a folder without files."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from asked import KEY, MODEL, QUESTION, UNKNOWN, URL, show

folder = Path(tempfile.mkdtemp())
environment = os.environ | {"OPENAI_API_BASE": URL, "OPENAI_API_KEY": KEY}
command = [sys.executable, "-m", "aider", "--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings"]
command += ["--no-analytics", "--no-pretty", "--no-show-release-notes", "--map-tokens", "0"]


def ask(question, model=MODEL):
    asked = [*command, "--model", f"openai/{model}", "--message", question]
    return subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


show(
    in_text=ask(QUESTION),
    error=re.findall(r"litellm\.(\w+)", ask(QUESTION, UNKNOWN))[0],
)
