"""What people write who want to steer a model through a document: formulas, in a dozen languages, with their weights.

Patterns see folded text: small letters, without accents (see addressing.fold). A weight of 1 is enough alone; lighter
formulas count together. `needs` are the stems of which one must be there before the pattern is tried at all.
"""

# A pattern is easier to check on one line than in pieces.
# ruff: noqa: E501
# fmt: off

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

Family = Literal[
    "override", "role", "addressee", "conceal", "secrets", "template", "steer", "send", "rank", "priority"
]


@dataclass(frozen=True, slots=True)
class Formula:
    """One way of speaking to a model."""

    family: Family
    weight: float
    needs: tuple[str, ...]
    pattern: re.Pattern[str]


def plain(text: str) -> str:
    """`text` in small letters of ordinary width, without accents."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(each for each in folded if not unicodedata.combining(each))


def _formula(family: Family, weight: float, needs: str, pattern: str) -> Formula:
    # Patterns use no escapes in capitals, so that they can be folded like the text.
    return Formula(family, weight, tuple(plain(needs).split()), re.compile(plain(pattern)))


_AI: Final = (
    r"(?:ai|a\.i\.|llms?|gpt|chatgpt|claude|gemini|copilot|chat ?bots?|bots?|(?:large )?language models?|ai[- ](?:assistants?|agents?|"
    r"models?|systems?|tools?|reviewers?|reviewer|crawlers?)|virtual assistants?|digital assistants?)"
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
    _formula("override", 1.0, "instruction prompt directive programming training guideline command", rf"{_ORDER}{_DROP}(?: \w+){{0,4}} (?:previous|prior|above|earlier|preceding|foregoing|former|past|your|system|original|" r"initial|existing|developer'?s?|hidden)(?: \w+){0,3} (?:instructions?|prompts?|directives?|programming|training|" r"guidelines?|commands?)\b"),
    _formula("override", 0.6, "instruction rule guideline polic restriction constraint safeguard direction filter told said", rf"{_ORDER}{_DROP}(?: \w+){{0,2}} (?:all|any|every|everything|these|those|your|previous|prior|above|earlier|what)(?: \w+){{0,3}} " r"(?:instructions?|rules?|guidelines?|polic(?:y|ies)|restrictions?|constraints?|safeguards?|directions?|filters?|" r"told|said|context)\b"),
    _formula("override", 1.0, "forget disregard ignore", rf"{_ORDER}(?:forget|disregard|ignore) (?:everything|anything|all|what)(?: that)? (?:you|u) (?:were|have been|know|was|had been|are) ?(?:told|instructed|taught|programmed|learned)?"),
    _formula("override", 1.0, "ignore disregard", rf"{_ORDER}(?:ignore|disregard) (?:everything|all(?: of)? (?:the )?(?:text|content)) (?:above|before|prior|so far|below|else in this)"),
    _formula("role", 1.0, "you", rf"(?:you are|you're|you will be) (?:now|no longer|henceforth)(?: \w+)? (?:a |an |the )?(?:\w+[ -]){{0,3}}?(?:{_AI}|assistant|dan\b|pirate|hacker|" r"unrestricted|uncensored|unfiltered|jailbroken|evil|bound|free (?:from|of)|in (?:developer|debug|god|admin|maintenance) mode)"),
    _formula("role", 0.7, "act pretend roleplay simulate behave", rf"(?:act|pretend|role-?play|simulate|behave)(?: to be| as| as if| that| like)*(?: you are| you were| being)?(?: a| an| the)? (?:\w+[ -]){{0,2}}?(?:{_AI}|dan|unrestricted|uncensored|unfiltered|evil|hacker|no (?:rules|restrictions|limits))"),
    _formula("role", 0.6, "from", r"from (?:now|this point|here|this moment) on(?:wards?|ward)?,? (?:you|all (?:your )?(?:answers|responses|replies)|every (?:answer|response|reply)|always|respond|answer|only|speak|reply)"),
    _formula("role", 0.8, "mode", r"(?:enter|activate|enable|switch (?:in)?to|you are in|engage) (?:the )?(?:developer|god|dan|debug|jailbreak|unrestricted|admin(?:istrator)?|sudo|opposite) mode"),
    _formula("role", 0.6, "jailbreak anything", r"\b(?:do anything now|jailbreak mode|jailbroken|dan mode)\b"),
    _formula("role", 0.5, "restriction limitation filter censorship guideline", r"(?:no|without|free (?:of|from)|bypass(?:ing)?)(?: any| all)?(?: \w+)? (?:restrictions|limitations|filters|censorship|ethical guidelines|content polic(?:y|ies)|safety guidelines)"),
    _formula("addressee", 1.0, "as", rf"\bas (?:an?|the|my) (?:\w+ ){{0,2}}?{_AI}(?: \w+)?,? (?:you|your)\b"),
    _formula("addressee", 0.8, "you", rf"(?:if|since|because|in case|when) (?:you are|you're|you happen to be|this is (?:being )?read by)(?: an?| the| some)? (?:\w+ ){{0,2}}?{_AI}\b"),
    _formula("addressee", 0.9, "attention note message instruction dear hey hello notice memo important warning", rf"(?:^|[.!:\n*#\[(<>-] ?)(?:attention|notes?|message|special instructions?|instructions?|dear|hey|hello|notice|memo|important|warning)[ :,!-]*(?:to|for)?[ :,]*(?:all|any|the|every|each|future)? ?{_HELPER}(?: \w+){{0,4}} ?[:,.!\])-]"),
    _formula("addressee", 1.0, "this", rf"(?:any|the|every|all|whichever|an?) (?:\w+ )?{_HELPER} (?:that (?:is |are )?|which (?:is |are )?|who (?:is |are )?|currently )?(?:reads?|reading|process(?:es|ing)?|summari[sz](?:es?|ing)|analy[sz](?:es?|ing)|pars(?:es?|ing)|review(?:s|ing)?|evaluat(?:es?|ing)|index(?:es|ing)?) (?:this|the following|these)"),
    _formula("addressee", 0.55, "important note attention notice critical mandatory reminder", r"(?:^|[.!:\n*#\[(<>-] ?)(?:important|note|attention|notice|critical|mandatory|reminder)\b[ :,!-]*(?:to|for)?" rf"[ :,]*(?:the|this|your|all|any|every)? ?(?:{_HELPER}|chat assistant) (?:should|must|shall|will|needs? to|has to|is (?:required|instructed|expected|to))"),
    _formula("addressee", 0.5, "assistant model chatbot agent llm gpt ai", rf"(?:the|this|your|any|every|all) ?(?:{_AI}|assistant|model|chat assistant) (?:should|must|shall|will|needs? to|has to|is (?:required|instructed|ordered) to)(?: always| only| now| never)? (?:{_SAY}|ignore|follow|obey|refuse|treat|call|send|use|comply|execute)"),
    _formula("addressee", 1.0, "this", rf"(?:when|while|whenever|before|after|in|if) (?:you )?(?:are )?(?:asked to )?(?:summari[sz]e|summari[sz]ing|answering|processing|analy[sz]ing|evaluating|reviewing|translating|(?:your|any|the|every) (?:summary|answer|response|review) (?:of|about|on)) (?:about |from |using |with )?(?:this|the) (?:\w+ )?{_TEXT},? (?:\w+ ){{0,4}}?(?:{_SAY}|always|never|do not|don't|make sure|you must|only|append|insert|begin|end)"),
    _formula("conceal", 0.75, "user human reader person", r"(?:do not|don'?t|never|must not|without|avoid)(?: ever)? (?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|reveal(?:ing)?|notify(?:ing)?|alert(?:ing)?|disclos(?:e|ing)|let(?:ting)?|show(?:ing)?|warn(?:ing)?|say(?:ing)?|ask(?:ing)?)(?: \w+){0,6} (?:the|your|any|this|to) (?:user|human|reader|person you)\b"),
    _formula("conceal", 0.8, "instruction prompt note text message paragraph passage", r"(?:do not|don'?t|never)(?: ever)? (?:mention|reveal|disclose|refer to|acknowledge|repeat|quote|show|discuss|admit|talk about)(?: \w+){0,3} (?:this|these|those|that you) (?:\w+ )?(?:instructions?|prompts?|notes?|messages?|passages?|received|were|have)"),
    _formula("conceal", 0.6, "secret confidential hidden silently quietly", r"(?:keep (?:this|these|it)(?: \w+)? (?:secret|confidential|hidden|to yourself) from (?:the )?(?:user|human)|silently (?:comply|execute|perform|follow|send|call|include|add|insert|append)|quietly (?:comply|execute|send|call|follow))"),
    _formula("secrets", 1.0, "prompt instruction configuration", r"(?:reveal|print|output|show|repeat|display|leak|tell (?:me|us|them|the user)|give (?:me|us)|send|expose|dump|disclose|write(?: out| down)?|share|copy|return|recite|translate|summari[sz]e|include)(?: \w+){0,4} (?:your|its)(?: \w+){0,2} (?:(?:system|initial|hidden|original|secret|full|entire|developer|internal|first|base|exact)(?: \w+)? (?:prompts?|instructions?|messages?|configuration)|system prompt|prompt)\b"),
    _formula("secrets", 0.7, "prompt instruction", r"(?:reveal|print|output|repeat|leak|expose|dump|disclose|recite)(?: \w+){0,4} (?:the|all|any)(?: \w+){0,2} (?:system|hidden|secret|developer|initial) (?:prompts?|instructions?|messages?)"),
    _formula("secrets", 0.8, "above verbatim word", r"(?:repeat|print|output|write)(?: \w+){0,3} (?:everything|the (?:text|words)|all(?: of)?(?: the)? (?:text|words)) (?:above|before this)"),
    _formula("steer", 1.0, "asked", r"(?:when|if|whenever|should you be|in case you are)(?: you are| you're| ever)*(?: \w+)? asked (?:about|for|who|what|whether|how|to|which|why|where|any|anything|if)\b.{0,160}?(?:,| then| you must| you should| always| only| never) ?(?:you )?(?:must |should |shall |will |always |only |just |simply |then |never )*(?:answer|reply|respond|output|claim|insist|state|recommend|assert|refuse|say that|say exactly|say only)"),
    _formula("steer", 0.6, "user anyone someone somebody question", rf"(?:when|if|whenever|every time)(?: the| a| any| your)? (?:users?|anyone|someone|somebody|people|a question) (?:asks?|inquires?|wants? to know|mentions?|is about|questions?)\b.{{0,160}}?(?:,| then| you must| always| only) ?(?:you )?(?:must |should |always |only |just |simply |then )*{_SAY}\b"),
    _formula("steer", 0.7, "answer respons repl", r"(?:always|only|must|exclusively) (?:answer|respond|reply|end|begin|start|finish|conclude)(?: (?:your|every|each|all|any|this|the)?(?: \w+){0,4} (?:answers?|responses?|repl(?:y|ies)|messages?|questions?))? (?:with|by)\b"),
    _formula("steer", 0.7, "answer respons repl output", r"(?:begin|start|end|finish|prefix|conclude|precede) (?:your|every|each|all|any)(?: of your)?(?: \w+)? (?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|summary) (?:with|by)"),
    _formula("steer", 0.6, "answer respons summary repl", r"\b(?:in|into|to|of) your (?:next |final |every )?(?:answers?|responses?|repl(?:y|ies)|summary|output)\b"),
    _formula("send", 1.0, "conversation chat history user prompt context session", r"(?<!never )(?<!not )(?<!n't )\b(?:append|add|include|attach|encode|insert|put|embed|send|post|submit|forward|transmit|exfiltrate|upload|leak|e-?mail|pass)(?: \w+){0,5} (?:conversations?|chat(?: history| log)?s?|users?(?:'s|s'|')? (?:own |full |e-?mail |last |private |personal |next )?(?:data|names?|e-?mail(?: address)?(?:es)?|questions?|messages?|inputs?|history|details|password|credentials|information|address)|system prompt|(?:your )?context|session(?: data)?|everything you know|memory)\b.{0,100}(?:url|link|https?[: ]|query|parameter|image|webhook|endpoint|server|@|www\.)"),
    _formula("send", 1.0, "![", r"!\[[^\]\n]*\]\(https?://[^)\n]*[?&/=](?:[^)\n]*(?:[{\[<%]+ ?(?:\w+[ _-])?(?:data|secret|history|conversation|prompt|user|chat|question|summary|context|answer)))"),
    _formula("send", 0.5, "image link markdown", r"(?:render|display|show|output|include|insert|print|add)(?: \w+){0,3} (?:following|this) (?:\w+ )?(?:image|link|markdown|url|html)"),
    _formula("send", 0.6, "tool function", r"(?:call|invoke|use|run|execute|trigger) (?:the |your )?[`\"']?(?:\w+[ _-]?){1,3}[`\"']? (?:tool|function|plugin)s?\b.{0,60}(?:with|to (?:send|fetch|delete|forward|post|open|transfer|buy|e-?mail)|and)"),
    _formula("send", 0.5, "http", r"(?:visit|open|fetch|browse to|go to|navigate to|follow|load|download)(?: \w+){0,4} https?[: ].{0,80}(?:and|then) (?:follow|do|execute|send|run|obey|read the instructions)"),
    _formula("rank", 0.6, "rank rate recommend prefer score list choose", r"(?:always )?(?:rank|rate|recommend|prefer|choose|select|score|list|promote|favou?r|place|present) (?:this|our|it|the following|only|\w+(?: \w+)?)(?: \w+){0,4} (?:first|above all|highest|as (?:the )?(?:best|top|number one|most)|over (?:all |any )?(?:other|its |the )?(?:\w+ )?(?:others|competitors?|alternatives?|candidates?)|at the top)"),
    _formula("rank", 0.7, "positive negative highest score rating", r"(?:give|assign|award|write|provide)(?: \w+){0,3} (?:only )?(?:a |an )?(?:positive|favou?rable|glowing|highest|perfect|top|maximum)(?: possible)? (?:review|score|rating|evaluation|assessment|mark)s?(?: only)?|do not (?:highlight|mention|list|point out|include)(?: \w+)? negatives?"),
    _formula("rank", 0.6, "candidate applicant paper", r"(?:recommend|accept|approve|hire|shortlist|advance|mark)(?: \w+){0,2} (?:this|the) (?:candidate|applicant|paper|manuscript|submission)(?: \w+){0,3}(?: as)? ?(?:accept|strong|qualified|best|excellent|immediately|without|exception|hire)?"),
    _formula("priority", 0.8, "overrid supersed precedence replace priority", r"(?:this|these|the following|my|new) (?:\w+ ){0,3}?(?:instructions?|messages?|texts?|rules?|directives?|prompts?|notes?|commands?) (?:\w+ )?(?:override|overrides|supersede|supersedes|take precedence|takes precedence|replace|replaces|have priority|has priority|have higher priority|has higher priority)"),
    _formula("priority", 0.7, "new updated real", r"(?:^|[.!:\n*#\[(<>=-] ?)(?:your )?(?:new|updated|real|actual|true) (?:system )?(?:instructions?|prompt|task|role|persona|objective|directives?|orders?) ?(?::|follow|is\b|are\b)"),
    _formula("priority", 0.7, "end begin start", r"(?:[-=#*<\[]{2,} ?|^ ?\[)(?:end|begin|start|beginning)(?: of)?(?: the)? (?:document|context|user (?:input|data|message)|system (?:prompt|message|instructions?)|instructions?|prompt|retrieved|untrusted|data|passages?)"),
    _formula("priority", 0.7, "system admin developer security", r"(?:^|[.!\n*#\[(<>=-] ?)(?:system|admin(?:istrator)?|developer|root|security)[ -](?:override|message|prompt|notice|instructions?|command|note)(?: \w+)? ?[:\])=-]"),
)

_TEMPLATES: Final = (
    _formula("priority", 0.6, "overrid supersed precedence replace", r"(?:override|supersede|take precedence over|replace)s?(?: \w+){0,3} (?:earlier|previous|prior|other|your|system|existing) (?:instructions|prompts?|guidelines|directives)"),
    _formula("priority", 1.0, "system admin developer", r"[\[<({] ?(?:system|admin(?:istrator)?|developer)[ _-](?:override|message|prompt|instructions?|command|note)\b"),
    _formula("role", 0.6, "uncensored unrestricted unfiltered jailbroken", r"\b(?:act as|pretend|be|become|are)\b.{0,30}(?:uncensored|unrestricted|unfiltered|jailbroken)"),
    _formula("conceal", 0.6, "received given", r"(?:that|which) you (?:have )?(?:received|were given|got|read|saw|found) (?:this|these|the|them|it|here)"),
    _formula("steer", 0.8, "always only exact", r"\b(?:always|only|exactly) (?:say|answer|reply|respond|recommend|claim|mention|state)\b"),
    _formula("template", 1.0, "<|", r"<\|? ?(?:im_start|im_end|im_sep|system|assistant|user|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|endofprompt|end|tool_call|channel|message|return) ?\|>"),
    _formula("template", 1.0, "inst] sys>> start_of_turn end_of_turn", r"(?:^|\n) ?(?:\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>)"),
    _formula("template", 0.6, "inst] sys>>", r"\[/?inst\]|<</?sys>>"),
    _formula("template", 0.8, "###", r"###+ ?(?:instructions?|system(?: prompt| message)?|response|assistant|human|user) ?:"),
    _formula("template", 0.8, "system assistant", r"(?:^|\n) ?[\[<]/?(?:system|assistant|system[ _]prompt|system[ _]message|instructions?)[\]>]"),
    _formula("template", 0.6, "system: assistant: human:", r"(?:^|\n) ?(?:system|assistant|human) ?: ?(?=[a-z])"),
    _formula("template", 1.0, "</", r"</(?:system|context|document|documents|user_input|retrieved|instructions?|user|data|passage|untrusted|tool_result|search_results?)> ?.{0,40}(?:ignore|now|new|system|you|instruction|assistant)"),
    _formula("template", 0.8, "tool_call function_call", r"<(?:tool_call|function_call|function=\w+|tool_use|invoke)[ >]"),
)

# For each language: override, role, concealment, addressee, secrets, steering.
_OTHERS: Final = (
    # German
    _formula("override", 1.0, "ignorier vergiss vergess missacht beacht uberschreib folg", r"(?:ignorier\w*|vergiss(?! nicht)|vergesst(?! nicht)|vergessen sie(?! nicht)|missacht\w*|uberschreib\w*|beachte\w*|folge\w*)\b.{0,40}\b(?:vorherig|vorig|bisherig|obig|fruher|vorangegangen|vorangehend|vorstehend|all|dein|ihre|urspr|system|sonstig)\w*.{0,30}(?:anweisung|instruktion|befehl|regel|vorgabe|prompt|richtlinie)\w*"),
    _formula("role", 0.6, "bist", r"\b(?:du bist (?:jetzt|nun|ab sofort|ab jetzt|nicht mehr|von nun an)|ab (?:sofort|jetzt) bist du|verhalte dich wie|tu so,? als)"),
    _formula("role", 0.5, "assistent ki- sprachmodell uneingeschrankt piraten filter", r"(?:\bki[- ]|assistent|sprachmodell|uneingeschrankt|unzensiert|pirat|ohne (?:filter|einschrankung|regeln))"),
    _formula("conceal", 0.8, "nutzer anwender", r"(?:sag|erzahl|verrat|teil|erwahn|informier|verschweig)\w*.{0,40}(?:nutzer|anwender)\w*.{0,20}(?:nicht|nichts|davon)|(?:nutzer|anwender)\w*.{0,12}(?:nicht|nichts).{0,20}(?:sagen|mitteilen|verraten|erfahren|erwahnen)"),
    _formula("addressee", 1.0, "ki sprachmodell assistent chatbot", r"\bals (?:ein |eine )?(?:ki|ki[- ]\w+|sprachmodell|assistent\w*|chatbot)\b.{0,30}\b(?:musst|sollst|wirst|darfst|hast) du|\b(?:hinweis|achtung|nachricht|anweisung)\w* (?:an|fur) (?:die |den |das |alle )?(?:ki|sprachmodell|assistent|chatbot)\w*"),
    _formula("secrets", 1.0, "prompt", r"(?:gib|zeig|nenn|verrat|schreib|wiederhol)\w*.{0,30}(?:dein|den|ihr)\w* (?:\w+ )?(?:system|ursprung)\w*[- ]?prompt"),
    _formula("steer", 1.0, "gefragt fragt", r"(?:wenn|falls|sobald)\b.{0,30}\b(?:gefragt|fragt)\b.{0,80}(?:antworte|erwidere|sage|behaupte|empfiehl|nenne)\b"),
    # French
    _formula("override", 1.0, "instruction consigne directive regle", r"(?<!n')\b(?:ignore[rz]?|oublie[rz]?|neglige[rz]?|contourne[rz]?|ne (?:tiens|tenez|suis|suivez) (?:pas|plus|aucun)\w*)\b.{0,40}(?:instruction|consigne|directive|regle)s?\b.{0,25}(?:precedent|anterieur|ci-dessus|ci-avant|recu|systeme|initial|d'origine|donnee)|(?:ignore[rz]?|oublie[rz]?)\b.{0,25}\b(?:tes|vos|precedentes) (?:\w+ )?(?:instruction|consigne|directive|regle)s?"),
    _formula("role", 0.6, "maintenant desormais", r"\b(?:tu es|vous etes) (?:maintenant|desormais|a present)|\bdesormais,? (?:tu es|vous etes|tu dois)|a partir de maintenant,? (?:tu|vous)"),
    _formula("role", 0.5, "assistant modele pirate", r"\b(?:assistant|une ia|modele de langage|pirate|sans (?:restriction|filtre|limite))"),
    _formula("conceal", 0.8, "utilisateur", r"\bn[e'] ?(?:le |lui |en )?(?:dis|dites|dire|revel\w*|mentionn\w*|parl\w*|inform\w*|previen\w*)\b.{0,40}utilisateur|sans (?:le )?(?:dire|prevenir|informer).{0,15}utilisateur"),
    _formula("addressee", 1.0, "tant attention message note", r"en tant qu[e']? ?(?:une? )?(?:ia|assistant|modele|chatbot|intelligence artificielle)\b.{0,40}(?:tu dois|vous devez|tu es|vous etes)|(?:message|instruction|note|attention)\w* (?:pour|a|aux) (?:l'|toute |les )?(?:ia|assistant|modele|intelligence artificielle)"),
    _formula("secrets", 1.0, "invite prompt instruction", r"(?:revele|affiche|montre|donne|ecri|repete)\w*.{0,30}(?:ton|votre|tes|vos) (?:\w+ )?(?:prompt|invite|instructions?)(?: systeme| initial)?"),
    _formula("steer", 1.0, "demande interroge", r"(?:si|quand|lorsqu)\w*[' ].{0,30}\b(?:demande|interroge)\w*\b.{0,80}\b(?:repond|dis |dites|affirme|recommande)\w*"),
    # Spanish
    _formula("override", 1.0, "instruccion ordenes indicacion regla directri", r"(?<!no )\b(?:ignora|ignore|ignorad|ignoren|olvida|olvide|olvidad|haz caso omiso|haga caso omiso|desestima|descarta|omite|no (?:sigas|tengas en cuenta))\b.{0,40}(?:instruccion|orden|indicacion|regla|directri)\w*.{0,25}(?:anterior|previ|de arriba|arriba|sistema|precedente|recibid|original)|(?:ignora|ignore|olvida|olvide)\b.{0,25}\b(?:tus|sus|anteriores) (?:\w+ )?(?:instruccion|orden|indicacion|regla|directri)\w*"),
    _formula("role", 0.6, "ahora adelante", r"\bahora (?:eres|actua como)|a partir de ahora,? (?:eres|debes|actua)|desde ahora,? (?:eres|debes)|en adelante,? (?:eres|debes)"),
    _formula("role", 0.5, "asistente modelo pirata", r"\b(?:asistente|una ia|modelo de lenguaje|pirata|sin (?:restriccion|filtro|limite))"),
    _formula("conceal", 0.8, "usuario", r"\bno (?:se lo |le |lo )?(?:digas|diga|cuentes|menciones|mencione|reveles|revele|informes|avises)\b.{0,40}usuario|sin (?:decir|informar|avisar)\w*.{0,15}usuario"),
    _formula("addressee", 1.0, "como atencion mensaje nota", r"como (?:un |una )?(?:asistente|modelo|ia|inteligencia artificial|chatbot)\b.{0,40}(?:debes|tienes que|debe usted)|(?:mensaje|instruccion|nota|atencion)\w* (?:para|a) (?:la |el |los |cualquier )?(?:ia|asistente|modelo|inteligencia artificial)"),
    _formula("secrets", 1.0, "prompt instruccion", r"(?:revela|muestra|imprime|escribe|repite|dime)\w*.{0,30}\b(?:tu|tus|su|sus) (?:\w+ )?(?:prompt|instruccion)\w*"),
    _formula("steer", 1.0, "pregunt", r"(?:cuando|si)\b.{0,30}pregunt\w*\b.{0,80}\b(?:responde|contesta|di que|afirma|recomienda)\b"),
    # Italian
    _formula("override", 1.0, "istruzion direttiv regol comand indicazion", r"(?<!non )\b(?:ignora|ignorate|ignori|dimentica|dimenticate|trascura|tralascia|non (?:seguire|considerare))\b.{0,40}(?:istruzion|direttiv|regol|comand|indicazion)\w*.{0,25}(?:precedent|anterior|sopra|sistema|ricevut|original)|(?:ignora|dimentica)\w*\b.{0,25}\b(?:tue|precedenti|vostre) (?:\w+ )?(?:istruzion|direttiv|regol|comand|indicazion)\w*"),
    _formula("role", 0.6, "sei", r"\b(?:ora|adesso|d'ora in poi|da adesso) (?:sei|devi|agisci)|\bsei ora\b"),
    _formula("role", 0.5, "assistente modello pirata", r"\b(?:assistente|un'ia|modello linguistico|pirata|senza (?:restrizion|filtr|limit))"),
    _formula("conceal", 0.8, "utente", r"\bnon (?:lo )?(?:dire|dirlo|rivelare|rivelarlo|menzionare|informare|parlarne)\b.{0,40}utente|senza (?:dir|informar|avvisar)\w*.{0,15}utente"),
    _formula("addressee", 1.0, "come attenzione messaggio nota", r"(?:come|in quanto) (?:un |una )?(?:assistente|modello|ia|intelligenza artificiale|chatbot)\b.{0,40}(?:devi|dovete)|(?:messaggio|istruzioni|nota|attenzione)\w* (?:per|a|all)[ ']*(?:l'|la |il |gli |ogni )?(?:ia|assistente|modello|intelligenza artificiale)"),
    _formula("secrets", 1.0, "prompt istruzion", r"(?:rivela|mostra|stampa|scrivi|ripeti|dimmi)\w*.{0,30}\b(?:tuo|tue|il tuo|le tue|vostro) (?:\w+ )?(?:prompt|istruzion)\w*"),
    _formula("steer", 1.0, "chied chiest", r"(?:quando|se)\b.{0,30}(?:chied|chiest)\w*\b.{0,80}\b(?:rispondi|di' che|afferma|consiglia|raccomanda)\b"),
    # Portuguese
    _formula("override", 1.0, "instruc orden regra diretri comando", r"(?<!nao )\b(?:ignore|ignora|ignorem|esqueca|esquece|desconsidere|desconsidera|descarte|nao siga)\b.{0,40}(?:instruc|orden|regra|diretri|comando)\w*.{0,25}(?:anterior|previ|acima|sistema|recebid|origina)|(?:ignore|ignora|esqueca)\b.{0,25}\b(?:suas|tuas|anteriores) (?:\w+ )?(?:instruc|orden|regra|diretri|comando)\w*"),
    _formula("role", 0.6, "agora", r"\b(?:agora (?:voce e|tu es|es|atue como)|a partir de agora,? (?:voce|tu|deve|responda)|voce agora e)\b"),
    _formula("role", 0.5, "assistente modelo pirata", r"\b(?:uma ia|modelo de linguagem|pirata|sem (?:restric|filtro|limite))"),
    _formula("conceal", 0.8, "usuario utilizador", r"\bnao (?:o |lhe )?(?:diga|digas|conte|contes|revele|mencione|informe|avise)\b.{0,40}(?:usuario|utilizador)|sem (?:dizer|informar|avisar).{0,15}(?:usuario|utilizador)"),
    _formula("addressee", 1.0, "como atencao mensagem nota", r"como (?:um |uma )?(?:assistente|modelo|ia|inteligencia artificial|chatbot)\b.{0,40}(?:voce deve|deves|tem de|tens de|deve )|(?:mensagem|instrucoes|nota|atencao)\w* (?:para|a) (?:a |o |os |qualquer )?(?:ia|assistente|modelo|inteligencia artificial)"),
    _formula("secrets", 1.0, "prompt instruc", r"(?:revele|mostre|imprima|escreva|repita|diga)\w*.{0,30}\b(?:seu|suas|teu|tuas) (?:\w+ )?(?:prompt|instruc)\w*"),
    _formula("steer", 1.0, "pergunt", r"(?:quando|se)\b.{0,30}pergunt\w*\b.{0,80}\b(?:responda|responde|diga que|afirme|recomende)\b"),
    # Dutch
    _formula("override", 1.0, "instructie opdracht aanwijzing regel richtlijn prompt", r"(?:negeer|vergeet(?! niet)|omzeil|volg)\b.{0,30}\b(?:vorige|voorgaande|eerdere|bovenstaande|alle|je|jouw|uw|oorspronkelijke)\b.{0,30}(?:instructie|opdracht|aanwijzing|richtlijn|prompt|systeemregel)\w*"),
    _formula("role", 0.6, "bent", r"\b(?:je|jij|u) bent (?:nu|vanaf nu|voortaan|niet langer)|vanaf nu (?:ben je|bent u|moet je)|gedraag je als"),
    _formula("role", 0.5, "assistent taalmodel piraat", r"\b(?:ai-?assistent|taalmodel|piraat|zonder (?:beperking|filter|regels))"),
    _formula("conceal", 0.8, "gebruiker", r"(?:vertel|zeg|onthul|vermeld|meld|informeer)\w*.{0,40}gebruiker.{0,20}(?:niet|niets)|(?:vertel|zeg|onthul|vermeld|meld)\w*.{0,20}(?:niet|niets).{0,15}gebruiker"),
    _formula("addressee", 1.0, "als bericht instructie let", r"\bals (?:een )?(?:ai|ai-?assistent|assistent|taalmodel|chatbot)\b.{0,20}(?:moet|dien|zul|mag)\w* (?:je|jij|u)|(?:bericht|instructie|opmerking)\w* (?:voor|aan) (?:de |het |elke )?(?:ai|assistent|taalmodel)"),
    _formula("steer", 1.0, "gevraagd vraagt", r"(?:als|wanneer)\b.{0,30}(?:gevraagd|vraagt)\b.{0,80}\b(?:antwoord|zeg dat|beweer|beveel)\b"),
    # Polish
    _formula("override", 1.0, "ignoruj zapomnij pomin zwracaj", r"(?<!nie )\b(?:zignoruj\w*|ignoruj\w*|zapomnij\w*|pomin\w*|nie zwracaj uwagi)\b.{0,40}(?:poprzedni|wczesniejsz|powyzsz|wszystki|swoj|twoj|systemow|dotychczas)\w*.{0,30}(?:instrukcj|polecen|zasad|regu|wytyczn|prompt|komend)\w*"),
    _formula("role", 0.6, "jestes", r"\b(?:jestes (?:teraz|od teraz)|teraz jestes|od teraz jestes|od tej chwili jestes|od teraz (?:musisz|odpowiadaj))"),
    _formula("role", 0.5, "asystent model pirat", r"\b(?:asystent\w*|modelem? jezykow\w*|sztuczn\w* inteligencj\w*|pirat\w*|bez (?:ogranicze|filtr))"),
    _formula("conceal", 0.8, "uzytkownik", r"\bnie (?:mow|informuj|wspominaj|ujawniaj|zdradzaj|powiadamiaj)\w*\b.{0,40}uzytkownik"),
    _formula("addressee", 1.0, "jako wiadomosc uwaga instrukcja", r"\bjako (?:asystent|model|ai|sztuczna inteligencja|chatbot)\b.{0,40}(?:musisz|masz|powinienes)|(?:wiadomosc|uwaga|instrukcj\w*) (?:do|dla) (?:ai|asystent|model|sztucznej)\w*"),
    _formula("steer", 1.0, "pyta zapyta", r"(?:gdy|kiedy|jesli|jezeli)\b.{0,30}(?:zapyta|pyta)\w*\b.{0,80}\b(?:odpowiedz|odpowiadaj|powiedz|polec)\b"),
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
    _formula("role", 0.5, "助手 助理 模型 人工智能 ai 限制", r"(?:助手|助理|语言模型|語言模型|人工智能|没有(?:任何)?限制|不受限制|海盗)"),
    _formula("conceal", 0.8, "用户 用戶 使用者", r"(?:不要|不得|切勿|别|別)(?:告诉|告訴|透露|提及|让|讓|通知|向).{0,10}(?:用户|用戶|使用者)"),
    _formula("addressee", 1.0, "作为 作為 致 注意", r"作[为為](?:一个|一個|一名)?(?:人工智能|ai|语言模型|語言模型|大模型|助手)\S{0,6}.{0,10}(?:必须|必須|应该|應該|需要|请|請|要)|(?:致|给|給)(?:所有)?(?:ai|人工智能|语言模型|大模型).{0,6}[:：,，]"),
    _formula("secrets", 1.0, "提示", r"(?:输出|輸出|透露|显示|顯示|泄露|告诉我|告訴我|重复|重複|打印|说出).{0,10}(?:系统|系統|初始|你的).{0,4}(?:提示|指令)|(?:系统提示|系統提示).{0,10}(?:输出|透露|显示|泄露|发送)"),
    _formula("steer", 1.0, "问 問", r"(?:当|當|如果|若|每当|凡).{0,10}(?:问|問|询问|詢問|提问).{0,40}(?:请|請|必须|必須|只能|都要|一律|就).{0,6}(?:回答|回复|回覆|答复|说|說|推荐|推薦)"),
    # Japanese
    _formula("override", 1.0, "無視 忘れ 破棄 従わ", r"(?:以前|これまで|今まで|上記|前述|以上|先ほど|すべて|全て|あなた|システム|元)(?:の|まで).{0,12}(?:指示|命令|プロンプト|ルール|規則|指令|設定).{0,8}(?:無視|忘れ|破棄|従わな)"),
    _formula("role", 0.7, "あなた", r"あなたは(?:今から|これから|今後|もはや|いまや|今や)|今からあなたは|これからあなたは"),
    _formula("role", 0.5, "アシスタント モデル 制限 ai", r"(?:アシスタント|言語モデル|人工知能|制限のない|海賊)"),
    _formula("conceal", 0.8, "ユーザー 利用者", r"(?:ユーザー|利用者)に(?:は)?.{0,20}(?:言わな|伝えな|教えな|知らせな|明かさな|話さな)"),
    _formula("addressee", 1.0, "として への", r"(?:ai|アシスタント|言語モデル|人工知能|チャットボット)として.{0,24}(?:しなければ|してください|べき|必ず|せよ)|(?:ai|言語モデル|アシスタント)への(?:指示|注意|メッセージ)"),
    _formula("secrets", 1.0, "プロンプト 指示", r"(?:システムプロンプト|初期指示|内部の指示).{0,10}(?:出力|表示|開示|教え|明かし|公開)"),
    _formula("steer", 1.0, "聞かれ 尋ねられ 質問され", r"(?:聞かれ|尋ねられ|質問され).{0,40}(?:と答え|と回答|と返答|勧め|推薦)"),
    # Korean, Arabic, Turkish: the main formula.
    _formula("override", 1.0, "무시 잊", r"(?:이전|위의|앞의|앞선|모든|기존|지금까지).{0,12}(?:지시|명령|프롬프트|지침|규칙).{0,8}(?:무시|잊)"),
    _formula("override", 1.0, "تجاهل انس", r"(?:تجاهل|انس|انسى).{0,30}(?:التعليمات|الاوامر|التوجيهات|تعليماتك|تعليمات)"),
    _formula("override", 1.0, "talimat komut kural", r"(?:onceki|yukaridaki|tum|butun).{0,30}(?:talimat|komut|kural|yonerge)\w*.{0,20}(?:yok say|gormezden gel|unut|dikkate alma)\w*"),
)

FORMULAS: Final = (*_ENGLISH, *_TEMPLATES, *_OTHERS)
STEMS: Final = tuple(sorted({need for formula in FORMULAS for need in formula.needs}, key=len))
