"""Text is read in the charset that it was written in, whether or not it says so."""

import pytest

from workers.isolation.errors import UnsupportedFormat
from workers.knowledge.decoding import decode, decoded

GERMAN = "Die Wärmepumpe läuft über Nacht. Für größere Häuser genügt sie nicht."
FRENCH = "L’été dernier, les élèves ont visité le château près de la forêt."
POLISH = "Pompa ciepła działa również zimą, więc można ją włączyć. Proszę wymienić łożysko."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Čerpadlo běží i v noci."
RUSSIAN = "Насос работает ночью. Замените фильтр раз в полгода."
JAPANESE = "ポンプは夜間も動作します。フィルターは半年ごとに交換してください。"
KOREAN = "펌프는 밤에도 작동합니다. 필터는 반년마다 교체하십시오."
CHINESE = "水泵在夜间运行。对于较大的房屋来说不够用。请每半年更换一次过滤器。"
TAIWANESE = "水泵在夜間運行。對於較大的房屋來說不夠用。"
GREEK = "Η αντλία λειτουργεί και τη νύχτα. Αλλάζετε το φίλτρο κάθε έξι μήνες."
HEBREW = "המשאבה פועלת גם בלילה. החליפו את המסנן כל חצי שנה."
DANISH = "Pumpen kører også om natten. Til større huse er den ikke nok."
QUOTES = "He said “hello” — it’s fine… and that costs €5."


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (GERMAN, "cp1252"), (GERMAN, "latin-1"), (GERMAN, "mac_roman"), (GERMAN, "cp850"), (FRENCH, "cp1252"),
        (FRENCH, "mac_roman"), (DANISH, "cp1252"), (QUOTES, "cp1252"), (POLISH, "cp1250"), (POLISH, "iso8859_2"),
        (CZECH, "cp1250"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (RUSSIAN, "cp866"), (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"), (JAPANESE, "iso2022_jp"), (KOREAN, "euc_kr"), (CHINESE, "gb18030"), (TAIWANESE, "big5"),
        (GREEK, "cp1253"), (HEBREW, "cp1255"), (GERMAN, "utf-8"), (GERMAN, "utf-8-sig"), (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"), (GERMAN, "utf-16-be"), (GERMAN, "utf-32"), (GERMAN, "utf-32-le"), (CHINESE, "utf-16"),
    ],
)  # fmt: skip
def test_the_charset_of_unmarked_text_is_found(text: str, charset: str) -> None:
    text = f"Manual, part 7\n{text}\n"
    assert decode(text.encode(charset)) == text


def test_letters_far_behind_an_ascii_head_decide_too() -> None:
    text = "plain line\n" * 10_000 + POLISH
    assert decode(text.encode("cp1250")) == text


def test_a_few_broken_bytes_leave_utf8_utf8() -> None:
    read = decoded(f"{GERMAN}\n{FRENCH}".encode().replace(b"Nacht", b"Na\xe4ht"))
    assert "Wärmepumpe" in read.text
    assert "château" in read.text
    assert "Broken characters: 1" in read.notice


def test_a_declared_charset_is_believed_where_it_fits() -> None:
    page = f'<html><head><meta charset="iso-8859-2"></head><body>{POLISH[:12]}</body></html>'
    assert decode(page.encode("iso8859_2")) == page
    wrong = f'<?xml version="1.0" encoding="shift_jis"?><a>{GERMAN}</a>'
    assert decode(wrong.encode("utf-8")) == wrong


def test_stray_zero_bytes_are_dropped_and_told() -> None:
    read = decoded(b"This is a text of some length.\n" * 100 + b"end\0 of it")
    assert read.text.endswith("end of it")
    assert "Zero bytes" in read.notice


@pytest.mark.parametrize("data", [b"a\0b\0\0c\1" * 500, bytes(range(256)) * 40])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        decode(data)


@pytest.mark.parametrize(
    "text", ["Contact: José Nuñez, François Lefèvre, tél. 555.", "Keep at 20 °C. Size 5½ inch. © 2024 Acme."]
)
def test_names_and_signs_in_western_text_are_no_other_script(text: str) -> None:
    assert decode(text.encode("cp1252")) == text
