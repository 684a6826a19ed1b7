"""The built-in tools, described by the folders under workers/tools. To add one, add a folder and list its name here.

A folder's tool.toml is read by workers, policy and pages alike; only workers use its run.py.
"""

import tomllib
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ConfigDict

import gpts
from gpts.spec.tools import ToolSpec
from gpts.values import Value

FOLDERS: Final = (
    *("web_search", "open_page", "make_image", "code_interpreter", "remember", "ask_user", "update_draft"),
    "read_more",
)
_TOOLS: Final = Path(gpts.__file__).parent.parent / "workers" / "tools"


class _Table(Value):
    model_config = ConfigDict(extra="forbid")


class Switch(_Table):
    """The capability that grants the tool. If several tools share one, its texts come from the first.

    `offered`: creators can switch it on; otherwise only the site's own GPTs have it.
    """

    key: str
    title: str = ""
    help: str = ""
    icon: str = "check"
    reads_files: bool = False
    offered: bool = True


class ApprovalTexts(_Table):
    """The texts of an approval request; `{name}` is an argument. Where one is empty, all arguments are shown."""

    plain: str
    raw: str = ""


class CallLine(_Table):
    """How the chat shows a call. `{subject}` is the argument named by `subject`, `#` the number of such calls.

    `given` and `gave` are the expandable parts of the arguments and of the result.
    """

    subject: str = ""
    doing: str
    done: str
    failed: str
    declined: str
    short: str
    many: str
    given: Literal["arguments", "code", "address", "nothing"] = "arguments"
    gave: Literal["text", "addresses", "nothing"] = "text"


class BuiltinTool(_Table):
    """A built-in tool, with its descriptions for models and for people."""

    spec: ToolSpec
    capability: Switch
    approval: ApprovalTexts
    line: CallLine


def _read(name: str) -> BuiltinTool:
    declared: dict[str, Any] = tomllib.loads((_TOOLS / name / "tool.toml").read_text("utf-8"))
    return BuiltinTool.model_validate(declared | {"spec": {**declared["spec"], "name": name, "builtin": name}})


# Read on import: these files are as fixed as the code.
BUILTIN_TOOLS: Final[dict[str, BuiltinTool]] = {name: _read(name) for name in FOLDERS}
