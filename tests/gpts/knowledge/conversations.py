"""Conversations whose last question is to find one section, in seven languages.

Each line of the two text files: the corpus; the turns before, as "question / answer"; the last question; the heading
of the section that answers it. Follow-ups lean on what was said; new topics must find what they find alone.
"""

from pathlib import Path
from typing import Final

# The sections of other languages than English; English ones are files of sample GPTs, past and present.
SECTIONS: Final = {
    "de": {
        "Urlaub": "Jede Angestellte hat 28 Tage bezahlten Urlaub im Jahr. Urlaub verfällt Ende März.",
        "Krankheit": "Wer krank ist, meldet sich vor neun Uhr. Ab dem dritten Tag ist ein Attest nötig.",
        "Filter der Pumpe": "Der Saugfilter der Pumpe kostet 35 Euro und wird alle 200 Stunden gereinigt.",
        "Dichtung der Pumpe": "Die Wellendichtung der Pumpe kostet 80 Euro und hält etwa 4.000 Stunden.",
        "Kantine": "Die Kantine öffnet um elf Uhr. Ein Mittagessen kostet 6 Euro.",
    },
    "fr": {
        "Congés": "Chaque salarié a 25 jours de congés payés par an, à poser deux semaines à l'avance.",
        "Maladie": "En cas de maladie, un certificat médical est demandé après trois jours.",
        "Le filtre": "Le filtre de la pompe coûte 35 euros et se nettoie toutes les 200 heures.",
        "Le joint": "Le joint de la pompe coûte 80 euros et dure environ 4 000 heures.",
        "Cantine": "La cantine ouvre à midi. Un repas coûte 6 euros.",
    },
    "es": {
        "Vacaciones": "Cada empleado tiene 25 días de vacaciones al año, que se piden con dos semanas de antelación.",
        "Enfermedad": "En caso de enfermedad se necesita un certificado médico a partir del tercer día.",
        "El filtro": "El filtro de la bomba cuesta 35 euros y se limpia cada 200 horas.",
        "La junta": "La junta de la bomba cuesta 80 euros y dura unas 4000 horas.",
        "Comedor": "El comedor abre a las dos. La comida cuesta 6 euros.",
    },
    "it": {
        "Ferie": "Ogni dipendente ha 25 giorni di ferie all'anno, da chiedere due settimane prima.",
        "Malattia": "In caso di malattia serve un certificato medico dal terzo giorno.",
        "Il filtro": "Il filtro della pompa costa 35 euro e si pulisce ogni 200 ore.",
        "La guarnizione": "La guarnizione della pompa costa 80 euro e dura circa 4000 ore.",
        "Mensa": "La mensa apre a mezzogiorno. Un pranzo costa 6 euro.",
    },
    "pt": {
        "Férias": "Cada funcionário tem 25 dias de férias por ano, pedidos com duas semanas de antecedência.",
        "Doença": "Em caso de doença é preciso um atestado médico a partir do terceiro dia.",
        "O filtro": "O filtro da bomba custa 35 euros e limpa-se a cada 200 horas.",
        "A junta": "A junta da bomba custa 80 euros e dura cerca de 4000 horas.",
        "Cantina": "A cantina abre ao meio-dia. O almoço custa 6 euros.",
    },
    "nl": {
        "Verlof": "Elke medewerker heeft 25 dagen verlof per jaar, twee weken vooraf aan te vragen.",
        "Ziekte": "Bij ziekte is na drie dagen een verklaring van de arts nodig.",
        "Het filter": "Het filter van de pomp kost 35 euro en wordt elke 200 uur gereinigd.",
        "De afdichting": "De afdichting van de pomp kost 80 euro en gaat 4000 uur mee.",
        "Kantine": "De kantine opent om twaalf uur. Een lunch kost 6 euro.",
    },
}

_HERE: Final = Path(__file__).parent
FOLLOW_UPS: Final = (_HERE / "follow_ups.txt").read_text("utf-8")
NEW_TOPICS: Final = (_HERE / "new_topics.txt").read_text("utf-8")
