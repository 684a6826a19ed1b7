"""The platform's own tools, as folders under workers/tools describe them. To add one: a folder, and its name here.

A folder's tool.toml is data that workers, the policy and the pages read alike; its run.py is the workers' alone.
"""

import tomllib
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

import gpts
from gpts.spec.tools import ToolSpec

FOLDERS: Final = ("web_search", "open_page", "make_image", "code_interpreter")
_TOOLS: Final = Path(gpts.__file__).parent.parent / "workers" / "tools"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Switch(_Part):
    """The capability that grants the tool. Where several tools share one, the first of them has its texts."""

    key: str
    title: str = ""
    help: str = ""
    icon: str = "check"
    reads_files: bool = False


class Approval(_Part):
    """How a person is asked about a call; `{name}` is an argument. Without `raw` the arguments are shown as JSON."""

    plain: str
    raw: str = ""


class CallLine(_Part):
    """How the chat shows a call. `{subject}` is the argument that `subject` names, `#` the number of such calls.

    `given` and `gave` are what can be unfolded: of the arguments, and of the result.
    """

    subject: str = ""
    doing: str
    done: str
    failed: str
    declined: str
    short: str
    many: str
    given: Literal["arguments", "code", "address"] = "arguments"
    gave: Literal["text", "addresses", "nothing"] = "text"


class BuiltinTool(_Part):
    """One of the platform's own tools: what models are told of it, and what people are."""

    spec: ToolSpec
    capability: Switch
    approval: Approval
    line: CallLine


def _read(name: str) -> BuiltinTool:
    declared: dict[str, Any] = tomllib.loads((_TOOLS / name / "tool.toml").read_text("utf-8"))
    return BuiltinTool.model_validate(declared | {"spec": {**declared["spec"], "name": name, "builtin": name}})


# Read on import: this is as fixed as the code beside it.
BUILTIN_TOOLS: Final[dict[str, BuiltinTool]] = {name: _read(name) for name in FOLDERS}
