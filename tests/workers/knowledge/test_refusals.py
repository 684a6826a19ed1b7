"""Files that cannot become knowledge are refused with their own sentence, and harm nothing."""

import os
import sys
from pathlib import Path

import docx
import pytest

from tests.workers.knowledge import files
from workers.knowledge import errors, parsing
from workers.knowledge.parsing import parse_apart
from workers.knowledge.sniffing import DOCX, HTML, MARKDOWN, PDF, TEXT, sniff


def scanned() -> bytes:
    return files.pdf([[], []])


def entity_bomb() -> bytes:
    body = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa">]><d>&a;</d>'
    return files.with_part(files.word_file(), "word/document.xml", body)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", errors.EmptyFile),
        (b" \n\t\n", errors.EmptyFile),
        (os.urandom(4_000), errors.UnsupportedFormat),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), errors.UnsupportedFormat),
        (b"{\\rtf1 hello}", errors.UnsupportedFormat),
        (files.zipped({"data.bin": b"x"}), errors.UnsupportedFormat),
        (files.zipped({"word/document.xml": bytes(30_000_000)}), errors.UnpacksTooLarge),
        (files.zipped({f"{n}.xml": b"" for n in range(2_100)}), errors.UnpacksTooLarge),
        (files.word_file()[:-200], errors.BrokenFile),
        (files.with_part(files.word_file(), "word/document.xml", b"<broken"), errors.BrokenFile),
        (entity_bomb(), errors.EntitiesRefused),
        (files.pdf([[(10, "Hello")]])[:300], errors.BrokenFile),
        (files.pdf([[(10, "Hello")]], password_dictionary=True), errors.PasswordProtected),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), errors.PasswordProtected),
        (scanned(), errors.ScannedPages),
        (files.saved(docx.Document()), errors.NoText),
        (b"<html><body><script>x()</script></body></html>", errors.NoText),
    ],
)
def test_each_reason_has_its_own_error(data: bytes, reason: type[errors.KnowledgeError], tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(errors.KnowledgeError) as caught:
        parse_apart(tmp_path / "upload")
    assert type(caught.value) is reason
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (files.pdf([[(10, "Hello")]]), PDF),
        (files.word_file(), DOCX),
        (b"  <!DOCTYPE html><p>x", HTML),
        (b"# Care\n\nText", MARKDOWN),
        (b"- one\n- two\n\n[x](y)", MARKDOWN),
        (b"Just text. With two sentences.", TEXT),
        ("# 注意\n".encode("utf-16"), MARKDOWN),
    ],
)
def test_the_kind_is_read_from_the_content(data: bytes, kind: str) -> None:
    assert sniff(data) == kind


def test_a_parse_that_hangs_is_stopped_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _replace_child(tmp_path, monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(errors.TimedOut):
        parse_apart(tmp_path / "upload", wall_s=0.5)


@pytest.mark.parametrize("program", ["import os; os.abort()", "import sys; sys.exit(3)", ""])
def test_a_parser_that_crashes_is_a_broken_file(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _replace_child(tmp_path, monkeypatch, program)
    with pytest.raises(errors.BrokenFile):
        parse_apart(tmp_path / "upload")


def test_an_endless_answer_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MAX_ANSWER_BYTES", 100_000)
    _replace_child(tmp_path, monkeypatch, "while True: print('x' * 1000)")
    with pytest.raises(errors.TooLarge):
        parse_apart(tmp_path / "upload")


def test_a_cancelled_parse_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = tmp_path / "pid"
    _replace_child(
        tmp_path, monkeypatch, f"import os,time; open({str(pid_file)!r},'w').write(str(os.getpid())); time.sleep(60)"
    )

    def cancel_once_it_runs() -> None:
        if pid_file.exists() and pid_file.read_text():
            raise InterruptedError

    with pytest.raises(InterruptedError):
        parse_apart(tmp_path / "upload", keep_going=cancel_once_it_runs)
    assert not Path(f"/proc/{pid_file.read_text()}").exists()


def test_the_child_cannot_take_all_memory_or_write_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "from workers.knowledge.parsing import _limit_self; _limit_self()\n"
        "try:\n    bytearray(3_000_000_000); print('memory')\nexcept MemoryError: pass\n"
        f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"try:\n    open({str(tmp_path / 'out')!r}, 'wb', 0).write(b'x'); print('file')\nexcept OSError: pass\n"
        'print(\'{"error": "NoText", "message": "held"}\')'
    )
    _replace_child(tmp_path, monkeypatch, program)
    with pytest.raises(errors.NoText, match="held"):
        parse_apart(tmp_path / "upload")


def _replace_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the child run `program` instead of the parser, on a file that has content."""
    (tmp_path / "upload").write_bytes(b"some text")
    interpreter = tmp_path / "python"
    interpreter.write_text(f"#!{sys.executable}\n{program}\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(parsing.sys, "executable", str(interpreter))
