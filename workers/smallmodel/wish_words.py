"""Words by which a wish is told from what is only said, in English, German, French and Spanish.

They are lists of habits of speech, not grammars: what they miss stays in one piece, which is the safe side.
"""

import re
from typing import Final

_QUESTION_WORDS: Final = (
    "how|what|when|where|which|who|whom|whose|why|what's|how's|where's|who's|when's",
    "wie|was|wann|wo|woher|wohin|welche|welcher|welches|welchen|welchem|wer|wen|wem|warum|wieso|weshalb|wieviel"
    "|wieviele|worauf|womit|wofür|woran|wozu|bis wann|ab wann|seit wann|für wen|in welche[rmns]?|an wen|mit wem",
    "comment|combien|quand|où|qui|que|quel|quelle|quels|quelles|pourquoi|quoi|qu'est-ce|est-ce|à quelle?|à qui"
    "|jusqu'à quand|dans quelle?|à partir de quand|d'où",
    "cómo|como|cuánto|cuánta|cuántos|cuántas|cuantos|cuantas|cuando|cuándo|dónde|donde|qué|quién|quiénes|cuál"
    "|cuáles|por qué|a quién|a qué|hasta cuándo|de dónde|con quién|en qué|para qué",
)
_ASKING_VERBS: Final = (
    r"(?:can|could|will|would|should|shall|may|must|do|does|did|is|are|am|was|were|has|have|had|isn't|aren't|don't"
    r"|doesn't|can't|won't) (?:i|you|we|they|he|she|it|there|the|a|an|my|our|your|this|that|these|those|any|somebody"
    r"|someone|anyone|it's)",
    r"(?:kann|kannst|könnt|könnte|könntest|können|könnten|darf|dürfen|muss|müssen|soll|sollte|sollen|will|willst"
    r"|habe?|hast|hat|haben|ist|sind|bin|bist|war|wird|werden|würde|würdest|brauche?|brauchen|gibt|gilt|bekomme"
    r"|bekommt|bekommen|kriege?|steht|zahlt|lohnt|weißt|wissen|reicht) (?:ich|du|wir|sie|er|es|man|ihr|mir|uns|sich"
    r"|der|die|das|den|ein|eine|einen|mein|meine|unser|unsere|jemand)",
    r"(?:puis-je|peux-tu|pouvez-vous|peut-on|pourrais-tu|pourriez-vous|dois-je|faut-il|doit-on|y a-t-il|ai-je|as-tu"
    r"|avez-vous|suis-je|sais-tu|savez-vous|est-il|est-elle|a-t-on|est-ce qu\S+|est-ce)",
    r"(?:puedo|puedes|puede|podemos|podrías|podría|pueden|tengo que|tenemos que|debo|hay|es posible|tienes|sabes"
    r"|me puedes|me podrías|hace falta)",
)
_ORDERS: Final = (
    r"(?:please|pls|can you|could you)|(?:write|find|tell|show|give|make|check|explain|translate|book|plan|suggest"
    r"|recommend|help|look up|search|draft|list|compare|correct|fix|create|summari[sz]e|calculate|send|order|reserve"
    r"|cancel|remind|review|read|draw|prepare|propose|rewrite|set up|work out|name)(?! (?:is|was|are|were)\b)",
    r"(?:bitte|schreib|schreibe|such|suche|sag|sage|zeig|zeige|gib|mach|mache|prüf|prüfe|erklär|erkläre|übersetze?"
    r"|buche?|plane?|empfiehl|hilf|vergleiche?|korrigiere?|erstelle?|fasse?|berechne|sende?|bestelle?|reserviere"
    r"|storniere|nenne|lies|entwirf|schlag|schau)",
    r"(?:s'il te plaît|s'il vous plaît|écris|écrivez|trouve|trouvez|dis-moi|dites-moi|montre|donne|fais|faites"
    r"|vérifie|explique|expliquez|traduis|traduisez|réserve|réservez|propose|recommande|aide|compare|corrige|crée"
    r"|résume|calcule|envoie|commande|annule|cherche|prépare|planifie|rédige|rédigez)",
    r"(?:por favor|escribe|escríbeme|busca|búscame|dime|dame|muéstrame|haz|hazme|revisa|explica|explícame|traduce"
    r"|reserva|propón|recomienda|recomiéndame|ayúdame|compara|corrige|crea|resume|calcula|envía|pide|cancela|prepara"
    r"|planifica|redacta|cuéntame|sugiere)",
)
_WANTS: Final = (
    r"i(?:'d| would)? (?:also |still |urgently |really )?(?:need|want|like to|have to|must|am looking for)"
    r"|i'm (?:also )?looking for|we (?:also )?need|we(?:'d like| want)",
    r"(?:ich|wir) (?:brauche?n?|suchen?|möchten?|will|wollen|hätten?|würden?)"
    r"|(?:brauche?|suche?|möchte) (?:auch |noch )?(?:ich|wir|ein|eine|einen)",
    r"(?:je|j'|nous|on) ?(?:veux|voudrais|cherche|voulons|voudrions|ai besoin|aimerais|dois|cherchons|avons besoin)",
    r"(?:necesito|quiero|quisiera|busco|me gustaría|necesitamos|queremos|buscamos|querría)",
)
_EMBEDDING: Final = (
    r"tell me|show me|explain|know|wonder|ask|understand|see|idea|say|remember|check|find out|sure|depends?|decide",
    r"sag\w*|erklär\w*|weiß\w*|wissen|frag\w*|versteh\w*|verstehen|zeig\w*|prüf\w*"
    r"|kommt darauf|erfahren|herausfinden",
    r"dis-moi|dites-moi|dire|sais|sait|savoir|savez-vous|sais-tu|explique\w*|demande|comprends?|comprendre|montre\w*",
    r"dime|decirme|decir|sé|sabes?|saber|explica\w*|explícame|pregunto|entiendo|entender|muéstrame",
)
_JOINTS: Final = (
    "and also|and then|and|also|plus|as well as|and by the way|oh and|besides|another thing",
    "und außerdem|und dann|und auch|und noch|und|außerdem|zusätzlich|sowie|nebenbei",
    "et aussi|et puis|et ensuite|et|aussi|puis|de plus|en plus|par ailleurs",
    "y también|y además|y luego|y|e|también|además|por otro lado|aparte",
)
_ADDITIONS: Final = (
    r"and also|oh and|also|additionally|besides|furthermore|moreover|plus|and|by the way|btw"
    r"|another (?:question|thing)|one more (?:question|thing)|second(?:ly)?|third(?:ly)?|finally|separately|next"
    r"|on another note|apart from that",
    r"und außerdem|und noch|außerdem|und|zudem|zusätzlich|ferner|noch (?:etwas|eine frage|was)|übrigens|zweitens"
    r"|drittens|nebenbei|dann noch|weiterhin|abgesehen davon",
    r"et aussi|aussi|et|de plus|en plus|par ailleurs|en outre|autre (?:question|chose)|encore une question"
    r"|deuxièmement|enfin|ensuite|au fait|puis",
    r"y también|y además|además|también|y|por otra parte|por otro lado|otra (?:pregunta|cosa)|una cosa más|segundo"
    r"|por último|por cierto|luego|aparte",
)
_PLEASANTRY: Final = (
    r"hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|dear \w+|thanks?|thank you|thx|cheers"
    r"|thanks (?:a lot|so much|in advance|again)|thank you (?:so|very) much"
    r"|bye|ta|many thanks|please help( me)?|i have (?:\w+ )?questions?|(?:kind |best )?regards"
    r"|hope you(?:'re| are) well",
    r"hallo|guten (?:morgen|tag|abend)|moin|servus|danke|vielen dank|danke (?:schon mal|im voraus|dir)"
    r"|besten dank|grüße|liebe grüße|viele grüße|ich habe (?:\w+ )?fragen?|bitte um hilfe|hi zusammen|hallo zusammen",
    r"bonjour|bonsoir|salut|coucou|merci|merci (?:d'avance|beaucoup|bien)|cordialement|j'ai (?:\w+ )?questions?",
    r"hola|buenos días|buenas(?: tardes| noches)?|gracias|muchas gracias|gracias de antemano|un saludo|saludos"
    r"|tengo (?:\w+ )?(?:preguntas?|dudas?)",
)
_REFERS: Final = (
    r"it|its|them|they|their|this|these|those|that|he|she|him|her",
    r"es(?! gibt)|ihn|ihm|dafür|damit|davon|daran|dazu|darin|darüber|dort|dessen|diese[rsnm]?|dies",
    r"ça|cela|celui-ci|celle-ci|lui|leur|celui-là",
    r"eso|esto|ello|allí|ahí|ese|esa|esos|esas|lo",
)


def _any(tables: tuple[str, ...]) -> str:
    return "(?:" + "|".join(tables) + ")"


_END: Final = r"(?![\w'’-])"
QUESTION: Final = re.compile(rf"(?:{_any(_QUESTION_WORDS)}){_END}", re.IGNORECASE)
ASKS: Final = re.compile(rf"{_any(_ASKING_VERBS)}{_END}", re.IGNORECASE)
ORDERS: Final = re.compile(rf"{_any(_ORDERS)}{_END}", re.IGNORECASE)
WANTS: Final = re.compile(rf"{_any(_WANTS)}{_END}", re.IGNORECASE)
EMBEDDING: Final = re.compile(rf"(?<!\w){_any(_EMBEDDING)}{_END}", re.IGNORECASE)
JOINT: Final = re.compile(rf"(?:\s*[,;–—]\s*|\s+)(?P<joint>{_any(_JOINTS)})[,:]?\s+", re.IGNORECASE)
ADDITION: Final = re.compile(rf"(?:{_any(_ADDITIONS)}){_END}[\s,:–—-]*", re.IGNORECASE)
PLEASANTRY: Final = re.compile(rf"(?:{_any(_PLEASANTRY)})(?:[\s,!.:–-]+\w+)?[\s,!.:–-]*$", re.IGNORECASE)
REFERS: Final = re.compile(rf"(?<!\w){_any(_REFERS)}{_END}", re.IGNORECASE)
# "how I must register", "wie ich das mache", "comment je fais": a clause inside another sentence, no question.
CLAUSE: Final = re.compile(
    rf"(?:{_any(_QUESTION_WORDS)})\s+(?:i|you|we|they|he|she|it|ich|du|wir|er|es|sie|man|je|tu|il|elle|on|nous|vous"
    r"|ils|to|zu)(?!\w)",
    re.IGNORECASE,
)
# Where the verb comes before the one who acts, it is a question of its own even after "tell me".
INVERTED: Final = re.compile(
    r"(?<!\w)(?:(?:do|does|did|is|are|can|could|should|will|would|have|has|must|may|am) (?:i|you|we|they|he|she|it"
    r"|the|my|our|there)|(?:habe|kann|muss|darf|soll|ist|sind|haben|können|müssen|dürfen|bekomme|brauche|gibt|hat|kostet|"
    r"steht|stehen) (?:ich|du|wir|er|sie|es|man|der|die|das|mir|uns|mein|meine))(?!\w)",
    re.IGNORECASE,
)
# In front of a list: "I have three questions:"; anything else before a colon is an order about the list.
ANNOUNCES: Final = re.compile(
    r"(?<!\w)(?:questions?|things|points|requests|help|wishes|tasks|to-?dos?|following|fragen|dinge|punkte|anliegen"
    r"|aufgaben|hilfe|choses|demandes|aide|preguntas|cosas|dudas|ayuda|peticiones)(?!\w)",
    re.IGNORECASE,
)
