"""What a message shows by its words alone: figures, addresses, verbs, politeness. All read on the English gloss."""

import re
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.arguments.arithmetic import code_for
from workers.smallmodel.arguments.web import url_in

Vector = npt.NDArray[np.float32]

_PATTERNS: Final[dict[str, str]] = {
    "url": r"https?://|www\.",
    "domain": r"\b[a-z0-9-]+\.(?:com|org|net|de|fr|es|cn|io|eu|uk|ch|at|it|info|gov)\b",
    "email": r"\S+@\S+\.\w+",
    "formula": r"\d\s*[-+*/x×÷^%]\s*\(?\d|\b(?:sqrt|sin|cos|log)\(|=\s*\?|\d\s*%\s*(?:of|tip)",
    "spoken_sum": r"\d.*\b(?:times|plus|minus|divided|divide|multipl\w+|percent|squared|root|average|sum|mean|mal|by)"
    r"\b"
    r"|\b(?:divide|multiply|times|plus|minus|square root|average|standard deviation|median)\b.*\d",
    "change_result": r"^(?:and |now |ok |then )*"
    r"(?:divide|multiply|times|plus|minus|add|subtract|round|square|double)",
    "calculate": r"\b(?:calculat\w*|compute|solve|prime|equation|simulat\w*|factori\w*|how many days|deviation)\b",
    "data": r"\b(?:csv|xlsx?|excel|spreadsheet|column|pivot|histogram|attached|dataset|data)\b",
    "chart": r"\b(?:chart|plot|graph|diagram|curve)\b",
    "code": r"```|print\(|\bpython\b|\bcode\b|\bscript\b",
    "draw": r"\b(?:draw|paint|sketch|illustrat\w*|render|visuali\w*|depict|drw)\b",
    "picture": r"\b(?:picture|image|logo|poster|icon|wallpaper|photo|portrait|comic|cartoon|artwork"
    r"|drawing|painting)\b",
    "look": r"\b(?:background|watercolou?r|style|colou?rful|darker|brighter|blue|red|green|black|white|hat|night"
    r"|cartoon)\b",
    "search": r"\b(?:search|google|look (?:it |that |this )?up|online|internet|web|browse)\b",
    "fresh": r"\b(?:latest|newest|today|tonight|yesterday|current|currently|now|news|recent"
    r"|this (?:week|year|month|season)|last night|updates?|still|yet)\b",
    "open_link": r"\b(?:open|read|visit|click|summari[sz]e|go to)\b.*\b(?:link|page|result|article|site|url|one)\b",
    "compose": r"\b(?:write|poem|haiku|joke|story|limerick|draft|slogan|rewrite|essay|compose|brainstorm|letter)\b",
    "thanks": r"\b(?:thanks|thank|thx|great|perfect|awesome|cool|cheers|bye|never ?mind|got it"
    r"|forget it)\b",
    "greeting": r"^(?:hi|hello|hey|good morning|good evening)\b",
    "explain": r"\b(?:explain|meaning|mean|difference|definition|etymology|history of|works?|invented"
    r"|pros and cons)\b",
    "why": r"^(?:\w+ )?why\b|\bhow come\b",
    "how_works": r"\bhow (?:do|does|did|are|is|can|should|work|function|walk)\b",
    "wh": r"^(?:and |so |ok )?(?:what|who|when|where|which|how|is|are|did|does|do|can|will)\b",
    "question": r"\?|？",
    "negated": r"\b(?:don'?t|do not|without|no need|not|never|no)\b|\bhold off\b",
    "not_first": r"^(?:please |wait,? |stop,? |ok,? |no,? )*(?:don'?t|do not|without|no need|not|no tools"
    r"|from memory)\b",
    "yet": r"\b(?:yet|for now|until i|already)\b",
    "just": r"\b(?:just|simply|from memory|in words|roughly|guess|off the top)\b",
    "i_did": r"\bi(?:'ve| have)? (?:\w+ly |already )?(?:\w+ed|had|was|sent|paid|went"
    r"|bought|got|made|love|like|hate|think|feel)\b"
    r"|\bi'm\b",
    "opinion": r"\b(?:you think|opinion|should i|do you|would you|your favou?rite|better to|recommend|nicer)\b",
    "polite": r"\b(?:please|pls|plz|can you|could you|would you)\b",
    "i_want": r"\b(?:i (?:want|need|would like)|i'd like|gimme|give me|get me|show me|find me|make me)\b",
    "follow": r"^(?:and|what about|how about|now|also|then|same|instead|ok|another|again|make it|but|with"
    r"|without|or|plus)\b",
    "pronoun": r"\b(?:it|that|this|one|them|those|these|him|her|same|again|instead|first|second|last)\b",
    "already_said": r"\b(?:you (?:just )?said|your answer|your last|mean by|simpler|shorter|that again"
    r"|bullet points)\b",
    "remember": r"\b(?:remind|note|log|record)\b",
    "quoted": r"['\"“«‘].{2,}?['\"”»’]",
    "code_id": r"\b(?=\w*\d)(?=\w*[A-Z])[\w-]{3,}\b|#\w+",
}
_COMPILED: Final = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
LENGTHS: Final = (2, 4, 8, 15, 40)
MESSAGE_CUES: Final = (
    *_PATTERNS,
    "figure",
    "figures",
    *(f"words<={n}" for n in LENGTHS),
    "foreign",
    "had_earlier",
    "plain_sum",
    "address",
)

# Verbs that do the same thing to an object; what a function does is the surest sign among near ones.
_ACTS: Final = """
create add new make register schedule book open enter put write file
delete remove cancel drop clear erase unsubscribe scratch discard annul get-rid
update change edit modify rename adjust set correct
move reschedule shift push postpone delay relocate
get show read tell what view see display details look check
list all which overview show
search find look lookup query where grep browse
send email message text post tell notify share forward publish
start begin run launch trigger activate enable on rerun restart kick
stop halt end pause quit disable off
lock arm block freeze secure deactivate disable
unlock unblock reactivate unfreeze lift release
increase raise louder up more brighter warmer scale
decrease lower down less dim quieter darker reduce
convert translate turn transform into
calculate compute estimate quote cost much
book reserve rent hire buy purchase order
pay transfer wire charge bill checkout
refund return reimburse back
assign give owner take invite
approve accept confirm allow grant
reject decline deny refuse
track status progress where late state
play listen put song
log record note track enter register save
complete done close finish resolve fixed solved merge mark
remind reminder alert notify warn alarm
price cost rate much worth
history past last previous since over
forecast tomorrow next upcoming will weekend due
free available availability slot vacant
open
reset forgot
upload download export print copy
merge combine join
compare difference versus
draw paint picture image sketch illustrate
random generate roll pick
time date when
""".strip().splitlines()
ACTS: Final = tuple(frozenset(line.split()) for line in _ACTS)
N_ACTS: Final = len(ACTS)
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_ENDINGS: Final = ("ings", "ing", "ies", "ied", "es", "ed", "s", "e", "y")
STOP: Final = frozenset(
    """a an the and or of in on at to for with from by about is are was were be am do does did have has had i
    you he she it we they me my your his her its our their this that these those what who how why when where
    which can could would should will please not no yes if as but so up out hey hi ok pls plz their into one
    them there than then""".split()
)


@cache
def stem(word: str) -> str:
    """`word` without its common English endings; at least three letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_ACT_STEMS: Final = tuple(frozenset(stem(word) for word in act) for act in ACTS)


def words(text: str) -> list[str]:
    """The words of `text` in lower case."""
    return _WORD.findall(text.lower())


def stems(text: str) -> frozenset[str]:
    """The stems of `text`'s words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in STOP)


def acts(text: str) -> Vector:
    """Which of ACTS the words of `text` name, `(N_ACTS,)` float32 of 0 and 1."""
    found = frozenset(stem(word) for word in words(text))
    return np.array([not found.isdisjoint(act) for act in _ACT_STEMS], np.float32)


def message_cues(text: str, raw: str, foreign: bool, had_earlier: bool) -> Vector:
    """One number for each of MESSAGE_CUES, float32 in 0..1; `raw` is the text before it was put into English."""
    text = text.strip()
    n_numbers, n_words = len(_NUMBER.findall(text)), len(text.split())
    found = [pattern.search(text) is not None for pattern in _COMPILED.values()]
    found += [n_numbers >= 1, n_numbers >= 2, *(n_words <= n for n in LENGTHS), foreign, had_earlier]
    found += [code_for(raw) is not None or code_for(text) is not None, url_in(raw) is not None]
    return np.array(found, np.float32)
