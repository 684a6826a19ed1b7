"""What a request for a picture asks for: its subject without the asking around it, and a shape named in words."""

import re
from typing import Final

# Polite openings, which may stand before the verb and before one another.
_OPENINGS: Final = (
    "please|pls|hey|hi|hello|ok(?:ay)?|now|(?:can|could|would|will) you(?: please)?|i want you to|go ahead and",
    "let'?s",
    "i(?:'d| would) (?:like|love)(?: you)? to",
    "bitte|(?:kannst|könntest|würdest) du(?: mir| uns)?(?: bitte)?|hallo",
    "s'il (?:te|vous) pla[iî]t|(?:peux|pourrais)-tu|(?:pouvez|pourriez)-vous|bonjour",
    "por favor|puedes|podrías|puede|podría|hola|per favore|puoi|potresti|ciao|você pode|pode|poderia|olá",
    "пожалуйста|можешь",
)
_PICTURE: Final = (
    "(?:picture|image|photo(?:graph)?|drawing|painting|illustration|sketch|pic|artwork|visuali[sz]ation"
    "|render(?:ing)?)s?"
)
_BILD: Final = "(?:bild|foto|zeichnung|gemälde|illustration|grafik|skizze)(?:er|s)?"
_ROMANCE: Final = (
    "(?:image|photo|dessin|illustration|peinture|imagen|foto|dibujo|ilustración|pintura|immagine|disegno"
    "|illustrazione|imagem|desenho|ilustração)(?:e?s)?"
)
_FOR_ME: Final = "(?: (?:me|us|for me))?"
# The asking itself, in its whole: a verb with what it may take along; longer ones first.
_ASKINGS: Final = (
    rf"(?:draw|paint|sketch|illustrate|depict|render|visuali[sz]e){_FOR_ME}"
    rf"(?: (?:a|an|the|some|\w+) {_PICTURE} (?:of|showing|with))?",
    rf"(?:make|create|generate|produce|design|give|show|do|get|i need|i want|i'd like){_FOR_ME}"
    rf"(?: (?:a|an|the|another|one|some|\w+))?(?: \w+)? ?{_PICTURE} (?:of|showing|with|that shows|where)",
    rf"(?:make|create|generate|design|imagine){_FOR_ME}",
    rf"(?:a |an )?{_PICTURE} of",
    rf"(?:zeichne?|male?|skizziere?|illustriere?)(?: (?:mir|uns))?(?: ein(?:e)? {_BILD} (?:von|mit|vom))?",
    "(?:mache?|erstelle?|erzeuge?|generiere?|entwirf|gib|zeige?|ich (?:möchte|brauche|hätte gern))(?: (?:mir|uns))?"
    rf"(?: ein(?:e|en)?)? {_BILD}(?: (?:von|mit|vom))?",
    "(?:mache?|erstelle?|erzeuge?|generiere?|entwirf)(?: (?:mir|uns))?",
    rf"ein(?:e)? {_BILD} (?:von|mit|vom)",
    "(?:(?:me )?dessiner|dessine|peins|dessinez|peignez)(?:[- ](?:moi|nous))?",
    "(?:dibuja|dibújame|dibujame|dibujar(?:me)?|pinta|píntame|pintame|pintar(?:me)?|dibuje)",
    "(?:disegna|disegnami|disegnare|disegnarmi|dipingi|dipingimi|desenhe|desenha|desenhar|pinte|pintar)",
    "(?:crée|créez|créer|génère|générez|fais|faites|faire|crea|crear|genera|haz|hazme|hacer(?:me)?|créame|fai|fare"
    "|fai|fammi|creami|crie|gere|faça|fazer)(?:[- ](?:moi|me|mi))?"
    rf"(?: (?:une?|un|una|um|uma))? {_ROMANCE} (?:de la|de l'|de|du|des|d'|del|di|da|do|con|avec)",
    "(?:нарисуй(?:те)?|нарисовать|изобрази(?:те)?)(?: мне)?",
    "(?:создай(?:те)?|сгенерируй(?:те)?|сделай(?:те)?)(?: мне)? (?:картинку|изображение|рисунок)",
)
_OPENING: Final = re.compile(
    rf"^(?:{'|'.join(_OPENINGS)})\b[\s,:!]*|^[¿¡\s]+|^(?:请你|请|帮我|你能|能不能)", re.IGNORECASE
)
_ASKING: Final = re.compile(rf"^(?:{'|'.join(_ASKINGS)})(?=$|[\s:,]|(?<=['’]))[\s:,]*", re.IGNORECASE)
# Where a German question puts its verb.
_FINAL_VERB: Final = re.compile(r" (?:machen|zeichnen|malen|erstellen|erzeugen|generieren)$")
_THANKS: Final = (
    "please|pls|for me|thanks|thank you|bitte|danke|s'il (?:te|vous) pla[iî]t|merci|por favor|gracias|per favore"
    "|grazie|obrigad[oa]|пожалуйста|спасибо"
)
_CLOSING: Final = re.compile(rf"[\s,]*(?:,? ?\b(?:{_THANKS})\b|[.?!。?!])+$", re.IGNORECASE)
# Chinese and Japanese put no spaces; the asking stands around the subject.
_CHINESE: Final = re.compile(
    "^(?:画|绘制|生成|做|创作)出?我?(?:一?[张幅个只条])?"
    "(?:(.+?)的(?:图片|图像|画|照片)|(?:图片|图像|画)[:: ]?(.+)|(.+))$"
)
_JAPANESE: Final = re.compile(
    "^(.+?)(?:の(?:絵|画像|イラスト|写真|図))?を(?:描いて|作って|作成して|生成して)(?:ください|下さい|くれますか)?$"
)
# Size -> words for its shape, those of space-separated languages whole.
_SHAPES: Final[dict[str, tuple[str, str]]] = {
    "512x512": (
        r"(?:small|tiny|klein(?:es?)?|petite|pequeña|piccola) (?:\w+ )?(?:picture|image|bild|imagen)|icon",
        "",
    ),
    "768x1024": (
        "portrait (?:format|orientation|mode|shape)|in portrait|upright format|vertical(?:ly)?|tall (?:picture|image)"
        "|hochformat|format portrait|en vertical|in verticale|na vertical",
        "竖版|竖屏|縦長|вертикальн",
    ),
    "1024x768": (
        "landscape (?:format|orientation|mode|shape)|in landscape|wide(?:screen)?|horizontal(?:ly)?|panoram(?:a|ic)"
        "|banner|querformat|breitbild|format paysage|apaisado|en horizontal|in orizzontale|na horizontal",
        "横版|横屏|横長|горизонтальн",
    ),
    "1024x1024": (
        "square|quadratisch(?:es?)?|carrée?|cuadrad[oa]|quadrat[oa]|quadrad[oa]",
        "正方形|方形|квадратн",
    ),
}
_SIZES: Final = ("512x512", "768x768", "1024x1024", "1024x768", "768x1024")


def prompt_from(question: str) -> str:
    """What the picture should show: "Draw me a red fox, please" gives "a red fox"; all of it where unsure."""
    whole = " ".join(question.split())
    text = _CLOSING.sub("", whole)
    while (rest := _OPENING.sub("", text)) != text:
        text = _FINAL_VERB.sub("", rest)
    if match := _CHINESE.match(text) or _JAPANESE.match(text):
        text = next(group for group in match.groups() if group)
    else:
        text = _ASKING.sub("", text)
    return text.strip(' ,:;"“”„«»') or whole


def size_from(question: str) -> str:
    """The size, as the tool takes it, whose shape the question names ("in portrait format"); empty for none."""
    if exact := re.search(r"\b(\d{3,4})\s*[x×*]\s*(\d{3,4})\b", question):
        size = f"{exact[1]}x{exact[2]}"
        return size if size in _SIZES else ""
    return next((size for size, (words, parts) in _SHAPES.items() if _names(question, words, parts)), "")


def _names(question: str, words: str, parts: str) -> bool:
    spaced = re.search(rf"\b(?:{words})\b", question, re.IGNORECASE)
    return bool(spaced or (parts and re.search(parts, question, re.IGNORECASE)))
