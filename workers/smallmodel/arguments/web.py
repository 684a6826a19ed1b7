"""What a request to search or to open a page asks for: the words to search, or the address, without the asking."""

import re
from collections.abc import Sequence
from typing import Final

from gpts.runs.queries import is_follow_up

_MAX_QUERY_CHARS: Final = 300

# Polite openings, which may stand before the asking and before one another.
_OPENINGS: Final = (
    r"(?:please|pls|hey|hi|hello|ok(?:ay)?|now|so|and|then|also|can you|could you|would you|will you|can u"
    r"|i(?:'d| would) like (?:you )?to|i want (?:you )?to|go ahead and|let'?s|try to|quickly)",
    r"(?:bitte|hallo|kannst du|könntest du|können sie|könnten sie|würdest du|mal|mir|uns)",
    r"(?:s'il (?:te|vous) pla[iî]t|bonjour|peux-tu|pourrais-tu|pouvez-vous|pourriez-vous|tu peux)",
    r"(?:por favor|hola|puedes|podrías|puede|podría|per favore|ciao|puoi|potresti|olá|você pode|pode|poderia)",
    r"(?:alsjeblieft|kun je|kunt u|пожалуйста|можешь|можете)",
)
_WEB: Final = (
    r"(?:(?:the )?(?:web|internet|net|google|duckduckgo|bing)|online|web)",
    r"(?:(?:im|in dem|ins) (?:internet|netz|web)|online|bei google)",
    r"(?:(?:sur|dans) (?:internet|le web|le net|google)|en ligne)",
    r"(?:(?:en|por) (?:internet|la web|la red|google|línea)|su (?:internet|google)|sul web|in rete"
    r"|na (?:internet|web)|no google|online)",
    r"(?:op (?:internet|het web|google)|в (?:интернете|сети|гугле))",
)
_ON_WEB: Final = rf"(?:(?:on|in|from|through|across|using|via|over) )?(?:{'|'.join(_WEB)})"
# The asking itself; longer ones first.
_ASKINGS: Final = (
    r"(?:(?:do|run|make|perform) )?(?:a |an |some )?(?:quick )?(?:web|internet|online|google) search(?:es)?"
    r"(?: (?:for|on|about|to find(?: out)?))?",
    rf"(?:search|look|browse|check|scan|query)(?: (?:up|around))? {_ON_WEB}"
    r"(?: (?:for|about|on|to (?:find|see)(?: out)?|and (?:tell me|find(?: out)?)))?",
    rf"(?:search|look|find|check|research|see)(?: me| us)? (?:for |up |out )?(?:{_ON_WEB} )(?:for |about )?",
    r"(?:look|search|google) (?:it|this|that|them|him|her) up",
    r"(?:look up|search up|search for|search|google|find out|find me|find|look for|research|browse for|check)"
    r"(?: (?:info(?:rmation)?|details|something|anything|everything|articles?|results?|pages?|sources?))?"
    r"(?: (?:about|on|regarding|for))?",
    r"(?:tell me|show me|give me|get me)(?: (?:about|what you find (?:about|on)))?",
    r"(?:what does the (?:web|internet) say (?:about|on))",
    r"(?:such(?:e|t)?|recherchiere?|google?|googel|finde?|schaue?|schlag|sieh|guck)(?: (?:mal|bitte|mir|uns|doch))*"
    rf"(?: (?:{_WEB[1]}))?(?: (?:nach|zu|über|heraus|nach,))?",
    r"(?:(?:re)?cherch(?:e|ez|er)|trouv(?:e|ez|er)|regard(?:e|ez|er)|google)(?:[- ](?:moi|nous))?"
    rf"(?: (?:{_WEB[2]}))?(?: (?:des informations|des infos))?(?: (?:sur|à propos de))?",
    r"(?:busca(?:r|me)?|búscame|buscá|busque|encuentra|encuéntrame|averigua|googlea|investiga)"
    rf"(?: (?:{_WEB[3]}))?(?: (?:información|info))?(?: (?:sobre|acerca de))?",
    rf"(?:cerca(?:mi|re)?|trova(?:mi|re)?|ricerca)(?: (?:{_WEB[3]}))?(?: informazioni)?(?: (?:su|sul|sulla))?",
    rf"(?:pesquis(?:e|a|ar)|procur(?:e|a|ar)|encontre)(?: (?:{_WEB[3]}))?(?: informações)?(?: (?:sobre|por))?",
    rf"(?:zoek|vind|google)(?: (?:{_WEB[4]}))?(?: (?:naar|op|informatie over))?",
    rf"(?:найди(?:те)?|поищи(?:те)?|загугли|узнай(?:те)?)(?: (?:{_WEB[4]}))?(?: (?:информацию )?(?:о|об|про))?",
)
_CLOSINGS: Final = (
    rf"(?:{_ON_WEB})",
    r"(?:please|pls|for me|thanks|thank you|and (?:tell me|summari[sz]e(?: it)?|give me a summary))",
    r"(?:bitte|danke|nach|heraus|suchen|und fasse es zusammen)",
    r"(?:s'il (?:te|vous) pla[iî]t|merci|por favor|gracias|per favore|grazie|obrigad[oa]|пожалуйста|спасибо)",
)
_OPENING: Final = re.compile(rf"^(?:{'|'.join(_OPENINGS)})(?=$|[\s,:!])[\s,:!]*|^[¿¡\s\"“«]+", re.I)
_ASKING: Final = re.compile(rf"^(?:{'|'.join(_ASKINGS)})(?=$|[\s:,])[\s:,]*", re.I)
_CLOSING: Final = re.compile(rf"(?:[\s,]+(?:{'|'.join(_CLOSINGS)}))+[\s.!?]*$|[\s.!?。！？…\"”»]+$", re.I)
# Chinese and Japanese put no spaces; the asking stands around the subject.
_HAN_BEFORE: Final = re.compile(
    r"^(?:请|請|帮我|幫我|麻烦|你能|能不能|可以)*(?:(?:在|上|用)?(?:网上|網上|网络上?|互联网上?|谷歌|百度|网))?"
    r"(?:搜索一下|搜索|搜一下|搜|查找|查一下|查询|查查|查|找一下|找|搜尋)(?:关于|關於|有关)?"
)
_JAPANESE_BEFORE: Final = re.compile(r"^(?:インターネット|ネット|ウェブ|web|google)(?:で|上で)", re.I)
_JAPANESE_AFTER: Final = re.compile(
    r"(?:について|を|は)?(?:検索して|調べて|探して|ググって)(?:ください|下さい|くれ(?:ます|る)?か?|もらえますか)?[。？?]*$"
)
_EMPTY: Final = re.compile(
    rf"(?:{_ON_WEB}|it|this|that|them|these|those|him|her|more|again|one|something|anything|the answer|that for me"
    r"|es|das|dies|danach|darüber|ça|cela|le|eso|esto|lo|questo|isso|这个|它|それ)?",
    re.I,
)

# Whether a topic is left out can be told by words, which scripts without spaces do not show.
_SPACED: Final = re.compile(r"[a-zà-ÿ]", re.I)
# A host as people write it, with an ending that is no ending of files.
_URL: Final = re.compile(r"https?://[^\s<>\"“”«»`]+", re.I)
_BARE: Final = re.compile(
    r"(?<![\w@./-])(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?::\d{1,5})?"
    r"(?:[/?#][^\s<>\"“”«»`]*)?(?![\w@])",
    re.I,
)
_FILE_ENDINGS: Final = frozenset(
    "pdf docx doc xlsx xls pptx ppt txt csv tsv json jsonl xml html htm png jpg jpeg gif webp svg mp3 mp4 wav zip "
    "tar gz exe py js ts css java cpp rb rs sh go bat sql log ini cfg toml yaml yml odt ods odp epub rtf eml ipynb "
    "md".split()
)
# Of these endings some are countries too ("rs", "py", "sh", "md"): a path or www tells that a page is meant.
_CLOSERS: Final = {")": "(", "]": "[", "}": "{", "）": "（", "】": "【", "」": "「", "》": "《"}


def query_from(question: str, earlier: Sequence[str]) -> str:
    """The words to search for, without the asking.

    Where `question` only points back ("google it"), those of the last message that has some; where it leans on that
    message ("and how old is he?"), both.
    """
    subjects = [each for each in map(_subject, earlier) if not _EMPTY.fullmatch(each)]
    query = _subject(question)
    if _EMPTY.fullmatch(query):
        query = subjects[-1] if subjects else " ".join(question.split())
    elif subjects and _SPACED.search(query) and is_follow_up(query) and is_follow_up(question):
        query = f"{subjects[-1]} {query}"
    return query[:_MAX_QUERY_CHARS]


def url_in(question: str) -> str | None:
    """The first web address in `question`, with https:// where it was left out; None without one."""
    if found := _URL.search(question):
        return _trimmed(found.group())
    for found in _BARE.finditer(question):
        address = _trimmed(found.group())
        has_more = "/" in address or address.lower().startswith("www.")
        if has_more or found.group(1).lower() not in _FILE_ENDINGS:
            return f"https://{address}"
    return None


def _subject(text: str) -> str:
    text = " ".join(text.split())
    text = _JAPANESE_AFTER.sub("", _JAPANESE_BEFORE.sub("", _HAN_BEFORE.sub("", text)))
    text = _repeated(_OPENING, text)
    if shorter := _ASKING.sub("", text, count=1):
        text = shorter
    elif _ASKING.fullmatch(text):
        return ""
    return _repeated(_CLOSING, _repeated(_OPENING, text)).strip(" ,:;-\"'“”«»")


def _repeated(pattern: re.Pattern[str], text: str) -> str:
    """`text` without what `pattern` takes off, again and again; at least a word stays."""
    while (shorter := pattern.sub("", text, count=1)) != text and shorter.strip():
        text = shorter
    return text


def _trimmed(address: str) -> str:
    """`address` without the stops and closing brackets of the sentence around it."""
    while address:
        last = address[-1]
        if last in ".,;:!?'’。，、！？；：…*_" or (
            last in _CLOSERS and address.count(last) > address.count(_CLOSERS[last])
        ):
            address = address[:-1]
            continue
        break
    return address
