"""What a message shows by its words alone about whether it wants something: trouble, joy, trivia, "you"."""

import re
from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

# All read on the English gloss, in which foreign grammar stays: "who have invented", "can I my".
_PATTERNS: Final[dict[str, str]] = {
    "laughs": r"\b(?:ha(?:ha)+|lol|hihi|ja(?:ja)+|lmao|hehe)\b|😂|😀|:\)|;\)",
    "joy": r"\b(?:love|loved|lovely|great|nice|beautiful|wonderful|fun|happy|funny|enjoy\w*|super|awesome"
    r"|delicious|fine"
    r"|proud|hooray|yay|finally|pretty|cool|best|favou?rite|good|champagne|thank\w*|works)\b",
    "dislike": r"\b(?:hate|boring|bores?|overrated|annoy\w*|terrible|awful|mad|crazy|ugly|plague|evil)\b",
    "trouble": r"\b(?:broken?|wrong|won'?t|doesn'?t|don'?t|can'?t|cannot|isn'?t|lost|leak\w*|stuck|fail\w*"
    r"|error|problem"
    r"|dead|stop\w*|missing|refuse\w*|late|expired?|cancel\w*|hurts?|pain|owe|without|nobody|nothing|no|not"
    r"|never|too"
    r"|again|still|already)\b",
    "past": r"\b(?:yesterday|last (?:week|year|night|summer|month)|used to|was|were|ago|once|had|did"
    r"|back then)\b",
    "invented": r"\b(?:invent\w*|founded|discover\w*|wrote|painted|composed|built|designed|directed)\b",
    "who": r"^\W*(?:and |so )?(?:who|whose)\b",
    "superlative": r"\b(?:largest|biggest|oldest|longest|tallest|fastest|richest|first|most|highest|slowest"
    r"|heaviest)\b",
    "world": r"\b(?:in the world|world|country|planet|capital|century|history|origin\w*|come from|named"
    r"|called|stand for"
    r"|mean|word)\b",
    "when_was": r"\bwhen (?:was|were|did|is)\b|\bwhat year\b",
    "why": r"^\W*why (?:do|does|is|are|did)\b",
    "works": r"\bhow (?:do|does|did|are|is) (?!i\b|we\b|you\b).*",
    "mine": r"\b(?:my|our|mine|ours)\b",
    "I": r"\b(?:i|we|me|us)\b",
    "kin": r"\b(?:my|our) (?:\w+ )?(?:mother|mum|father|dad|brother|sister|uncle|aunt|grand\w+|neighbou?r"
    r"|boss|cousin"
    r"|son|daughter|kids?|colleague|teacher|friend)\b",
    "you": r"\b(?:you|your|yourself)\b",
    "are_you": r"\b(?:are|do|can|will|have|did|would|were|could) you\b|\byou (?:are|can|have|know)\b",
    "exclaims": r"!\s*$",
    "asks_end": r"[?？]\s*$",
    "can_i": r"\b(?:can|may|must|should|do|am|could|have|need|shall) (?:i|we)\b|\b(?:i|we) (?:can|must"
    r"|should|have to|may)\b",
    "how_i": r"\bhow (?:do|can|should|much|many|long|often|late|to|high|old)\b",
    "what_i": r"\b(?:what|which|where|when) (?:\w+ )?(?:do|should|can|must|may|shall|to)\b",
    "wants": r"\b(?:need|want|looking for|look for|search\w*|please|pls|tips?|ideas?|recommend\w*|help"
    r"|suggest\w*|like to)\b",
    "orders": r"^\W*(?:please |hey |ok |so )*(?:write|make|give|find|tell|show|check|explain|translate|plan"
    r"|draft|correct"
    r"|review|fix|compare|calculate|design|list|suggest|recommend|help|rewrite|prepare|book|find|shorten"
    r"|put|say)\b",
    "prefers": r"\b(?:prefer|what do you (?:think|like)|opinion|if you ask me|i think|i find|i like"
    r"|they say|believe)\b",
    "idle": r"\b(?:day|weekend|weather|rain\w*|party|holiday\w*|world cup|game|music|movie|film|tired)\b",
}
_COMPILED: Final = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS.values())
N_GPT_CUES: Final = len(_COMPILED) + 3


def gpt_cues(message: str) -> Vector:
    """`(N_GPT_CUES,)` float32 in 0..1; the last three are whether it asks nothing, its length, and its sentences."""
    found = [pattern.search(message) is not None for pattern in _COMPILED]
    plain = "?" not in message and "？" not in message
    n_words, n_ends = len(message.split()), len(re.findall(r"[.!?]+(?:\s|$)", message))
    return np.array([*found, plain, min(n_words, 30) / 30, min(n_ends, 4) / 4], np.float32)
