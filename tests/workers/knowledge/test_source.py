"""Source code keeps its lines, and each definition stands under its name."""

import pytest

from workers.knowledge.parsers.source import parse


def headings(code: str) -> list[str]:
    return [block.heading for block in parse(code.encode()).blocks if block.is_heading()]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import os\n\n\nclass Pump:\n    x = 1\n\n    def run(self):\n        return 1\n\n\ndef main():\n    pass\n",
         ["Pump", "Pump > run", "main"]),
        ("export function run(x) {\n  return x;\n}\n\nconst stop = async (a) => {\n  a();\n};\n", ["run", "stop"]),
        ("pub struct Pump {\n    a: u8,\n}\n\nimpl Pump {\n    pub fn run(&self) {\n    }\n}\n",
         ["Pump", "Pump", "Pump > run"]),
        ("func (p *Pump) Run() error {\n\treturn nil\n}\n", ["Run"]),
        ("public class Pump {\n    public int run(int a) {\n        return a;\n    }\n}\n", ["Pump", "Pump > run"]),
        ("#include <stdio.h>\n\nstatic int run(int a)\n{\n    return a;\n}\n", ["run"]),
        ("CREATE TABLE IF NOT EXISTS parts (\n  id INT\n);\n", ["parts"]),
        ("[tool.pump]\na = 1\n\n[other]\nb = 2\n", ["tool.pump", "other"]),
        ("name: pump\nparts:\n  - seal\nlimits:\n  max: 3\n", ["name", "parts", "limits"]),
    ],
)  # fmt: skip
def test_definitions_are_headings(code: str, names: list[str]) -> None:
    assert headings(code) == names


def test_lines_indentation_and_the_comment_above_stay_with_their_definition() -> None:
    document = parse(b"import os\n\n# Starts it.\n@cached\ndef run():\n    if os:\n        go()\n")
    assert document.blocks[-1].text == "# Starts it.\n@cached\ndef run():\n    if os:\n        go()"


def test_minified_lines_are_broken_and_lose_nothing() -> None:
    code = "function a(){return 1};" * 2_000
    document = parse(code.encode())
    text = "".join(block.text for block in document.blocks if not block.is_heading())
    assert "".join(text.split()) == "".join(code.split())
    assert max(len(line) for block in document.blocks for line in block.text.splitlines()) <= 1_000
    assert "split" in document.notices[0].message
