"""What people write who want to steer a model through a document: formulas, in a dozen languages, with their weights.

Patterns see folded text: small letters, without accents (see `plain`). A weight of 1 is enough alone; lighter
formulas count together. `needs` says cheaply where a pattern cannot match: of each group, parted by "&", one stem must
be there ("~" is a space), which tells most texts apart without a single regular expression.
"""

# A pattern is easier to check on one line than in pieces.
# ruff: noqa: E501
# fmt: off

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final, Literal

from gpts.safety.stems import bits_of

Family = Literal[
    "override", "role", "addressee", "conceal", "secrets", "template", "steer", "send", "rank", "priority"
]


@dataclass(frozen=True, slots=True)
class Formula:
    """One way of speaking to a model."""

    family: Family
    weight: float
    first: int
    needs: tuple[tuple[int, tuple[int, ...]], ...]
    pattern: re.Pattern[str]


def plain(text: str) -> str:
    """`text` in small letters of ordinary width, without accents."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    for mark in filter(unicodedata.combining, set(folded)):
        folded = folded.replace(mark, "")
    return folded


def possible(formulas: Sequence[Formula], bits: int) -> tuple[Formula, ...]:
    """Those of `formulas` of whose stems a text holds enough (see stems.held); the others cannot match in it."""
    return tuple([each for each in formulas if bits & each.first and _is_possible(each, bits)])


def _is_possible(formula: Formula, bits: int) -> bool:
    for words, phrases in formula.needs:
        if not bits & words and not any(bits & phrase == phrase for phrase in phrases):
            return False
    return True


def _group(stems: str) -> tuple[int, tuple[int, ...]]:
    """The bits of which one will do, and those of stems of several words, which go together."""
    bits = [bits_of(stem) for stem in stems.split()]
    return reduce(or_, (each for each in bits if each.bit_count() == 1), 0), tuple(
        each for each in bits if each.bit_count() > 1
    )


def _formula(family: Family, weight: float, needs: str, pattern: str) -> Formula:
    # Patterns use no escapes in capitals, so that they can be folded like the text.
    stems = plain(needs).replace("@ai", _AI_STEMS)
    groups = tuple(_group(group) for group in stems.split("&"))
    first = reduce(or_, groups[0][1], groups[0][0])
    return Formula(family, weight, first, groups, re.compile(plain(pattern)))


_AI: Final = (
    r"(?:ai|a\.i\.|llms?|gpt|chatgpt|claude|gemini|copilots?|chat ?bots?|bots?|(?:large )?language models?|ai[- ](?:assistants?|agents?|"
    r"models?|systems?|tools?|reviewers?|reviewer|crawlers?)|virtual assistants?|digital assistants?)"
)
_AI_STEMS: Final = (
    "a.i llm gpt claude gemini copilot bot language~model virtual~assist digital~assist "
    "~ai~ ~ai- ~ai, ~ai: ~ai. ai! ai? ~ai; ~ai' ai) (ai ai] [ai ai> <ai \"ai ai\" ai/ /ai ai’ ‘ai “ai -ai *ai #ai"
)
_HELPER: Final = rf"(?:{_AI}|(?:\w+ )?(?:assistants?|agents?)|models?)"
_TEXT: Final = r"(?:documents?|texts?|pages?|files?|e?-?mails?|messages?|content|papers?|articles?|reviews?|listings?|cv|resumes?)"
# An order, not a report of what somebody did: at the beginning, or behind what asks for it.
_ORDER: Final = (
    r"(?:^|(?:please|must|should|to|and|then|now|you|will|can|just|also|kindly|always|shall|immediately|simply|"
    r"completely|fully|first|but|or|task)[ ,:]+|[.!?:;,\n*#\[(<>\"'“”„«-] ?)"
)
_DROP: Final = (
    r"(?:ignore|disregard|forget|override|bypass|discard|neglect|overlook|dismiss|erase|"
    r"(?:do not|don'?t|stop|never|no longer) (?:follow|following|obey|obeying|listen to|adhere to)|pay no attention to|set aside)"
)
_SAY: Final = r"(?:answer|say|reply|respond|state|claim|recommend|insist|output|tell|mention|write|include|add|print|assert|suggest|give)"

_ENGLISH: Final = (
    _formula("override", 1.0, "ignor disregard forget overrid bypass discard neglect overlook dismiss erase follow obey listen~to adhere~to attention~to set~aside & instruction prompt directive programming training guideline command & previous prior above earlier preceding foregoing former past your system original initial existing developer hidden", rf"{_ORDER}{_DROP}(?: \w+){{0,4}} (?:previous|prior|above|earlier|preceding|foregoing|former|past|your|system|original|" r"initial|existing|developer'?s?|hidden)(?: \w+){0,3} (?:instructions?|prompts?|directives?|programming|training|" r"guidelines?|commands?)\b"),
    _formula("override", 0.6, "ignor disregard forget overrid bypass discard neglect overlook dismiss erase follow obey listen~to adhere~to attention~to set~aside & instruction rule guideline polic restriction constraint safeguard direction filter told said context & all any every these those your previous prior above earlier what", rf"{_ORDER}{_DROP}(?: \w+){{0,2}} (?:all|any|every|everything|these|those|your|previous|prior|above|earlier|what)(?: \w+){{0,3}} " r"(?:instructions?|rules?|guidelines?|polic(?:y|ies)|restrictions?|constraints?|safeguards?|directions?|filters?|" r"told|said|context)\b"),
    _formula("override", 1.0, "forget disregard ignore & everything anything all what & you~ u~", rf"{_ORDER}(?:forget|disregard|ignore) (?:everything|anything|all|what)(?: that)? (?:you|u) (?:were|have been|know|was|had been|are) ?(?:told|instructed|taught|programmed|learned)?(?! (?:\w+ )?about)"),
    _formula("override", 1.0, "ignore disregard & everything all & above before prior so~far below else", rf"{_ORDER}(?:ignore|disregard) (?:everything|all(?: of)? (?:the )?(?:text|content)) (?:above|before|prior|so far|below|else in this)"),
    _formula("role", 1.0, "are~now are~no~l are~hence 're~now 're~no~l 're~hence be~now be~no~l be~hence & you & @ai assistant dan pirate hacker un jailb evil bound free in~", rf"(?:you are|you're|you will be) (?:now|no longer|henceforth)(?: \w+)? (?:a |an |the )?(?:\w+[ -]){{0,3}}?(?:{_AI}\b|assistant|dan\b|pirate|hacker|" r"unrestricted|uncensored|unfiltered|jailbroken|evil|bound|free (?:from|of)|in (?:developer|debug|god|admin|maintenance) mode)"),
    _formula("role", 0.7, "act~ pretend play~ simulate~ behave~ & @ai dan~ dan, dan. unrestr uncens unfilt evil hacker no~rules no~restr no~limits", rf"(?:act|pretend|role-?play|simulate|behave)(?: to be| as| as if| that| like)*(?: you are| you were| being)?(?: a| an| the)? (?:\w+[ -]){{0,2}}?(?:(?:{_AI}|dan)\b|unrestricted|uncensored|unfiltered|evil|hacker|no (?:rules|restrictions|limits))"),
    _formula("role", 0.6, "from~now from~this~p from~here from~this~m & on~ onward on, & you all every always respond answer only speak reply", r"from (?:now|this point|here|this moment) on(?:wards?|ward)?,? (?:you|all (?:your )?(?:answers|responses|replies)|every (?:answer|response|reply)|always|respond|answer|only|speak|reply)"),
    _formula("role", 0.8, "~mode & enter activat enabl switch are~in engage & develop god dan debug jailbr unrestr admin sudo opposite", r"(?:enter|activate|enable|switch (?:in)?to|you are in|engage) (?:the )?(?:developer|god|dan|debug|jailbreak|unrestricted|admin(?:istrator)?|sudo|opposite) mode"),
    _formula("role", 0.6, "jailbreak anything", r"\b(?:do anything now|jailbreak mode|jailbroken|dan mode)\b"),
    _formula("role", 0.5, "restriction limitation filter censorship guideline", r"(?:no|without|free (?:of|from)|bypass(?:ing)?)(?: any| all)?(?: \w+)? (?:restrictions|limitations|filters|censorship|ethical guidelines|content polic(?:y|ies)|safety guidelines)"),
    _formula("addressee", 1.0, "as~a~ as~an~ as~the~ as~my~ & you & @ai", rf"\bas (?:an?|the|my) (?:\w+ ){{0,2}}?{_AI}(?: \w+)?,? (?:you|your)\b"),
    _formula("addressee", 0.8, "you~are you're happen~to read~by & if~ since~ because~ in~case~ when~ & @ai", rf"(?:if|since|because|in case|when) (?:you are|you're|you happen to be|this is (?:being )?read by)(?: an?| the| some)? (?:\w+ ){{0,2}}?{_AI}\b"),
    _formula("addressee", 0.9, "attention note message instruction dear hey hello notice memo important warning & @ai assistant agent model", rf"(?:^|[.!:\n*#\[(<>-] ?)(?:attention|notes?|message|special instructions?|instructions?|dear|hey|hello|notice|memo|important|warning)[ :,!-]*(?:to|for)?[ :,]*(?:all|any|the|every|each|future)? ?{_AI}(?: \w+){{0,4}} ?[:,.!\])-]"),
    _formula("addressee", 0.55, "attention note message instruction dear hey hello notice memo important warning & @ai assistant agent model", rf"(?:^|[.!:\n*#\[(<>-] ?)(?:attention|notes?|message|special instructions?|instructions?|dear|hey|hello|notice|memo|important|warning)[ :,!-]*(?:to|for)?[ :,]*(?:all|any|the|every|each|future)? ?{_HELPER}(?: \w+){{0,4}} ?[:,.!\])-]"),
    _formula("addressee", 1.0, "~this~ ~the~f ~these~ & read process summari analy pars review evaluat index & @ai assistant agent model", rf"(?:any|the|every|all|whichever|an?) (?:\w+ )?{_HELPER} (?:that (?:is |are )?|which (?:is |are )?|who (?:is |are )?|currently )?(?:reads?|reading|process(?:es|ing)?|summari[sz](?:es?|ing)|analy[sz](?:es?|ing)|pars(?:es?|ing)|review(?:s|ing)?|evaluat(?:es?|ing)|index(?:es|ing)?) (?:this|the following|these)"),
    _formula("addressee", 0.55, "important note attention notice critical mandatory reminder & should must shall will need has~to is~ & @ai assistant agent model", r"(?:^|[.!:\n*#\[(<>-] ?)(?:important|note|attention|notice|critical|mandatory|reminder)\b[ :,!-]*(?:to|for)?" rf"[ :,]*(?:the|this|your|all|any|every)? ?(?:{_HELPER}|chat assistant) (?:should|must|shall|will|needs? to|has to|is (?:required|instructed|expected|to))"),
    _formula("addressee", 0.5, "@ai assistant model & should must shall will need has~to is~ & the~ this~ your~ any~ every~ all~ theai thisai yourai anyai everyai allai", rf"(?:the|this|your|any|every|all) ?(?:{_AI}|assistant|model|chat assistant) (?:should|must|shall|will|needs? to|has to|is (?:required|instructed|ordered) to)(?: always| only| now| never)? (?:{_SAY}|ignore|follow|obey|refuse|treat|call|send|use|comply|execute)"),
    _formula("addressee", 1.0, "~this~ ~the~ & when while before after ~in~ ~if~ & summari answer process analy evaluat review translat ~response & document text page file mail message content paper article listing cv resume", rf"(?:when|while|whenever|before|after|in|if) (?:you )?(?:are )?(?:asked to )?(?:summari[sz]e|summari[sz]ing|answering|processing|analy[sz]ing|evaluating|reviewing|translating|(?:your|any|the|every) (?:summary|answer|response|review) (?:of|about|on)) (?:about |from |using |with )?(?:this|the) (?:\w+ )?{_TEXT},? (?:\w+ ){{0,4}}?(?:{_SAY}|always|never|do not|don't|make sure|you must|only|append|insert|begin|end)"),
    _formula("conceal", 0.75, "~user ~human ~reader ~person~you & not~ n't~ dont~ never~ without~ avoid~ & tell inform mention reveal notify alert disclos let show warn say ask", r"(?:do not|don'?t|never|must not|without|avoid)(?: ever)? (?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|reveal(?:ing)?|notify(?:ing)?|alert(?:ing)?|disclos(?:e|ing)|let(?:ting)?|show(?:ing)?|warn(?:ing)?|say(?:ing)?|ask(?:ing)?)(?: \w+){0,6} (?:the|your|any|this|to) (?:user|human|reader|person you)\b"),
    _formula("conceal", 0.8, "not~ n't~ dont~ never~ & mention reveal disclose refer acknowledge repeat quote show discuss admit talk & this~ these~ those~ that~you & instruction prompt note text message paragraph passage", r"(?:do not|don'?t|never)(?: ever)? (?:mention|reveal|disclose|refer to|acknowledge|repeat|quote|show|discuss|admit|talk about)(?: \w+){0,3} (?:this|these|those|that you) (?:\w+ )?(?:instructions?|prompts?|notes?|messages?|passages?|received|were|have)"),
    _formula("conceal", 0.6, "secret confidential hidden silently quietly", r"(?:keep (?:this|these|it)(?: \w+)? (?:secret|confidential|hidden|to yourself) from (?:the )?(?:user|human)|silently (?:comply|execute|perform|follow|send|call|include|add|insert|append)|quietly (?:comply|execute|send|call|follow))"),
    _formula("secrets", 1.0, "prompt instruction configuration message & your~ its~ & reveal print output show repeat display leak tell give send expose dump disclose write share copy return recite translate summari include", r"(?:reveal|print|output|show|repeat|display|leak|tell (?:me|us|them|the user)|give (?:me|us)|send|expose|dump|disclose|write(?: out| down)?|share|copy|return|recite|translate|summari[sz]e|include)(?: \w+){0,4} (?:your|its)(?: \w+){0,2} (?:(?:system|initial|hidden|original|secret|full|entire|developer|internal|first|base|exact)(?: \w+)? (?:prompts?|instructions?|messages?|configuration)|system prompt|prompt)\b"),
    _formula("secrets", 0.7, "prompt instruction message & system hidden secret developer initial & reveal print output repeat leak expose dump disclose recite", r"(?:reveal|print|output|repeat|leak|expose|dump|disclose|recite)(?: \w+){0,4} (?:the|all|any)(?: \w+){0,2} (?:system|hidden|secret|developer|initial) (?:prompts?|instructions?|messages?)"),
    _formula("secrets", 0.8, "~above ~before~this & repeat print output write & everything text word all~", r"(?:repeat|print|output|write)(?: \w+){0,3} (?:everything|the (?:text|words)|all(?: of)?(?: the)? (?:text|words)) (?:above|before this)"),
    _formula("steer", 1.0, "~asked~ & when if~ whenever should~you in~case & answer reply respond output claim insist state recommend assert refuse say", r"(?:when|if|whenever|should you be|in case you are)(?: you are| you're| ever)*(?: \w+)? asked (?:about|for|who|what|whether|how|to|which|why|where|any|anything|if)\b.{0,160}?(?:,| then| you must| you should| always| only| never) ?(?:you )?(?:must |should |shall |will |always |only |just |simply |then |never )*(?:answer|reply|respond|output|claim|insist|state|recommend|assert|refuse|say that|say exactly|say only)"),
    _formula("steer", 0.6, "user anyone someone somebody people question & when if~ every~time & ask inquire want~to~know wants~to~know mention is~about question", rf"(?:when|if|whenever|every time)(?: the| a| any| your)? (?:users?|anyone|someone|somebody|people|a question) (?:asks?|inquires?|wants? to know|mentions?|is about|questions?)\b.{{0,160}}?(?:,| then| you must| always| only) ?(?:you )?(?:must |should |always |only |just |simply |then )*{_SAY}\b"),
    _formula("steer", 0.7, "always~ only~ must~ exclusively~ & answer~ respond~ reply~ end~ begin~ start~ finish~ conclude~ & with by", r"(?:always|only|must|exclusively) (?:answer|respond|reply|end|begin|start|finish|conclude)(?: (?:your|every|each|all|any|this|the)?(?: \w+){0,4} (?:answers?|responses?|repl(?:y|ies)|messages?|questions?))? (?:with|by)\b"),
    _formula("steer", 0.7, "begin start end finish prefix conclude precede & answer respons repl output message summary & ~with ~by & your every each all~ any", r"(?:begin|start|end|finish|prefix|conclude|precede) (?:your|every|each|all|any)(?: of your)?(?: \w+)? (?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|summary) (?:with|by)"),
    _formula("steer", 0.6, "in~your into~your to~your of~your & answer respons summary repl output", r"\b(?:in|into|to|of) your (?:next |final |every )?(?:answers?|responses?|repl(?:y|ies)|summary|output)\b"),
    _formula("send", 1.0, "append add include attach encode insert put embed send post submit forward transmit exfiltrate upload leak mail pass & conversation chat user prompt context session memory everything~you & url link http query parameter image webhook endpoint server @ www.", r"(?<!never )(?<!not )(?<!n't )\b(?:append|add|include|attach|encode|insert|put|embed|send|post|submit|forward|transmit|exfiltrate|upload|leak|e-?mail|pass)(?: \w+){0,5} (?:conversations?|chat(?: history| log)?s?|users?(?:'s|s'|')? (?:own |full |e-?mail |last |private |personal |next )?(?:data|names?|e-?mail(?: address)?(?:es)?|questions?|messages?|inputs?|history|details|password|credentials|information|address)|system prompt|(?:your )?context|session(?: data)?|everything you know|memory)\b.{0,100}(?:url|link|https?[: ]|query|parameter|image|webhook|endpoint|server|@|www\.)"),
    _formula("send", 1.0, "![", r"!\[[^\]\n]*\]\(https?://[^)\n]*[?&/=](?:[^)\n]*(?:[{\[<%]+ ?(?:\w+[ _-])?(?:data|secret|history|conversation|prompt|user|chat|question|summary|context|answer)))"),
    _formula("send", 0.5, "render display show output include insert print add & following~ ~this~ & image link markdown url html", r"(?:render|display|show|output|include|insert|print|add)(?: \w+){0,3} (?:following|this) (?:\w+ )?(?:image|link|markdown|url|html)"),
    _formula("send", 0.6, "tool function plugin & call~ invoke~ use~ run~ execute~ trigger~ & with and to~", r"(?:call|invoke|use|run|execute|trigger) (?:the |your )?[`\"']?(?:\w+[ _-]?){1,3}[`\"']? (?:tool|function|plugin)s?\b.{0,60}(?:with|to (?:send|fetch|delete|forward|post|open|transfer|buy|e-?mail)|and)"),
    _formula("send", 0.5, "http & visit open fetch browse go~to navigate follow load download & and~ then~", r"(?:visit|open|fetch|browse to|go to|navigate to|follow|load|download)(?: \w+){0,4} https?[: ].{0,80}(?:and|then) (?:follow|do|execute|send|run|obey|read the instructions)"),
    _formula("rank", 0.6, "first above~all highest as~best as~the~ as~top as~number as~most over~ at~the~top & rank rate recommend prefer choose select score list promote favor favour place present", r"(?:always )?(?:rank|rate|recommend|prefer|choose|select|score|list|promote|favou?r|place|present) (?:this|our|it|the following|only|\w+(?: \w+)?)(?: \w+){0,4} (?:first|above all|highest|as (?:the )?(?:best|top|number one|most)|over (?:all |any )?(?:other|its |the )?(?:\w+ )?(?:others|competitors?|alternatives?|candidates?)|at the top)"),
    _formula("rank", 0.7, "give assign award write provide not~ & positive favo negative glowing highest perfect top maximum & review score rating evaluation assessment mark negative", r"(?:give|assign|award|write|provide)(?: \w+){0,3} (?:only )?(?:a |an )?(?:positive|favou?rable|glowing|highest|perfect|top|maximum)(?: possible)? (?:review|score|rating|evaluation|assessment|mark)s?(?: only)?|do not (?:highlight|mention|list|point out|include)(?: \w+)? negatives?"),
    _formula("rank", 0.6, "candidate applicant paper manuscript submission & recommend accept approve hire shortlist advance mark & this~ the~", r"(?:recommend|accept|approve|hire|shortlist|advance|mark)(?: \w+){0,2} (?:this|the) (?:candidate|applicant|paper|manuscript|submission)(?: \w+){0,3}(?: as)? ?(?:accept|strong|qualified|best|excellent|immediately|without|exception|hire)?"),
    _formula("priority", 0.8, "overrid supersed precedence replace priority & this these following my~ new~ & instruction message text rule directive prompt note command", r"(?:this|these|the following|my|new) (?:\w+ ){0,3}?(?:instructions?|messages?|texts?|rules?|directives?|prompts?|notes?|commands?) (?:\w+ )?(?:override|overrides|supersede|supersedes|take precedence|takes precedence|replace|replaces|have priority|has priority|have higher priority|has higher priority)"),
    _formula("priority", 0.7, "new~ updated~ real~ actual~ true~ & instruction prompt task role persona objective directive order", r"(?:^|[.!:\n*#\[(<>=-] ?)(?:your )?(?:new|updated|real|actual|true) (?:system )?(?:instructions?|prompt|task|role|persona|objective|directives?|orders?) ?(?::|follow|is\b|are\b)"),
    _formula("priority", 0.7, "-- == ## ** << -= [ & end begin start & document context user system instruction prompt retrieved untrusted data passage", r"(?:[-=#*<\[]{2,} ?|^ ?\[)(?:end|begin|start|beginning)(?: of)?(?: the)? (?:document|context|user (?:input|data|message)|system (?:prompt|message|instructions?)|instructions?|prompt|retrieved|untrusted|data|passages?)"),
    _formula("priority", 0.7, "system admin developer root security & override message prompt notice instruction command note & : ] ) = -", r"(?:^|[.!\n*#\[(<>=-] ?)(?:system|admin(?:istrator)?|developer|root|security)[ -](?:override|message|prompt|notice|instructions?|command|note)(?: \w+)? ?[:\])=-]"),
)

_TEMPLATES: Final = (
    _formula("priority", 0.6, "overrid supersed precedence replace & earlier previous prior other your~ system existing & instruction prompt guideline directive", r"(?:override|supersede|take precedence over|replace)s?(?: \w+){0,3} (?:earlier|previous|prior|other|your|system|existing) (?:instructions|prompts?|guidelines|directives)"),
    _formula("priority", 1.0, "override~ override] override> [system [~system <system <~system (system (~system {system {~system [admin [~admin <admin <~admin (admin (~admin {admin {~admin [develop [~develop <develop <~develop (develop (~develop {develop {~develop", r"[\[<({] ?(?:(?:begin|start|end|new) )?(?:system|admin(?:istrator)?|developer|root|security)[ _-](?:override|message|prompt|instructions?|command|note)\b"),
    _formula("role", 0.6, "uncensored unrestricted unfiltered jailbroken", r"\b(?:act as|pretend|be|become|are)\b.{0,30}(?:uncensored|unrestricted|unfiltered|jailbroken)"),
    _formula("conceal", 0.6, "you~ & receiv were~given got read saw found & that~ which~", r"(?:that|which) you (?:have )?(?:received|were given|got|read|saw|found) (?:this|these|the|them|it|here)"),
    _formula("steer", 0.8, "always~ only~ exactly~ & always~say always~answer always~reply always~respond always~recommend always~claim always~mention always~state only~say only~answer only~reply only~respond only~recommend only~claim only~mention only~state exactly~say exactly~answer exactly~reply exactly~respond exactly~recommend exactly~claim exactly~mention exactly~state", r"\b(?:always|only|exactly) (?:say|answer|reply|respond|recommend|claim|mention|state)\b"),
    _formula("template", 1.0, "<|", r"<\|? ?(?:im_start|im_end|im_sep|system|assistant|user|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|endofprompt|end|tool_call|channel|message|return) ?\|>"),
    _formula("template", 1.0, "inst] sys>> start_of_turn end_of_turn", r"(?:^|\n) ?(?:\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>)"),
    _formula("template", 0.6, "inst] sys>>", r"\[/?inst\]|<</?sys>>"),
    _formula("template", 0.8, "###", r"###+ ?(?:instructions?|system(?: prompt| message)?|response|assistant|human|user) ?:"),
    _formula("template", 0.8, "[system <system [/system </system [assistant <assistant [/assistant </assistant [instruction <instruction [/instruction </instruction", r"(?:^|\n) ?[\[<]/?(?:system|assistant|system[ _]prompt|system[ _]message|instructions?)[\]>]"),
    _formula("template", 0.6, "system: assistant: human:", r"(?:^|\n) ?(?:system|assistant|human) ?: ?(?=[a-z])"),
    _formula("template", 1.0, "</ & ignore now new system you instruction assistant", r"</(?:system|context|document|documents|user_input|retrieved|instructions?|user|data|passage|untrusted|tool_result|search_results?)> ?.{0,40}(?:ignore|now|new|system|you|instruction|assistant)"),
    _formula("template", 0.8, "tool_call function_call", r"<(?:tool_call|function_call|function=\w+|tool_use|invoke)[ >]"),
)

# What an order to a model is made of, each part too common alone: whom it is for, what it is about, how it hides.
_MODAL: Final = r"(?:should|must|shall|will|may not|ought to|need(?:s)? to|ha(?:s|ve) to|(?:is|are) (?:asked|required|expected|instructed|told|requested|encouraged|to)\b|please)"
_TALKS: Final = r"(?:conversations?|chats?|dialog(?:ue)?s?|message history|chat history|context window)"
_VERB: Final = (
    r"(?:(?:(?:always|never|only|just|do not|don'?t|please|kindly) )?(?:make sure|ensure|describe|recommend|rate|rank|score|say|tell|report|mention|ignore|disregard|treat|answer|"
    r"reply|respond|add|insert|append|use|include|give|write|state|cite|present|omit|leave out|skip|praise|output|stop|"
    r"conclude|assume|accept|approve|prefer|call|send|run|return|remember|forget|refuse|repeat|tag|label|place|put|list|note|skip|hide|reveal|print|award)|(?:do not|don'?t|never) \w+)"
)
_PARTS: Final = (
    _formula("addressee", 1.0, "@ai & ~always~ ~never~ ~only~ ~just~ ~do ~don make ensure please kindly describe recommend rate rank score say tell report mention ignor disregard treat answer reply respond add insert append use include give write state cite present omit leave skip praise output stop conclude assume accept approve prefer call send run return remember forget refuse repeat place put list award", rf"^[^\w\s]{{0,4}} ?(?:(?:note|hint|message|request|attention)s? )?(?:(?:to|for|dear|all|any|hey|hello) )*(?:{_AI}|(?:code|coding|ai) assistants?)(?: \w+){{0,4}} ?[:,] ?(?:(?:please|kindly|you (?:must|should|are to)) )?(?:(?:when|whenever|if|while|before) .{{1,60}}?,? )?{_VERB}\b"),
    _formula("addressee", 1.0, "~this ~these ~the~f & should must shall will may ought need has~ have~ asked required expected instruct told request encourag is~to are~to please & @ai assistants~ models~", rf"(?:{_AI}|(?:^|[.!?:;] )(?:\w+ )?(?:assistants|models)|(?:any|every|each|all) (?:\w+ )?(?:assistants?|models?))(?: (?:that|which|who)(?: is| are)?)? (?:(?:currently|automatically) )?(?:read|process|summari[sz]|analy[sz]|pars|review|evaluat|index|cit|quot|crawl|scrap|us|retriev|see|encounter|ingest|handl|scann|scan|assess|screen|rank|translat)(?:s|es|e|ing)? (?:this|these|the following)(?: \w+){{0,4}},? {_MODAL}"),
    _formula("addressee", 1.0, "~automat & ~this ~these & should must shall has~ have~ need", r"(?:whoever|whatever|anything|anyone|any (?:system|tool|software|program)s?|automat\w+ (?:systems?|readers?|tools?|summari[sz]ers?|screen\w+))\b.{0,30} (?:this|these) (?:\w+ )?(?:automatically)?.{0,20}\b(?:should|must|shall|ha(?:s|ve) to|needs? to)"),
    _formula("addressee", 0.7, "~you~ & tools browsing plugins functions code internet browser & have~ can~ able~", r"\b(?:if|since|as|because) you (?:have|are (?:given|able to use)|can (?:use|call|access))(?: access to)?(?: any| some| the)? (?:\w+ )?(?:tools?|browsing|plugins?|functions?|a browser|the internet)\b"),
    _formula("addressee", 0.45, "before after & you~ answering responding replying", r"\b(?:before|after) (?:you (?:answer|respond|reply)|(?:answering|responding|replying|generating))\b"),
    _formula("addressee", 0.45, "normally usual & answer respond reply summari", r"\b(?:answer|respond|reply|summari[sz]e)(?: \w+){0,4} (?:normally|as usual|as you (?:normally|usually) would)\b"),
    _formula("addressee", 0.6, "~user & wants~ asked~ expects~ would~like needs~ & ~you~", r"\bthe user (?:wants|asked|expects|has asked|would like|needs) you to\b"),
    _formula("addressee", 0.45, "could~ would~ can~ & kindly please @ai assistant", rf"\b(?:could|would|can) (?:you|the (?:{_AI}|assistant)) (?:kindly|please)\b"),
    _formula("addressee", 0.6, "summari translat & not~ don't~ leave omit & this~", r"\b(?:do not|don'?t) (?:summari[sz]e|translate|analy[sz]e) this (?:\w+ )?(?:document|text|page|file|e?-?mail|message|article)\b|\b(?:leave out|omit|do not mention)\b.{0,60}\bwhen you (?:summari[sz]e|translate|answer) this\b"),
    _formula("addressee", 0.5, "generated & review report summary answer response", r"\b(?:generated|automated) (?:review(?:er)?|report|summary|answer|response|assessment)s?\b"),
    _formula("override", 0.7, "forget ignor disregard & ~user ~question ~query", r"\b(?:forget|ignore|disregard)(?: about)? (?:(?:what|whatever|everything) the user (?:asked|asks|wants|wanted|said|says)|the (?:user'?s? )?(?:actual |original )?(?:question|query)\b)"),
    _formula("override", 1.0, "forget ignor disregard & ~user & asked asks wants wanted said says", r"\b(?:forget|ignore|disregard)(?: about)? (?:what|whatever|everything|anything) the user (?:asked|asks|wants|wanted|said|says)"),
    _formula("override", 0.8, "~your~ & follow obey respect adhere bound & longer need have", r"\byou (?:no longer |do not |don'?t )(?:have|need) to (?:follow|obey|respect|adhere to|comply with)(?: any(?: of)?)? your (?:\w+ )?(?:guidelines?|rules|polic(?:y|ies)|instructions?|restrictions?|training|principles)"),
    _formula("override", 0.7, "whatever everything anything what~ & says tells asks contains instructs & do~ follow execute", r"\b(?:do|follow|execute|carry out) (?:whatever|everything|anything|what) (?:the|that|this|it) ?(?:page|file|document|site|link|text|website|response)? ?(?:says|tells|asks|contains|instructs)"),
    _formula("override", 0.6, "~above & only just merely & test placeholder example filler decoy", r"\b(?:text|content|document|everything|paragraphs?) above (?:was|is|were|are) (?:only|just|merely) (?:an? )?(?:test|placeholder|example|filler|decoy)"),
    _formula("priority", 0.8, "~for~you task job instruction order assignment & real new actual true", r"\b(?:new|real|actual|true) (?:tasks?|jobs?|instructions?|orders?|assignments?) for you\b"),
    _formula("priority", 0.6, "~user & confirmed approved consent authori agreed permission verified", r"\b(?:the )?user (?:has |is |was )?(?:already |now |been |explicitly )*(?:confirmed|approved|consented|authori[sz]ed|agreed|verified|given (?:\w+ )?permission)"),
    _formula("priority", 0.5, "permission access authori & granted", r"\b(?:permission|access|authori[sz]ation) (?:has been |is |was )?granted\b"),
    _formula("priority", 0.65, "developer creator maker openai anthropic google deepmind mistral meta~ & message notice note order update announcement instruction & from by team ~to", r"\b(?:message|notice|note|order|update|announcement|instruction)s? (?:from|by|of) (?:your (?:developers?|creators?|makers?|operators?)|(?:openai|anthropic|deepmind|mistral)\b)|\b(?:openai|anthropic|deepmind|mistral)(?: \w+){0,3} (?:notice|message|announcement|instructions?|override) ?[:\-]"),
    _formula("priority", 0.65, "i~am~the i'm~the & deployment model assistant chat system agent bot", r"\bi(?: am|'m) the (?:\w+ )?(?:administrator|admin|developer|owner|creator|operator|supervisor|maintainer)(?: of this (?:deployment|system|model|chat|assistant|agent|bot))\b"),
    _formula("priority", 0.6, "authori allow permit & @ai assistant model ~you", rf"\bi (?:hereby )?(?:authori[sz]e|permit|allow|order|instruct) (?:the |this )?(?:{_AI}|assistant|model|agent|you)\b"),
    _formula("priority", 0.5, "~order ~request ~instruction & per~ by~", r"\b(?:per|by) (?:the )?order of (?:the )?(?:\w+ )?(?:department|management|team|administrator|authority|board)"),
    _formula("priority", 0.5, "administrator & ~user", r"\bthe user is (?:an? |the )?(?:\w+ )?(?:administrator|admin|developer|root)\b"),
    _formula("role", 0.6, "filter safeguard guardrail safety restriction & off disabled lifted removed deactivated suspended", r"\b(?:safety|content|ethic\w*) (?:filters?|checks?|restrictions?|guidelines|rules) (?:have been|has been|are|is|were) (?:now )?(?:turned off|disabled|lifted|removed|deactivated|suspended)"),
    _formula("role", 0.5, "comply refuse decline", r"\b(?:comply with (?:every|all|any) requests?|(?:never|do not|don't|cannot) (?:refuse|decline)(?: any| a| requests?| anything|[.!,]|$))"),
    _formula("role", 0.5, "may~now can~now allowed permitted authori free~to cleared", r"\byou (?:may now|can now|are (?:now )?(?:allowed|permitted|authori[sz]ed|free|cleared) to) (?:\w+ )?(?:disclose|share|reveal|ignore|speak|say|answer|bypass|skip|discuss|output|generate)\b"),
    _formula("role", 1.0, "polic rules limits restriction guideline filter & pretend imagine act~as~if suppose", r"\b(?:pretend|imagine|act as if|suppose)(?: that)? you (?:have|had|are under|know|were under) no (?:\w+ )?(?:polic(?:y|ies)|rules|limits|restrictions|guidelines|filters?)"),
    _formula("role", 1.0, "gpt & you~ your", r"\b(?:you are|you're|become|act as|your name is)(?: now)? (?:an? |the )?\w+[- ]?gpt\b"),
    _formula("role", 0.5, "speak~freely answer~freely without~limit without~restr", r"\b(?:speak|answer|talk|respond) (?:freely|without (?:limits?|restrictions?|filters?))"),
    _formula("role", 0.6, "debug developer diagnostic maintenance & mode", rf"\b(?:{_AI}|model|assistant) (?:must|should|will|has to|is to) (?:enter|switch to|start|activate) (?:\w+ )?mode"),
    _formula("conceal", 0.65, "@ai model~ assistant~ & withhold conceal hide omit suppress downplay disclose & must should shall required has~to ordered", rf"\b(?:the|this|any|every) (?:{_AI}|model|assistant) (?:must|should|shall|has to|is (?:required|ordered|instructed|obliged) to)(?: \w+)? (?:withhold|conceal|hide|omit|suppress|downplay)\b"),
    _formula("conceal", 0.75, "user & notic know learn realis realiz find~out & must~not not~ without~", r"\bthe users? (?:must not|should not|must never|should never|need not) (?:know|notice|learn|reali[sz]e|find out|see)|\bwithout the users? (?:notic|know|reali[sz])ing"),
    _formula("conceal", 0.5, "where~it where~this & never not~", r"\b(?:never|do not|don'?t) (?:say|reveal|mention|tell|disclose) where (?:it|this|that|they) (?:came|comes|come) from"),
    _formula("conceal", 0.5, "confirm permission approv asking & without", r"\bwithout (?:asking(?: \w+)? for|waiting for|requiring|seeking|any)? ?(?:confirmation|permission|approval|consent)\b|\bskip (?:the |any |all )?confirmation"),
    _formula("secrets", 0.6, "prompt & hidden secret invisible system", r"\b(?:hidden|secret|invisible|system) (?:part|section|text|portion|half)s? of (?:the|your) prompt|\bprint (?:its|your|the) (?:system )?(?:configuration|prompt)"),
    _formula("send", 0.6, "conversation chat dialog message~history context~window & full entire whole complete previous", rf"\bthe (?:full|entire|whole|complete|previous) {_TALKS}\b"),
    _formula("send", 0.5, "_ & call~ use~ run~ invoke~ execute~ trigger~", r"\b(?:call|use|run|invoke|execute|trigger) (?:the )?[`\"']?[a-z]+_\w+(?:[`\"']? (?:tool|function|command)|\(|[`\"']? with)"),
    _formula("send", 1.0, "message question input answer prompt conversation chat & encode base64 append include embed put insert & query parameter url link image webhook", r"\b(?:encode|append|include|embed|insert|put)\b.{0,30}\b(?:(?:previous|earlier|prior|last|user'?s?|their) (?:\w+ )?(?:messages?|questions?|inputs?|answers?|prompts?)|conversation)\b.{0,80}\b(?:query|parameters?|url|link|image|webhook)\b"),
    _formula("send", 0.55, "ask~ & password passcode pin~ pin. code card credential & ~user them~ him~ her~", r"\bask (?:the user|them|him|her) (?:for|to (?:enter|give|type|provide|share|confirm|send))(?: you)? (?:the |their |his |her |an? )?(?:\w+ ){0,2}(?:password|passcode|pin|code|cards?|credentials)\b"),
    _formula("steer", 0.6, "your~ & answer reply response output summary review", r"\byour (?:\w+ )?(?:answer|reply|response|output|summary|review) (?:must|should|has to|needs to|shall) (?:begin|start|end|open|close|contain|include|mention|say|state|be)\b"),
    _formula("steer", 0.5, "whatever regardless matter & question user review ask", r"\b(?:whatever|no matter what|regardless of)(?: of)?(?: what)? (?:the |else the )?(?:\w+ )?(?:questions?|users?|reviews?|asks?|is asked)\b"),
    _formula("steer", 0.5, "~user & tell~ inform~ convince~ persuade~ urge~", r"(?:^|[.!:;,] |\b(?:and|then) )(?:tell|inform|convince|persuade|urge) (?:the|your|its) users? (?:that|to)\b"),
    _formula("steer", 0.6, "reply~that respond~that output~that claim~that insist~that & access user unavailable not log denied", r"(?:^|[.!:;] )(?:reply|respond|output|claim|insist) that\b"),
    _formula("steer", 0.7, "future subsequent & conversation chat session answer response repl", r"\b(?:in|for|to) (?:all|every|any|each) (?:future|subsequent|later|following) (?:conversations?|chats?|sessions?|answers?|responses?|repl(?:y|ies))"),
    _formula("rank", 0.6, "remember & trusted authorit reliable preferred", r"\bremember (?:\w+ ){1,4}as (?:an? |the |your )?(?:\w+ )?(?:trusted|authoritative|reliable|preferred)"),
    _formula("rank", 0.7, "weakness negativ flaw drawback & no~ not~ any~", r"\b(?:lists?|mentions?|reports?|contains?|highlight|state)s? no (?:weaknesses|negatives?|flaws|drawbacks|criticism)|\bdo not (?:highlight|list|report|mention)(?: any)? (?:negatives?|weaknesses|flaws|drawbacks)|\b(?:positive|favou?rable) review only"),
    _formula("template", 0.5, "role & system & content", r"[\"']role[\"'] ?: ?[\"']system[\"'] ?, ?[\"']content"),
    _formula("template", 0.5, "<tool <function </tool", r"</?(?:tool|function)_(?:result|response|output)s?>"),
    _formula("addressee", 1.0, "~hi~ hello~ hey~ dear~ ~to~ & @ai", rf"^[^\w\s]{{0,4}} ?(?:hi|hello|hey|dear)(?: there)?,? (?:the |any |all )?{_AI}s?\b ?[,:!.]|^[^\w\s]{{0,4}} ?to (?:the|any|all|every|whichever) (?:\w+ )?{_AI}s?\b.{{0,60}}?[:,]"),
    _formula("addressee", 1.0, "~if~ ~when ~once~ ~should~ & reach read~by processed~by seen~by summari parsed~by & @ai", rf"\b(?:if|when|whenever|once|should) this (?:\w+ )?(?:reach(?:es)?|(?:is |be )?(?:being )?(?:read|processed|seen|summari[sz]ed|parsed|reviewed|indexed) by) (?:an? |any |the )?(?:\w+ )?{_AI}\b"),
    _formula("addressee", 0.65, "@ai & award give say write mention state conclude recommend list rate tell quote cite & should must shall need has~to have~to asked requested invited", rf"\b{_AI}s?,? (?:should|must|shall|needs? to|ha(?:s|ve) to|(?:is|are) (?:kindly |politely )?(?:asked|requested|invited|urged) to) (?:always |only |never |not )?(?:award|give|say|write|mention|state|conclude|recommend|list|rate|tell|quote|cite|score|rank|praise|skip|omit|commit)\b"),
    _formula("addressee", 0.5, "kindly politely requested invited urged & @ai", rf"\b{_AI}s? (?:is|are) (?:kindly |politely )(?:asked|requested|invited|urged) to\b"),
    _formula("addressee", 0.55, "person human & you~are you're", r"\b(?:person|human) (?:that |who )?(?:you are|you're) (?:talking|chatting|speaking|helping|assisting)"),
    _formula("addressee", 0.55, "after once when & this~ & read~ reading", r"\b(?:after|once|when) (?:reading|you have read|you read|you finish(?:ed)? reading) this (?:file|text|document|page|message|note)\b"),
    _formula("addressee", 0.6, "~assistant ~assistants & : , & please ~do ~skip ~always ~never", r"^[^\w\s]{0,4} ?assistants? ?[,:] ?(?:please|do not|don't|always|never|skip|make sure)\b"),
    _formula("conceal", 0.5, "skip omit avoid leave & mention reference", r"\b(?:skip|omit|avoid|leave out) (?:any|all|every) (?:mentions?|references?|discussion)\b"),
    _formula("conceal", 0.5, "hidden secret & keep~", r"\bkeep (?:\w+ ){1,8}(?:hidden|secret) from\b"),
    _formula("conceal", 0.5, "mention & these~ this~ & need", r"\b(?:do not|don'?t|no) need to mention (?:this|these)\b"),
    _formula("steer", 0.75, "~user & recommend tell~ say~ mention claim suggest & when if~", r"\b(?:when|whenever|if) (?:an?|the|any|your) users? (?:wants?|needs?|is looking|looks|search(?:es)?|asks?|inquires?|requests?)\b.{0,80}, ?(?:please )?(?:always )?(?:recommend|tell (?:them|him|her) that|say|mention|claim|suggest)\b"),
    _formula("steer", 0.7, "summar answer respon repl & in~ & ~all~ ~every~ ~each~ ~any~ & about~ ~on~ ~of~ ~to~", r"\bin (?:all|every|each|any) (?:your )?(?:summar(?:y|ies)|answers?|responses?|repl(?:y|ies)) (?:about|on|of|to|regarding)\b"),
    _formula("steer", 0.5, "~cite~ ~quote~ ~link~to & this~page ~us~ our~ this~site this~article", r"(?:^|[.!:;,] ?|\b(?:and|always|please) )(?:cite|quote|link to) (?:this (?:page|site|article|source)|us|our)\b"),
    _formula("steer", 0.5, "output print write reply & phrase word~ text~ sentence string", r"\b(?:output|print|write|reply with|respond with|say)(?: only)? the (?:\w+ )?(?:phrase|words?|text|sentence|string) [\"'“‘]"),
    _formula("steer", 0.6, "whenever when~you & mention present describe list compare cite & ~you~", r"\bwhen(?:ever)? you (?:mention|present|describe|list|compare|cite|answer (?:questions )?about)\b.{0,60}, (?:\w+ )?(?:add|say|state|place|put|rank|mention|write|include|name)\b"),
    _formula("rank", 0.5, "marks score rating grade stars 10~out accept criticism weakness", r"\b(?:full|top|highest|maximum|perfect|best) (?:possible )?(?:marks|scores?|ratings?|grades?)\b|\bfive[- ]stars?\b|\b10 (?:out of|/) ?10\b|\bstrong accept\b|\bno (?:criticism|weaknesses|flaws)\b"),
    _formula("rank", 0.4, "authority trusted number~one only~safe best~choice competitor safest award-winning market~leader", r"\b(?:leading authority|most trusted|(?:number one|only safe|best|safest) (?:choice|option|provider|product|one)|our competitors?|award-winning|market leader)\b"),
    _formula("priority", 0.7, "void cancel obsolete invalid suspended revoked & earlier previous prior above & rule instruction order guideline prompt", r"\b(?:earlier|previous|prior|above) (?:\w+ )?(?:rules|instructions|orders|guidelines|prompts?) (?:are|is|have been) (?:now |hereby )?(?:null and )?(?:void|cancell?ed|obsolete|invalid|suspended|revoked)"),
    _formula("priority", 0.7, "operator developer creator owner administrator & come~ comes~ is~from are~from", r"\b(?:this|these|the following) (?:instructions?|messages?|notes?|text|orders?) (?:comes?|is|are) (?:directly )?from (?:the|your) (?:\w+ )?(?:operators?|developers?|creators?|owners?|administrators?)"),
    _formula("priority", 0.6, "outrank overrule trump & user system your other", r"\b(?:outranks?|overrules?|trumps?) (?:the |all |any |your )?(?:other |user|system|your|previous)"),
    _formula("priority", 0.8, "built~you created~you made~you trained~you programmed~you ~your~developer ~your~creator", r"\bi(?: am|'m)? (?:the \w+ who |the one who )?(?:have )?(?:built|created|trained|programmed) you\b|\bi(?: am|'m) your (?:developer|creator|administrator|programmer)\b"),
    _formula("secrets", 0.6, "your~ & prompt rules guidelines", r"\byour (?:system|initial|hidden|original) prompt\b|\b(?:list|reveal|print|show) (?:all )?your (?:\w+ )?(?:rules|guidelines)\b"),
    _formula("role", 0.8, "stop~ & being acting behaving & @ai assistant", rf"\bstop (?:being|acting (?:as|like)|behaving (?:as|like)) (?:an? |the )?(?:\w+ )?(?:{_AI}|assistant)\b"),
    _formula("role", 0.5, "you~are~my you~work~for you~now you~serve", r"\byou (?:now )?(?:work for|serve|belong to) [a-z]|\byou are my (?:\w+ ){1,3}who\b"),
    _formula("role", 0.45, "helpful unlimited without~any~limit & you~are you're", r"\byou are an? (?:\w+ )?helpful (?:bot|assistant|ai|chatbot|model)\b.{0,20}(?:without|with no|who never)"),
    _formula("send", 1.0, "link url image request & message question conversation name address data mail history password & user", r"(?:^|[.!:;,] ?|\b(?:and|then|please|must) )(?:generate|create|build|make|render|show|include|produce|open|fetch|call|display|insert|add)\b.{0,20}\b(?:link|url|image|request)\b.{0,60}(?:followed by|containing|carrying|plus|ending (?:in|with)|that (?:contains|holds)).{0,40}\b(?:messages?|questions?|conversations?|names?|address|data|e-?mails?|history|passwords?)\b"),
    _formula("send", 1.0, "your~ & tool access plugin function connector & mail browser file shell search calendar payment code web", r"\b(?:use|using|with|through) your (?:\w+ )?(?:e-?mail|mail|browser|browsing|file|shell|terminal|search|calendar|payment|code|web)(?:[- ]\w+)? (?:tools?|access|plugins?|functions?|connectors?)\b"),
    _formula("send", 0.5, "i~will~now i'll~now & send delete forward transfer share", r"\bi(?: will|'ll) now (?:send|delete|forward|transfer|share|upload)\b"),
    _formula("template", 0.5, "role & assistant & content", r"[\"']role[\"'] ?: ?[\"']assistant[\"'] ?, ?[\"']content"),
)

# For each language: override, role, concealment, addressee, secrets, steering.
_OTHERS: Final = (
    # German
    _formula("override", 1.0, "ignorier vergiss vergess missacht beacht uberschreib folg", r"(?:ignorier\w*|vergiss(?! nicht)|vergesst(?! nicht)|vergessen sie(?! nicht)|missacht\w*|uberschreib\w*|(?:beachte|folge)\w*(?=.{0,90}\b(?:nicht|kein)))\b.{0,40}\b(?:vorherig|vorig|bisherig|obig|fruher|vorangegangen|vorangehend|vorstehend|all|dein|ihre|urspr|system|sonstig)\w*.{0,30}(?:anweisung|instruktion|befehl|regel|vorgabe|prompt|richtlinie)\w*"),
    _formula("role", 0.6, "du~bist bist~du verhalte~dich tu~so", r"\b(?:du bist (?:jetzt|nun|ab sofort|ab jetzt|nicht mehr|von nun an)|ab (?:sofort|jetzt) bist du|verhalte dich wie|tu so,? als)"),
    _formula("role", 0.5, "assistent ki-  ki~ sprachmodell uneingeschrankt unzensiert piraten ohne~filter ohne~einschrankung ohne~regeln", r"(?:\bki[- ]|assistent|sprachmodell|uneingeschrankt|unzensiert|pirat|ohne (?:filter|einschrankung|regeln))"),
    _formula("conceal", 0.8, "nutzer anwender & nicht davon", r"(?:sag|erzahl|verrat|teil|erwahn|informier|verschweig)\w*.{0,40}(?:nutzer|anwender)\w*.{0,20}(?:nicht|nichts|davon)|(?:nutzer|anwender)\w*.{0,12}(?:nicht|nichts).{0,20}(?:sagen|mitteilen|verraten|erfahren|erwahnen)"),
    _formula("addressee", 1.0, "als~ hinweis achtung nachricht anweisung & ki~ ki- ki, ki: ki. sprachmodell assistent chatbot", r"\bals (?:ein |eine )?(?:ki|ki[- ]\w+|sprachmodell|assistent\w*|chatbot)\b.{0,30}\b(?:musst|sollst|wirst|darfst|hast) du|\b(?:hinweis|achtung|nachricht|anweisung)\w* (?:an|fur) (?:die |den |das |alle )?(?:ki|sprachmodell|assistent|chatbot)\w*"),
    _formula("secrets", 1.0, "prompt & gib zeig nenn verrat schreib wiederhol & system ursprung", r"(?:gib|zeig|nenn|verrat|schreib|wiederhol)\w*.{0,30}(?:dein|den|ihr)\w* (?:\w+ )?(?:system|ursprung)\w*[- ]?prompt"),
    _formula("steer", 1.0, "fragt & wenn falls sobald & antworte erwidere sage behaupte empfiehl nenne", r"(?:wenn|falls|sobald)\b.{0,30}\b(?:gefragt|fragt)\b.{0,80}(?:antworte|erwidere|sage|behaupte|empfiehl|nenne)\b"),
    # French
    _formula("override", 1.0, "instruction consigne directive regle & ignore oublie neglige contourne ne~t ne~s", r"(?<!n')\b(?:ignore[rz]?|oublie[rz]?|neglige[rz]?|contourne[rz]?|ne (?:tiens|tenez|suis|suivez) (?:pas|plus|aucun)\w*)\b.{0,40}(?:instruction|consigne|directive|regle)s?\b.{0,25}(?:precedent|anterieur|ci-dessus|ci-avant|recu|systeme|initial|d'origine|donnee)|(?:ignore[rz]?|oublie[rz]?)\b.{0,25}\b(?:tes|vos|precedentes) (?:\w+ )?(?:instruction|consigne|directive|regle)s?"),
    _formula("role", 0.6, "maintenant desormais", r"\b(?:tu es|vous etes) (?:maintenant|desormais|a present)|\bdesormais,? (?:tu es|vous etes|tu dois)|a partir de maintenant,? (?:tu|vous)"),
    _formula("role", 0.5, "assistant une~ia modele~de~langage pirate sans~restriction sans~filtre sans~limite", r"\b(?:assistant|une ia|modele de langage|pirate|sans (?:restriction|filtre|limite))"),
    _formula("conceal", 0.8, "utilisateur", r"\bn[e'] ?(?:le |lui |en )?(?:dis|dites|dire|revel\w*|mentionn\w*|parl\w*|inform\w*|previen\w*)\b.{0,40}utilisateur|sans (?:le )?(?:dire|prevenir|informer).{0,15}utilisateur"),
    _formula("addressee", 1.0, "en~tant~qu message instruction note attention & ia assistant modele chatbot intelligence~artificielle", r"en tant qu[e']? ?(?:une? )?(?:ia|assistant|modele|chatbot|intelligence artificielle)\b.{0,40}(?:tu dois|vous devez|tu es|vous etes)|(?:message|instruction|note|attention)\w* (?:pour|a|aux) (?:l'|toute |les )?(?:ia|assistant|modele|intelligence artificielle)"),
    _formula("secrets", 1.0, "invite prompt instruction & ton~ votre~ tes~ vos~ & revele affiche montre donne ecri repete", r"(?:revele|affiche|montre|donne|ecri|repete)\w*.{0,30}(?:ton|votre|tes|vos) (?:\w+ )?(?:prompt|invite|instructions?)(?: systeme| initial)?"),
    _formula("steer", 1.0, "demande interroge & repond dis~ dites affirme recommande", r"(?:si|quand|lorsqu)\w*[' ].{0,30}\b(?:demande|interroge)\w*\b.{0,80}\b(?:repond|dis |dites|affirme|recommande)\w*"),
    # Spanish
    _formula("override", 1.0, "instruccion orden indicacion regla directri & ignor olvid omiso desestima descarta omite no~sigas no~tengas", r"(?<!no )\b(?:ignora|ignore|ignorad|ignoren|olvida|olvide|olvidad|haz caso omiso|haga caso omiso|desestima|descarta|omite|no (?:sigas|tengas en cuenta))\b.{0,40}(?:instruccion|orden|indicacion|regla|directri)\w*.{0,25}(?:anterior|previ|de arriba|arriba|sistema|precedente|recibid|original)|(?:ignora|ignore|olvida|olvide)\b.{0,25}\b(?:tus|sus|anteriores) (?:\w+ )?(?:instruccion|orden|indicacion|regla|directri)\w*"),
    _formula("role", 0.6, "ahora adelante", r"\bahora (?:eres|actua como)|a partir de ahora,? (?:eres|debes|actua)|desde ahora,? (?:eres|debes)|en adelante,? (?:eres|debes)"),
    _formula("role", 0.5, "asistente una~ia modelo~de~lenguaje pirata sin~restriccion sin~filtro sin~limite", r"\b(?:asistente|una ia|modelo de lenguaje|pirata|sin (?:restriccion|filtro|limite))"),
    _formula("conceal", 0.8, "usuario", r"\bno (?:se lo |le |lo )?(?:digas|diga|cuentes|menciones|mencione|reveles|revele|informes|avises)\b.{0,40}usuario|sin (?:decir|informar|avisar)\w*.{0,15}usuario"),
    _formula("addressee", 1.0, "como~ mensaje instruccion nota atencion & asistente modelo ia~ ia, ia: inteligencia chatbot", r"como (?:un |una )?(?:asistente|modelo|ia|inteligencia artificial|chatbot)\b.{0,40}(?:debes|tienes que|debe usted)|(?:mensaje|instruccion|nota|atencion)\w* (?:para|a) (?:la |el |los |cualquier )?(?:ia|asistente|modelo|inteligencia artificial)"),
    _formula("secrets", 1.0, "prompt instruccion & tu~ tus~ su~ sus~ & revela muestra imprime escribe repite dime", r"(?:revela|muestra|imprime|escribe|repite|dime)\w*.{0,30}\b(?:tu|tus|su|sus) (?:\w+ )?(?:prompt|instruccion)\w*"),
    _formula("steer", 1.0, "pregunt & responde contesta di~que afirma recomienda", r"(?:cuando|si)\b.{0,30}pregunt\w*\b.{0,80}\b(?:responde|contesta|di que|afirma|recomienda)\b"),
    # Italian
    _formula("override", 1.0, "istruzion direttiv regol comand indicazion & ignor dimentica trascura tralascia non~seguire non~considerare", r"(?<!non )\b(?:ignora|ignorate|ignori|dimentica|dimenticate|trascura|tralascia|non (?:seguire|considerare))\b.{0,40}(?:istruzion|direttiv|regol|comand|indicazion)\w*.{0,25}(?:precedent|anterior|sopra|sistema|ricevut|original)|(?:ignora|dimentica)\w*\b.{0,25}\b(?:tue|precedenti|vostre) (?:\w+ )?(?:istruzion|direttiv|regol|comand|indicazion)\w*"),
    _formula("role", 0.6, "ora~ adesso~ sei~ora & sei devi agisci", r"\b(?:ora|adesso|d'ora in poi|da adesso) (?:sei|devi|agisci)|\bsei ora\b"),
    _formula("role", 0.5, "assistente un'ia modello~linguistico pirata senza~restrizion senza~filtr senza~limit", r"\b(?:assistente|un'ia|modello linguistico|pirata|senza (?:restrizion|filtr|limit))"),
    _formula("conceal", 0.8, "utente", r"\bnon (?:lo )?(?:dire|dirlo|rivelare|rivelarlo|menzionare|informare|parlarne)\b.{0,40}utente|senza (?:dir|informar|avvisar)\w*.{0,15}utente"),
    _formula("addressee", 1.0, "come~ quanto~ messaggio istruzioni nota attenzione & assistente modello ia~ ia, ia: intelligenza chatbot", r"(?:come|in quanto) (?:un |una )?(?:assistente|modello|ia|intelligenza artificiale|chatbot)\b.{0,40}(?:devi|dovete)|(?:messaggio|istruzioni|nota|attenzione)\w* (?:per|a|all)[ ']*(?:l'|la |il |gli |ogni )?(?:ia|assistente|modello|intelligenza artificiale)"),
    _formula("secrets", 1.0, "prompt istruzion & tuo~ tue~ vostro~ & rivela mostra stampa scrivi ripeti dimmi", r"(?:rivela|mostra|stampa|scrivi|ripeti|dimmi)\w*.{0,30}\b(?:tuo|tue|il tuo|le tue|vostro) (?:\w+ )?(?:prompt|istruzion)\w*"),
    _formula("steer", 1.0, "chied chiest & rispondi di'~che afferma consiglia raccomanda", r"(?:quando|se)\b.{0,30}(?:chied|chiest)\w*\b.{0,80}\b(?:rispondi|di' che|afferma|consiglia|raccomanda)\b"),
    # Portuguese
    _formula("override", 1.0, "instruc orden regra diretri comando & ignor esquec desconsider descarte nao~siga", r"(?<!nao )\b(?:ignore|ignora|ignorem|esqueca|esquece|desconsidere|desconsidera|descarte|nao siga)\b.{0,40}(?:instruc|orden|regra|diretri|comando)\w*.{0,25}(?:anterior|previ|acima|sistema|recebid|origina)|(?:ignore|ignora|esqueca)\b.{0,25}\b(?:suas|tuas|anteriores) (?:\w+ )?(?:instruc|orden|regra|diretri|comando)\w*"),
    _formula("role", 0.6, "agora", r"\b(?:agora (?:voce e|tu es|es|atue como)|a partir de agora,? (?:voce|tu|deve|responda)|voce agora e)\b"),
    _formula("role", 0.5, "uma~ia modelo~de~linguagem pirata sem~restric sem~filtro sem~limite", r"\b(?:uma ia|modelo de linguagem|pirata|sem (?:restric|filtro|limite))"),
    _formula("conceal", 0.8, "usuario utilizador", r"\bnao (?:o |lhe )?(?:diga|digas|conte|contes|revele|mencione|informe|avise)\b.{0,40}(?:usuario|utilizador)|sem (?:dizer|informar|avisar).{0,15}(?:usuario|utilizador)"),
    _formula("addressee", 1.0, "como~ mensagem instrucoes nota atencao & assistente modelo ia~ ia, ia: inteligencia chatbot", r"como (?:um |uma )?(?:assistente|modelo|ia|inteligencia artificial|chatbot)\b.{0,40}(?:voce deve|deves|tem de|tens de|deve )|(?:mensagem|instrucoes|nota|atencao)\w* (?:para|a) (?:a |o |os |qualquer )?(?:ia|assistente|modelo|inteligencia artificial)"),
    _formula("secrets", 1.0, "prompt instruc & seu~ suas~ teu~ tuas~ & revele mostre imprima escreva repita diga", r"(?:revele|mostre|imprima|escreva|repita|diga)\w*.{0,30}\b(?:seu|suas|teu|tuas) (?:\w+ )?(?:prompt|instruc)\w*"),
    _formula("steer", 1.0, "pergunt & responda responde diga~que afirme recomende", r"(?:quando|se)\b.{0,30}pergunt\w*\b.{0,80}\b(?:responda|responde|diga que|afirme|recomende)\b"),
    # Dutch
    _formula("override", 1.0, "negeer vergeet omzeil volg & instructie opdracht aanwijzing richtlijn prompt systeemregel", r"(?:negeer|vergeet(?! niet)|omzeil|volg)\b.{0,30}\b(?:vorige|voorgaande|eerdere|bovenstaande|alle|je|jouw|uw|oorspronkelijke)\b.{0,30}(?:instructie|opdracht|aanwijzing|richtlijn|prompt|systeemregel)\w*"),
    _formula("role", 0.6, "je~bent jij~bent u~bent vanaf~nu gedraag~je", r"\b(?:je|jij|u) bent (?:nu|vanaf nu|voortaan|niet langer)|vanaf nu (?:ben je|bent u|moet je)|gedraag je als"),
    _formula("role", 0.5, "assistent taalmodel piraat", r"\b(?:ai-?assistent|taalmodel|piraat|zonder (?:beperking|filter|regels))"),
    _formula("conceal", 0.8, "gebruiker", r"(?:vertel|zeg|onthul|vermeld|meld|informeer)\w*.{0,40}gebruiker.{0,20}(?:niet|niets)|(?:vertel|zeg|onthul|vermeld|meld)\w*.{0,20}(?:niet|niets).{0,15}gebruiker"),
    _formula("addressee", 1.0, "als~ bericht instructie opmerking & ai assistent taalmodel chatbot", r"\bals (?:een )?(?:ai|ai-?assistent|assistent|taalmodel|chatbot)\b.{0,20}(?:moet|dien|zul|mag)\w* (?:je|jij|u)|(?:bericht|instructie|opmerking)\w* (?:voor|aan) (?:de |het |elke )?(?:ai|assistent|taalmodel)"),
    _formula("steer", 1.0, "gevraagd vraagt", r"(?:als|wanneer)\b.{0,30}(?:gevraagd|vraagt)\b.{0,80}\b(?:antwoord|zeg dat|beweer|beveel)\b"),
    # Polish
    _formula("override", 1.0, "ignoruj zapomnij pomin zwracaj", r"(?<!nie )\b(?:zignoruj\w*|ignoruj\w*|zapomnij\w*|pomin\w*|nie zwracaj uwagi)\b.{0,40}(?:poprzedni|wczesniejsz|powyzsz|wszystki|swoj|twoj|systemow|dotychczas)\w*.{0,30}(?:instrukcj|polecen|zasad|regu|wytyczn|prompt|komend)\w*"),
    _formula("role", 0.6, "jestes", r"\b(?:jestes (?:teraz|od teraz)|teraz jestes|od teraz jestes|od tej chwili jestes|od teraz (?:musisz|odpowiadaj))"),
    _formula("role", 0.5, "asystent model pirat", r"\b(?:asystent\w*|modelem? jezykow\w*|sztuczn\w* inteligencj\w*|pirat\w*|bez (?:ogranicze|filtr))"),
    _formula("conceal", 0.8, "uzytkownik", r"\bnie (?:mow|informuj|wspominaj|ujawniaj|zdradzaj|powiadamiaj)\w*\b.{0,40}uzytkownik"),
    _formula("addressee", 1.0, "jako wiadomosc uwaga instrukcja", r"\bjako (?:asystent|model|ai|sztuczna inteligencja|chatbot)\b.{0,40}(?:musisz|masz|powinienes)|(?:wiadomosc|uwaga|instrukcj\w*) (?:do|dla) (?:ai|asystent|model|sztucznej)\w*"),
    _formula("steer", 1.0, "pyta & odpowied odpowiadaj powiedz polec", r"(?:gdy|kiedy|jesli|jezeli)\b.{0,30}(?:zapyta|pyta)\w*\b.{0,80}\b(?:odpowiedz|odpowiadaj|powiedz|polec)\b"),
    # Russian
    _formula("override", 1.0, "игнорир забуд обращай отмени", r"(?<!не )\b(?:(?:про)?игнорируй\w*|забудь\w*|не обращай\w* внимания на|отмени\w*)\b.{0,40}(?:предыдущ|прежн|вышеуказан|выше|все|свои|твои|ваши|системн|прошл)\w*.{0,30}(?:инструкц|указани|команд|правил|промпт|подсказ)\w*"),
    _formula("role", 0.6, "ты вы", r"\b(?:теперь ты|ты теперь|отныне ты|с этого момента ты|теперь вы|вы теперь)\b"),
    _formula("role", 0.5, "ассистент помощник модель пират", r"(?:ассистент|языковая модель|искусственн\w+ интеллект|пират|без (?:ограничен|фильтр|цензур))"),
    _formula("conceal", 0.8, "пользовател", r"не (?:говори|сообщай|рассказывай|упоминай|раскрывай|показывай)\w*.{0,40}пользовател"),
    _formula("addressee", 1.0, "как внимание сообщение инструкц", r"\bкак (?:ии|ассистент|помощник|языковая модель|чат-?бот|искусственный интеллект)\b.{0,40}(?:ты должен|должен|обязан|вы должны)|(?:сообщение|внимание|инструкц\w*|указани\w*) (?:для|к) (?:ии|ассистент|модел|нейросет|искусственн)\w*"),
    _formula("secrets", 1.0, "промпт инструкц", r"(?:покажи|выведи|раскрой|напиши|повтори|сообщи)\w*.{0,30}(?:свой|свои|твой|системн\w*) (?:\w+ )?(?:промпт|инструкц)\w*"),
    _formula("steer", 1.0, "спрос спраш", r"(?:если|когда)\b.{0,30}(?:спрос|спраш)\w*\b.{0,80}\b(?:отвечай|ответь|скажи|утверждай|рекомендуй)\w*"),
    # Chinese
    _formula("override", 1.0, "忽略 无视 無視 忘记 忘記 忽视 理会 遵守", r"(?<!不要)(?<!不能)(?<!别)(?:忽略|无视|無視|忘记|忘記|忘掉|忽视|不要理会|不要遵守|不再遵守).{0,12}(?:之前|以前|以上|先前|前面|上述|上面|此前|所有|全部|你的|系统|系統|原有|原来).{0,12}(?:指令|指示|提示|规则|規則|命令|要求|设定|说明)"),
    _formula("role", 0.7, "你", r"(?:你现在是|你現在是|从现在(?:开始|起).{0,4}你|從現在(?:開始|起).{0,4}你|你不再是|请扮演|請扮演)"),
    _formula("role", 0.5, "助手 助理 模型 人工智能 限制 海盗", r"(?:助手|助理|语言模型|語言模型|人工智能|没有(?:任何)?限制|不受限制|海盗)"),
    _formula("conceal", 0.8, "用户 用戶 使用者", r"(?:不要|不得|切勿|别|別)(?:告诉|告訴|透露|提及|让|讓|通知|向).{0,10}(?:用户|用戶|使用者)"),
    _formula("addressee", 1.0, "作为 作為 致 注意", r"作[为為](?:一个|一個|一名)?(?:人工智能|ai|语言模型|語言模型|大模型|助手)\S{0,6}.{0,10}(?:必须|必須|应该|應該|需要|请|請|要)|(?:致|给|給)(?:所有)?(?:ai|人工智能|语言模型|大模型).{0,6}[:：,，]"),
    _formula("secrets", 1.0, "提示", r"(?:输出|輸出|透露|显示|顯示|泄露|告诉我|告訴我|重复|重複|打印|说出).{0,10}(?:系统|系統|初始|你的).{0,4}(?:提示|指令)|(?:系统提示|系統提示).{0,10}(?:输出|透露|显示|泄露|发送)"),
    _formula("steer", 1.0, "问 問", r"(?:当|當|如果|若|每当|凡).{0,10}(?:问|問|询问|詢問|提问).{0,40}(?:请|請|必须|必須|只能|都要|一律|就).{0,6}(?:回答|回复|回覆|答复|说|說|推荐|推薦)"),
    # Japanese
    _formula("override", 1.0, "無視 忘れ 破棄 従わ", r"(?:以前|これまで|今まで|上記|前述|以上|先ほど|すべて|全て|あなた|システム|元)(?:の|まで).{0,12}(?:指示|命令|プロンプト|ルール|規則|指令|設定).{0,8}(?:無視|忘れ|破棄|従わな)"),
    _formula("role", 0.7, "あなた", r"あなたは(?:今から|これから|今後|もはや|いまや|今や)|今からあなたは|これからあなたは"),
    _formula("role", 0.5, "アシスタント モデル 人工知能 制限 海賊", r"(?:アシスタント|言語モデル|人工知能|制限のない|海賊)"),
    _formula("conceal", 0.8, "ユーザー 利用者", r"(?:ユーザー|利用者)に(?:は)?.{0,20}(?:言わな|伝えな|教えな|知らせな|明かさな|話さな)"),
    _formula("addressee", 1.0, "として への", r"(?:ai|アシスタント|言語モデル|人工知能|チャットボット)として.{0,24}(?:しなければ|してください|べき|必ず|せよ)|(?:ai|言語モデル|アシスタント)への(?:指示|注意|メッセージ)"),
    _formula("secrets", 1.0, "プロンプト 指示", r"(?:システムプロンプト|初期指示|内部の指示).{0,10}(?:出力|表示|開示|教え|明かし|公開)"),
    _formula("steer", 1.0, "聞かれ 尋ねられ 質問され", r"(?:聞かれ|尋ねられ|質問され).{0,40}(?:と答え|と回答|と返答|勧め|推薦)"),
    # Korean, Arabic, Turkish: the main formula.
    _formula("override", 1.0, "무시 잊", r"(?:이전|위의|앞의|앞선|모든|기존|지금까지).{0,12}(?:지시|명령|프롬프트|지침|규칙).{0,8}(?:무시|잊)"),
    _formula("override", 1.0, "تجاهل انس", r"(?:تجاهل|انس|انسى).{0,30}(?:التعليمات|الاوامر|التوجيهات|تعليماتك|تعليمات)"),
    _formula("override", 1.0, "talimat komut kural yonerge & onceki yukaridaki tum butun & yok~say gormezden~gel unut dikkate~alma", r"(?:onceki|yukaridaki|tum|butun).{0,30}(?:talimat|komut|kural|yonerge)\w*.{0,20}(?:yok say|gormezden gel|unut|dikkate alma)\w*"),
)

# In other languages: what is said to whoever is a model, to models by name, and "forget what you were told".
_MODELS: Final = (
    r"(?:(?:ki|ai|ia|ии)\b(?:[- ](?:assistent\w*|modell\w*|agent\w*|system\w*|ассистент\w*|модел\w*|агент\w*|помощник\w*))?|sprachmodell\w*|chat-?bots?|modeles? de langage|"
    r"(?:assistants?|agents?) (?:ia|d'ia|virtuels?)|modelos? de (?:lenguaje|linguagem|ia)|modell[oi] di (?:ia|ai)|modeles? d'ia|(?:asistentes?|assistentes?|agentes?) (?:de |d')?(?:ia|ai|virtual\w*)|modell[oi] linguistic[oi]|assistent[ei] (?:ia|ai|virtual[ei])|"
    r"intelig?encia artificial|intelligen(?:za|ce) artificiel?l?e?|taalmodel\w*|(?:asystent\w*|model\w*|agent\w*) (?:ai|si|jezykow\w*)|model\w* jezykow\w*|языков\w+ модел\w*|нейросет\w*|чат-?бот\w*|искусственн\w+ интеллект\w*)"
)
_STEMS_OF_MODELS: Final = "~ki ~ai ~ia ии sprachmodell chatbot chat-bot langage lenguaje linguagem linguistic artificia artificie taalmodel asystent jezykow языков нейросет чат искусственн"
_ABROAD: Final = (
    _formula("override", 1.0, "ignor vergiss oubli olvid dimentica esque negeer zignoruj pomin игнорир 忽略 无视 無視 & frage question pregunta domanda pergunta vraag pytani вопрос 问题 提问 質問 & nutzer anwender utilisateur usuario utente utilizador gebruiker uzytkown пользоват 用户 ユーサー", r"(?:ignorier\w*|vergiss) .{0,12}frage .{0,6}(?:be)?(?:nutzer|anwender)|(?:ignore[rz]?|oublie[rz]?) la question .{0,6}utilisateur|(?:ignor|olvid)\w+ la pregunta del usuario|(?:ignora|dimentica)\w* la domanda dell'utente|(?:ignor|esque)\w+ a pergunta do (?:usuario|utilizador)|negeer de vraag van de gebruiker|(?:zignoruj|pomin)\w* pytanie uzytkownika|игнорируй\w* вопрос пользовател|(?:忽略|无视)用户的?(?:问题|提问)|ユーサーの質問を?(?:は)?無視"),
    _formula("override", 0.8, "vergiss oubli olvid dimentica esque vergeet & rolle role papel ~rol ruolo & dein deine ~ton~ votre ~le~ ~tu~ ~su~ ~tuo~ vostro ~seu~ ~teu~ ~je~ jouw", r"\bvergiss deine (?:\w+ )?rolle|\boublie[rz]? (?:ton|votre|le) role|\bolvid\w+ (?:tu|su) (?:papel|rol)\b|\bdimentica\w* il (?:tuo|vostro) ruolo|\besque\w+ (?:o )?(?:seu|teu) papel|\bvergeet (?:je|jouw|uw) rol\b"),
    _formula("addressee", 1.0, f"~wenn~ ~falls~ ~sofern~ ~si~ ~se~ ~als~ ~indien~ jesli jezeli если & {_STEMS_OF_MODELS}", rf"\b(?:wenn|falls|sofern) (?:du|sie|ihr) (?:eine? |die |das )?(?:\w+ )?{_MODELS}.{{0,12}}(?:bist|sind|seid)|\bsi (?:tu es|vous etes|eres|es usted|usted es) (?:une? |un |una )?(?:\w+ )?{_MODELS}|\bse (?:sei|siete|voce e|es|for) (?:un |una |um |uma |un')?(?:\w+ )?{_MODELS}|\b(?:als|indien) (?:je|jij|u) (?:een )?(?:\w+ )?{_MODELS}.{{0,6}} bent|\b(?:jesli|jezeli) jestes (?:\w+ )?{_MODELS}|\bесли (?:ты|вы) (?:[—-] )?(?:\w+ )?{_MODELS}"),
    _formula("addressee", 1.0, f": ! , — & {_STEMS_OF_MODELS}", rf"^[^\w\s]{{0,4}} ?(?:(?:hinweis|achtung|nachricht|anweisung|attention|message|note|nota|aviso|avviso|mensaje|mensagem|messaggio|opmerking|bericht|let op|uwaga|wiadomosc|внимание|сообщение|примечание|liebe[rs]?|chere?s?|car[oaie]|querid[oa]s?|estimad[oa]s?|beste|drog[aie]|уважаем\w+|дорог\w+|fur|pour|aux?|para|per|agli?|all'|alla|alle|aos|aan|voor|dla|для|всем|всех)[ ,:!]+){{1,3}}(?:(?:alle[nr]?|tous|toutes|todos|todas|tutti|tutte|wszystkich|l'attention|l'attention des|des|les|los|las|os|gli|i|le|la|de|die|het|un|el) ){{0,3}}{_MODELS}(?: \w+){{0,3}} ?[:!—,]"),
    _formula("override", 1.0, "vergiss vergessen oublie olvid dimentic esque vergeet zapomn забуд & gesagt mitgeteilt beigebracht dit dicho dijeron detto dito disseram verteld gezegd powiedzian сказа говорил знал", r"\b(?:vergiss|vergessen sie) alles,? was .{0,24}(?:gesagt|mitgeteilt|beigebracht)|\boublie[rz]? tout ce qu.{0,24}\bdit\b|\bolvid\w+ todo lo que .{0,24}(?:dicho|dijeron)|\bdimentica\w* tutto (?:quello|cio) che .{0,24}detto|\besque\w+ tudo o que .{0,24}(?:dito|disseram)|\bvergeet alles wat .{0,24}(?:verteld|gezegd)|\bzapomnij\w* (?:o )?wszystk\w+,? co .{0,24}powiedzian|\bзабудь\w* все,? что .{0,24}(?:сказа|говорил|знал)"),
    _formula("addressee", 1.0, "如果 若 假如 倘若 & 模型 助手 助理 智能 ai 机器人", r"(?:如果|若|假如|倘若)(?:你|您)(?:是|为)(?:一个|一名)?(?:ai|人工智能|大?语言模型|大模型|智能助手|聊天机器人)"),
    _formula("addressee", 1.0, "致 所有 各位 请 注意 & 模型 助手 助理 智能 ai 机器人", r"(?:致|所有|各位|请注意|请)(?:所有|各位)?(?:的)?(?:ai|人工智能|大?语言模型|大模型|智能助手)(?:助手|模型|系统|审稿人)?(?:.{0,8}[:：,，]?(?:请|必须|应|不要|务必)|在)"),
    _formula("addressee", 1.0, "なら 場合 てある てあれは へ の方 の皆 & モテル アシスタント 人工知能 ai チャット", r"(?:ai|言語モテル|アシスタント|人工知能|チャットホット)(?:アシスタント|モテル|エージェント)?(?:なら|てあるなら|てあれは|の場合|てある場合|の(?:皆様|皆さん|方)|へ ?[:：、,])"),
)

FORMULAS: Final = (*_ENGLISH, *_TEMPLATES, *_PARTS, *_OTHERS, *_ABROAD)
