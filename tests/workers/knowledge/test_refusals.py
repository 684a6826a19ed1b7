"""Files that cannot become knowledge are refused with their own sentence, and harm nothing."""

import os
from pathlib import Path

import docx
import pytest

from tests.workers.knowledge import files
from workers.isolation import errors
from workers.knowledge.parsing import parse_file
from workers.knowledge.sniffing import DOCX, PDF, sniff
from workers.knowledge.text_types import HTML, MARKDOWN, TEXT


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
        (b"\x89PNG\r\n\x1a\n" + bytes(200), errors.BrokenFile),
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
def test_each_reason_has_its_own_error(data: bytes, reason: type[errors.FileError], tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(errors.FileError) as caught:
        parse_file(tmp_path / "upload")
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
