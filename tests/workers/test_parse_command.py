"""`manage.py parse` shows what a file becomes, and says in one sentence why one becomes nothing."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command

from workers.isolation import errors


@pytest.fixture
def parse(capsys):
    """Run the command and give its exit code, output and errors."""

    def run(*args: str) -> tuple[int, str, str]:
        try:
            call_command("parse", *args)
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_text_shows_headings(parse, tmp_path: Path) -> None:
    (tmp_path / "manual.md").write_text("# Pump\n\n## Care\n\nChange the filter twice a year.\n")
    code, shown, _ = parse(str(tmp_path / "manual.md"))
    assert code == 0
    assert "Type: text/markdown" in shown
    assert "\n# Pump\n\n## Care\n\nChange the filter twice a year.\n" in shown


def test_json_holds_the_text_and_its_blocks(parse, tmp_path: Path) -> None:
    (tmp_path / "manual.md").write_text("# Pump\n\nChange the filter.\n")
    code, shown, _ = parse(str(tmp_path / "manual.md"), "--json")
    data = json.loads(shown)
    assert code == 0
    assert (data["type"], data["title"], data["text"]) == ("text/markdown", "Pump", "Pump\n\nChange the filter.")
    assert data["blocks"][1] == {"text": "Change the filter.", "heading": "Pump", "page": None, "marks": []}
    assert data["error"] is None


def test_several_files_give_an_object_a_line(parse, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One.")
    code, shown, _ = parse(str(tmp_path / "a.txt"), str(tmp_path / "missing"), "--json")
    assert code == 1
    assert [json.loads(line)["error"] for line in shown.splitlines()] == [None, "File not found."]


def test_what_is_no_readable_file_gets_a_sentence(parse, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    reasons = {
        "pipe": errors.NotAFile.__doc__,
        ".": errors.NotAFile.__doc__,
        "empty": errors.EmptyFile.__doc__,
        "missing": "File not found.",
        "loop": "Can't open the file: Too many levels of symbolic links.",
        "n" * 300: "Can't open the file: File name too long.",
    }
    for name, reason in reasons.items():
        assert parse(str(tmp_path / name)) == (1, "", f"{tmp_path / name if name != '.' else tmp_path}: {reason}\n")


def test_a_name_can_be_anything(parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-dash", "two\nlines", "\x1b[2Jclear", b"\xff".decode("utf-8", "surrogateescape"), "ümlaut 🙂"):
        Path(name).write_text("Some text.")
        code, shown, _ = parse("--", name)
        assert code == 0
        assert shown.splitlines()[1] == "Type: text/plain"
        assert "\x1b" not in shown
        code, shown, _ = parse("--json", "--", name)
        assert json.loads(shown)["file"] == name


def test_a_link_to_a_file_is_read(parse, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("Some text.")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert parse(str(tmp_path / "link"))[0] == 0
