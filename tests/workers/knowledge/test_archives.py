"""Hostile and mislabelled archives are refused in one sentence before anything in them is read."""

import stat
import zipfile
from io import BytesIO

import pytest

from tests.workers.knowledge import files
from workers.isolation import errors
from workers.knowledge import sniffing
from workers.knowledge.archives import Archive
from workers.knowledge.parsers import parse

BOMB = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><d>&b;</d>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname">]><d>&a;</d>'


def odt(content: str = "", **entries: bytes) -> bytes:
    body = f'<x xmlns="y">{content}</x>'.encode()
    kind = {"mimetype": sniffing.ODT.encode(), "content.xml": body}
    return files.zipped(kind | entries)


def named(name: str, mode: int = 0) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, b"x")
    return buffer.getvalue()


def twice(name: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(name, b"two")
    return buffer.getvalue()


def overlapping() -> bytes:
    """Two directory entries for the bytes of one file, as in a quoted-overlap bomb."""
    data = bytearray(files.zipped({"a.xml": b"x" * 50, "b.xml": b"x" * 50}))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    return bytes(data)


def lying() -> bytes:
    """An entry that unpacks to more than the directory says."""
    data = bytearray(
        files.zipped({"mimetype": sniffing.ODT.encode(), "content.xml": b"<a>" + b"x" * 5_000 + b"</a>"})
    )
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def flagged() -> bytes:
    data = bytearray(files.zipped({"word/document.xml": b"x"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (named("/etc/passwd"), errors.UnsafeArchive),
        (named("../up.xml"), errors.UnsafeArchive),
        (named("word/../../up.xml"), errors.UnsafeArchive),
        (named("..\\up.xml"), errors.UnsafeArchive),
        (named("C:/up.xml"), errors.UnsafeArchive),
        (named("link", stat.S_IFLNK | 0o777), errors.UnsafeArchive),
        (twice("word/document.xml"), errors.UnsafeArchive),
        (overlapping(), errors.UnsafeArchive),
        (files.zipped({f"{n}.xml": b"" for n in range(2_001)}), errors.UnpacksTooLarge),
        (files.zipped({"word/document.xml": bytes(30_000_000)}), errors.UnpacksTooLarge),
        (lying(), errors.BrokenFile),
        (flagged(), errors.PasswordProtected),
        (odt(**{"META-INF/manifest.xml": b"<m><encryption-data/></m>"}), errors.PasswordProtected),
        (odt(**{"content.xml": BOMB.encode()}), errors.EntitiesRefused),
        (odt(**{"content.xml": BOMB.encode("utf-16")}), errors.EntitiesRefused),
        (odt(**{"content.xml": OUTSIDE.encode()}), errors.EntitiesRefused),
        (odt(**{"content.xml": b"<a>" * 5_000}), errors.BrokenFile),
        (files.with_part(files.word_file(), "word/styles.xml", BOMB.encode()), errors.EntitiesRefused),
        (files.with_part(files.word_file(), "word/document.xml", OUTSIDE.encode("utf-16")), errors.EntitiesRefused),
    ],
)
def test_a_hostile_archive_is_refused_with_its_reason(data: bytes, reason: type[errors.FileError]) -> None:
    with pytest.raises(errors.FileError) as caught:
        parse(data)
    assert type(caught.value) is reason
    assert str(caught.value).count(".") == 1


def test_entries_are_found_whatever_their_letter_case_and_slashes() -> None:
    archive = Archive(files.zipped({"Word\\Document.xml": b"<a/>"}))
    assert "word/document.xml" in archive
    assert archive.xml("word/document.xml").tag == "a"


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (files.zipped({"notes.txt": b"x"}), "Unpack it"),
        (b"\x1f\x8b\x08" + bytes(30) + b"x", "Unpack it"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(30) + b"x", "Unpack it"),
        (bytes(257).replace(b"\0", b"x") + b"ustar", "Unpack it"),
        (b"\x7fELF" + bytes(30) + b"x", "Programs"),
        (b"MZ\x90\0" + bytes(100) + b"x", "Programs"),
        (b"\0\0\0\x18ftypmp42" + bytes(30), "Audio and video"),
        (b"\0\0\0\x18ftypheic" + bytes(30), "JPEG"),
        (b"ID3\x04" + bytes(30), "Audio and video"),
        (b"SQLite format 3\0" + bytes(30), "CSV"),
        (files.zipped({"Index/Document.iwa": b"x"}), "iWork"),
        *(
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + stream.encode("utf-16-le"), kind)
            for stream, kind in (("WordDocument", "DOCX"), ("Workbook", "XLSX"), ("PowerPoint Document", "PPTX"))
        ),
    ],
)
def test_what_holds_no_text_gets_one_sentence_on_what_to_do(data: bytes, advice: str) -> None:
    with pytest.raises(errors.UnsupportedFormat, match=advice):
        sniffing.sniff(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(9), sniffing.PNG),
        (b"\xff\xd8\xff\xe0" + bytes(9), sniffing.JPEG),
        (b"GIF89a" + bytes(9), sniffing.GIF),
        (b"RIFF\x10\0\0\0WEBPVP8 ", sniffing.WEBP),
        (b"II*\0" + bytes(9) + b"x", sniffing.TIFF),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", sniffing.BMP),
        (b"{\\rtf1 Hello}", sniffing.RTF),
        (files.zipped({"mimetype": b"application/epub+zip"}), sniffing.EPUB),
        (files.zipped({"mimetype": b"application/vnd.oasis.opendocument.text-template"}), sniffing.ODT),
        (b"\r\n\xef\xbb\xbf%PDF-1.4", sniffing.PDF),
    ],
)
def test_the_kind_is_read_from_the_bytes(data: bytes, kind: str) -> None:
    assert sniffing.sniff(data) == kind


@pytest.mark.parametrize("text", [b"BMW sells cars.", b"MZ is short for Mainz.", b"A PDF begins with %PDF-1.4."])
def test_a_text_that_begins_like_another_kind_is_text(text: bytes) -> None:
    assert sniffing.sniff(text) == "text/plain"
