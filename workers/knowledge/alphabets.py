"""How likely bytes are text in a charset, by the letters of the languages that are written in it."""

import re
from dataclasses import dataclass
from typing import Final

_MARKS: Final = "’‘“”„‚–—…•€°§«»·©®™£´\xa0"
# Letters outside ASCII of each language; behind a bar those that are rare in it, where others share its letters.
_WESTERN: Final = (
    "äöüß",
    "éèêëàâçîïôûùœ",
    "áéíóúüñ¿¡ªº",
    "ãõáàâçéêíóôú",
    "àèéìòù",
    "æøåé",
    "äöåé",
    "éëïóè",
    "þðæöáéíóúý",
)
_CENTRAL: Final = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ")
_TURKISH: Final = ("çğıöşüâîİ",)
_GREEK: Final = ("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋς",)
_HEBREW: Final = ("אבגדהוזחטיכךלמםנןסעפףצץקרשת",)
_ARABIC: Final = ("اليمونترهبسفعدقحكشصخطجزثغضظذءأإآةىئؤ،؟",)
_CYRILLIC: Final = (
    "оеаинтсрвлкмдпуяыьгзбчй|хжшюцщэфъё",
    "оаниветрслкмупдяьзбгій|чхжїюцшщєфґ",
    "аоеинтрсвдлкпмзугяъбчщ|жцшхюйфь",
)


@dataclass(frozen=True, slots=True)
class _Charset:
    name: str
    alphabets: tuple[str, ...]
    # Of two charsets that read a text equally well, the commoner one is right: a small head start.
    favour: float = 0.0


_CHARSETS: Final = (
    _Charset("cp1252", _WESTERN, 0.06),
    _Charset("cp1250", _CENTRAL, 0.03),
    _Charset("iso8859_2", _CENTRAL, 0.02),
    _Charset("cp1251", _CYRILLIC, 0.03),
    _Charset("koi8_r", _CYRILLIC),
    _Charset("cp866", _CYRILLIC),
    _Charset("iso8859_5", _CYRILLIC),
    _Charset("mac_cyrillic", _CYRILLIC),
    _Charset("mac_roman", _WESTERN),
    _Charset("cp850", _WESTERN),
    _Charset("cp1253", _GREEK, 0.01),
    _Charset("iso8859_7", _GREEK),
    _Charset("cp1254", _TURKISH, 0.02),
    _Charset("cp1255", _HEBREW),
    _Charset("cp1256", _ARABIC),
)
# The commonest characters of running text, which a misreading as Chinese or Japanese does not hit.
_HAN: Final = frozenset(
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好"
    "都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长水电品更次不够过年换来說運大對"
    "這個們為時會對過學國來後開無長動經頭見從兩電還沒當發號數量部件更換請每半對房屋間夜使用安全注意中文部品番号數量名称"
)
_EAST: Final = ("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr")
_WORD_CASE: Final = re.compile(r"[^\W\d_]+")


def likelihood(sample: bytes) -> tuple[float, str]:
    """The best score, about 1 for clean text of a known language, and the charset that has it."""
    scores = [(_score(sample, charset), charset.name) for charset in _CHARSETS]
    scores += [(_east_score(sample, name), name) for name in _EAST]
    return max(scores)


def _score(sample: bytes, charset: _Charset) -> float:
    text = sample.decode(charset.name, errors="replace")
    foreign = [character for character in text if character > "\x7f"]
    letters = [character for character in foreign if character not in _MARKS]
    n_marks = len(foreign) - len(letters)
    lower = "".join(letters).lower()
    known = max((_n_in(lower, alphabet) for alphabet in charset.alphabets), default=0)
    return (known + n_marks) / max(1, len(foreign)) + charset.favour - _shouting(text)


def _n_in(text: str, alphabet: str) -> float:
    """How many letters of `text` are of the alphabet; rare ones count half."""
    common, _, rare = alphabet.partition("|")
    return sum(text.count(letter) for letter in common) + 0.5 * sum(text.count(letter) for letter in rare)


def _shouting(text: str) -> float:
    """The share of words with letters outside ASCII whose capitals stand where no writer puts them."""
    words = [word for word in _WORD_CASE.findall(text) if not word.isascii()]
    odd = sum(
        not (word.islower() or word.isupper() or word[1:].islower()) and word.upper() != word.lower()
        for word in words
    )
    return odd / max(1, len(words))


def _east_score(sample: bytes, charset: str) -> float:
    try:
        text = sample[:20_000].rsplit(b"\n", 1)[0].decode(charset) if len(sample) > 20_000 else sample.decode(charset)
    except UnicodeDecodeError:
        return 0.0
    wide = [character for character in text if character >= "\u1100"]
    if not wide:
        return 0.0
    kana = sum("\u3041" <= character <= "\u30ff" for character in wide) / len(wide)
    hangul = sum("\uac00" <= character <= "\ud7a3" for character in wide) / len(wide)
    common = sum(character in _HAN or character in "、。，：；（）「」！？" for character in wide) / len(wide)
    half_width = sum("\uff61" <= character <= "\uff9f" for character in wide) / len(wide)
    if charset == "euc_kr":
        return hangul
    if charset in ("shift_jis", "euc_jp"):
        return min(1.0, 0.55 + kana) - half_width if kana > 0.1 else common - half_width
    return min(1.0, 0.6 + common) - 3 * kana if common > 0.08 else 0.0
