"""PDF files that are long, locked or damaged are read as far as that goes, and their owner is told."""

import hashlib
import re
import struct

import pytest

from tests.workers.knowledge.pages import HONEST, Page, at, pdf
from workers.isolation import errors
from workers.knowledge.parsers.pdf import characters, pages
from workers.knowledge.parsers.pdf import document as parser
from workers.knowledge.parsers.pdf.document import parse

# ISO 32000-1, 7.6.3.3: what stands in for the missing characters of a password.
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _locked(data: bytes, user: bytes) -> bytes:
    """`data` encrypted (revision 2 of the standard security handler) for the password `user`; the owner's differs."""
    padded = (user + _PADDING)[:32]
    owner_entry = _rc4(hashlib.md5((b"owner" + _PADDING)[:32]).digest()[:5], padded)
    key = hashlib.md5(padded + owner_entry + struct.pack("<i", -44) + b"\0").digest()[:5]

    def encrypted(match: re.Match[bytes]) -> bytes:
        object_key = hashlib.md5(key + int(match[2]).to_bytes(3, "little") + b"\0\0").digest()[:10]
        return match[1] + _rc4(object_key, match[3]) + match[4]

    stream = rb"((\d+) 0 obj\n<<[^>]*>>\nstream\n)(.*?)(\nendstream)"
    entries = b"/O <%s> /U <%s>" % (owner_entry.hex().encode(), _rc4(key, _PADDING).hex().encode())
    lock = b"<< /Filter /Standard /V 1 /R 2 /P -44 %s >>" % entries
    locked = re.sub(stream, encrypted, data, flags=re.DOTALL)
    return locked.replace(b"trailer <<", b"trailer << /ID [<00> <00>] /Encrypt %s" % lock)


def _chapters(names: str) -> list[Page]:
    return [Page(at(60, 700, f"Chapter {name}.")) for name in names]


def test_each_page_is_told_and_only_so_many_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(parser, "report_pages", lambda *pages: told.append(pages))
    monkeypatch.setattr(parser, "MAX_PAGES", 2)
    document = parse(pdf(*_chapters("ABC")))
    assert told == [(1, 3), (2, 3)]
    assert "first 2 of 3 pages" in document.notices[0].message


def test_a_file_of_very_many_characters_is_cut_and_its_owner_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "MAX_CHARS", 15)
    document = parse(pdf(*_chapters("ABCD")))
    assert [block.text for block in document.blocks] == ["Chapter A.", "Chapter B."]
    assert "first 2 of 4 pages" in document.notices[0].message


def test_a_page_of_very_many_characters_is_cut_and_its_owner_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "MAX_PAGE_CHARACTERS", 9)
    monkeypatch.setattr(pages, "MAX_PAGE_CHARACTERS", 9)
    document = parse(pdf(*_chapters("AB")))
    assert document.text() == "Chapter A\n\nChapter B"
    assert [notice.page for notice in document.notices] == [1, 2]


def test_a_file_that_only_its_owner_may_change_is_read() -> None:
    assert parse(_locked(pdf(Page(at(60, 700, HONEST))), user=b"")).text() == HONEST


def test_a_file_that_opens_with_a_password_is_refused() -> None:
    with pytest.raises(errors.PasswordProtected):
        parse(_locked(pdf(Page(at(60, 700, HONEST))), user=b"secret"))


def test_the_pages_that_are_left_of_a_file_without_its_end_are_read() -> None:
    whole = pdf(*_chapters("ABC"))
    document = parse(whole[: whole.rindex(b"Chapter C")])
    assert [block.text for block in document.blocks] == ["Chapter A.", "Chapter B."]
    assert "end of this file is missing" in document.notices[0].message


def test_a_file_with_a_wrong_table_of_its_objects_is_repaired() -> None:
    assert HONEST in parse(pdf(Page(at(60, 700, HONEST))).replace(b"startxref\n", b"startxref\n9")).text()


@pytest.mark.parametrize("data", [pdf(), b"%PDF-1.7\n" + bytes(3000)])
def test_a_file_without_pages_is_broken(data: bytes) -> None:
    with pytest.raises(errors.BrokenFile):
        parse(data)
