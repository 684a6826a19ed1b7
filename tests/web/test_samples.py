"""The sample GPTs of a new site: within the form's limits, readable, and able to answer their starters."""

import io
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.utils.text import slugify

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import MAX_DELEGATES, WHEN_CHARS, GptSpec
from web import builder
from web.builder.faces import MARKS
from web.builder.management.commands.createsamples import knowledge_paths

SAMPLES = Path(builder.__file__).parent / "samples"
FORMS: dict[str, dict[str, Any]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*/gpt.toml"))
}
SLUGS = list(FORMS)
WITH_TOOLS = [slug for slug in SLUGS if "capabilities" in FORMS[slug]]
DELEGATING = [slug for slug in SLUGS if "delegates" in FORMS[slug]]
FROM_FILES = [slug for slug in SLUGS if slug not in (*WITH_TOOLS, *DELEGATING)]
# The guide knows the documentation pages, so it alone has more files and words than a sample needs.
MOST_FILES = {"guildhall-guide": 7}
MOST_WORDS = {"guildhall-guide": 9_000}
CATEGORIES = {"Writing", "Research", "Programming", "Education", "Work", "Home"}
KEYS = {
    "name",
    "description",
    "category",
    "instructions",
    "starters",
    "only_from_knowledge",
    "featured",
    "face",
}
OPTIONAL_KEYS = {"capabilities", "privacy_url", "delegates", "delegates_to_all", "delegates_to_store", "files_from"}
QUESTION_WORDS = set(
    "a am an and are as at be but by can do does for from get go good happened happens have how i if in is it know "
    "last many may me much must my need of often on or should that the there to up what when where which who why "
    "will with write you your".split()
)

# For each starter, words of the sentence in the sample's files that answers it.
ANSWERS = {
    "How do I make my first GPT?": "fill in the form, try it in the preview, and press Publish",
    "Which file formats can I add as knowledge?": "PDF, Word (DOCX), PowerPoint (PPTX), Excel (XLSX)",
    "How do I call a GPT from Python?": "use the official `openai` package",
    "How do I run Guildhall with a bigger model?": "set `BASE_MODEL` to a model directory or a GGUF file",
    "My Zephyr-9 leaks at the shaft. Which seal kit do I need?": "repaired with seal kit ZP-771",
    "How often should the shaft seal be serviced?": "Service the shaft seal every 450 hours",
    "What does fault code E4 mean?": "Fault code E4 means low flow",
    "What is the torque of the cover bolts on the Zephyr-7?": "cover bolts of the Zephyr-7 to a torque of 18 Nm",
    "Why are the lower leaves of my plant turning yellow?": "most often a sign of too much water",
    "How do I get rid of fungus gnats?": "let the top three centimetres of soil dry out",
    "When should I repot a house plant?": "when roots grow out of the hole",
    "How much light does a snake plant need?": "A snake plant grows in low light",
    "How do I make a sourdough starter?": "mix 50 g of wholemeal flour with 50 g of water",
    "Why is my loaf dense and gummy?": "is usually under-fermented",
    "How do I know when the starter is ready to bake with?": "doubles in height within four to six hours",
    "How hot should the oven be for sourdough?": "Heat the oven to 250 °C",
    "How many cards can I hold in my hand?": "at most seven cards in your hand",
    "What happens when two ships are in the same harbour?": "must give one cargo card to the other player",
    "How does a game of Tide and Tether end?": "when a player reaches 20 points",
    "Who wins if the points are tied?": "the tied player with more tether tokens",
    "When was the Thornmere clock tower built?": "built in 1867",
    "Who was Agnes Tallow?": "the owner of the Thornmere tallow works",
    "What happened in the great flood of Thornmere?": "destroyed 46 houses",
    "How can I look at a letter from the archive?": "book a seat in the reading room",
    "How many days of holiday do I get?": "28 days of holiday a year",
    "Where do I go on my first day at Larkfield?": "go to reception at 9 am",
    "How do I claim travel expenses?": 'send the form "Expense claim"',
    "How do I reset my password?": "open the page start.larkfield.example",
    "How long should a sentence be?": "15 to 20 words long on average",
    "What can I write instead of “in order to”?": 'Instead of "in order to", write "to"',
    "When can I use the passive voice?": "when nobody knows who did it",
    "How should I write an error message?": "what happened, what was kept, and what to do next",
    "How do I undo my last commit but keep the changes?": "`git reset --soft HEAD~1`",
    "How do I change the message of the last commit?": '`git commit --amend -m "new message"`',
    "How do I get back a deleted branch?": "find its last commit with `git reflog`",
    "How do I resolve a merge conflict?": "edit each conflicted file, remove the markers",
    "What is spaced repetition?": "reviewing the same material several times with growing gaps",
    "Is rereading a good way to study?": "Rereading is a weak way to study",
    "How do I stop putting off my work?": "make the first step so small that it takes two minutes",
    "How do I make good flashcards?": "asks one question and has one short answer",
    "Which hall seats 120 people?": "The Foundry Hall seats 120 people in rows",
    "Who opens the Foundry Hall at the weekend?": "the caretaker, Odile Brandt, opens the Foundry Hall",
    "How late can music be played in the courtyard?": "Music may be played in the courtyard until 9:30 pm",
    "What does it cost to rent the Lantern Room?": "It costs 90 euros a day to rent the Lantern Room",
    "What does the hot buffet cost per person?": "The hot buffet costs 18.50 euros per person",
    "How many days ahead do I need to order catering?": "Order the catering at least five working days ahead",
    "Is there a vegan menu?": "There is a vegan menu with lentil curry",
    "What drinks come with the cold buffet?": "Water, apple juice and coffee are the drinks",
    "How often do you service the shaft seal in sandy water?": "we service the shaft seal every 300 hours",
    "What do you do first when a pump shows fault code E4?": "we clean the suction filter first",
    "Which grease do you use for the bearings?": "we use grease ZG-20 on every Zephyr",
    "How do you find a small leak?": "dust it with chalk and run the pump for ten minutes",
}

# For each starter of a sample that asks others: who answers it, and words of the sentence in their files that does.
ASKED_ANSWERS = {
    "My Zephyr-9 drips at the shaft. Which seal kit fits?": {
        "pump-doctor": "On the Zephyr-9, a leak at the shaft is repaired with seal kit ZP-771",
    },
    "How do I undo a commit and keep its changes?": {
        "git-helper": "`git reset --soft HEAD~1`",
    },
    "How do I get rid of fungus gnats, and how do I make good flashcards?": {
        "house-plant-helper": "let the top three centimetres of soil dry out",
        "study-coach": "asks one question and has one short answer",
    },
    "What year was the Thornmere clock tower built?": {"museum-archivist": "built in 1867"},
    "Which hall has seats for 120 people, and what does the hot buffet cost per person?": {
        "venue-clerk": "The Foundry Hall seats 120 people in rows",
        "catering-clerk": "The hot buffet costs 18.50 euros per person",
    },
    "Who opens the Foundry Hall on a Saturday, and how many days ahead do I have to order the food?": {
        "venue-clerk": "At the weekend the caretaker, Odile Brandt, opens the Foundry Hall",
        "catering-clerk": "Order the catering at least five working days ahead",
    },
    "Can the buffet be vegan?": {"catering-clerk": "The vegan menu can replace any part of a buffet"},
    "How late can we play music in the courtyard?": {
        "venue-clerk": "Music may be played in the courtyard until 9:30 pm",
    },
    "How often should I service the shaft seal?": {
        "pump-doctor": "Service the shaft seal every 450 hours of operation",
        "pump-old-hand": "In sandy water we service the shaft seal every 300 hours",
    },
    "What should I do about fault code E4?": {
        "pump-doctor": "To clear fault E4, clean or replace the suction filter",
        "pump-old-hand": "we clean the suction filter first; nine times in ten it is clogged",
    },
    "How long does replacing the shaft seal take?": {
        "pump-doctor": "Replacing the shaft seal takes about 90 minutes",
        "pump-old-hand": "Replacing a shaft seal takes us two and a half hours",
    },
    "How tight should the cover bolts of the Zephyr-7 be?": {
        "pump-doctor": "Tighten the cover bolts of the Zephyr-7 to a torque of 18 Nm",
        "pump-old-hand": "We tighten the cover bolts of the Zephyr-7 crosswise to 18 Nm",
    },
}


def read_text(path: Path) -> str:
    """The file's text on one line, however it is stored; raises UnicodeDecodeError if a text file is not UTF-8."""
    data = path.read_bytes()
    match path.suffix:
        case ".pdf":
            text = "\n".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(data))
        case ".docx":
            xml = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml").decode()
            text = re.sub(r"<[^>]+>", "", xml.replace("</w:p>", "\n")).replace("&quot;", '"')
        case ".html":
            text = re.sub(r"<[^>]+>", " ", data.decode("utf-8"))
        case _:
            text = data.decode("utf-8")
    return " ".join(text.split())


def knowledge(slug: str) -> str:
    """All text of the sample's files."""
    return "\n".join(read_text(path) for path in knowledge_paths(SAMPLES / slug))


def stem(word: str) -> str:
    """A crude stem, so that "serviced" finds "service" and "leaks" finds "leak"."""
    return re.sub(r"(ing|ed|es|e|s)$", "", word) if len(word) > 4 else word


def delegated_by(slug: str) -> list[str]:
    """The samples that the sample may ask."""
    return [each["gpt"] for each in FORMS[slug]["delegates"]]


def test_a_new_store_has_twenty_samples_of_which_three_are_featured():
    assert len(SLUGS) == 20
    featured = {slug for slug in SLUGS if FORMS[slug]["featured"]}
    assert featured == {"front-desk", "guildhall-guide", "pump-second-opinion"}


def test_the_samples_show_every_capability_and_an_action():
    shown = {key for slug in WITH_TOOLS for key in FORMS[slug]["capabilities"]}
    assert shown == set(CAPABILITIES)
    assert any((SAMPLES / slug / "actions").is_dir() for slug in WITH_TOOLS)


def test_samples_cover_every_category_and_no_two_share_a_name_face_or_starter():
    forms = FORMS.values()
    starters = [starter.casefold() for form in forms for starter in form["starters"]]
    assert {form["category"] for form in forms} == CATEGORIES
    assert len({form["name"].casefold() for form in forms}) == len({form["face"] for form in forms}) == len(SLUGS)
    assert {form["face"] for form in forms} <= set(MARKS)
    assert len(set(starters)) == len(starters)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_sample_keeps_the_limits_of_the_creators_form(slug: str):
    form = FORMS[slug]
    not_of_a_spec = {"category", "face", "featured", "privacy_url", "delegates", "files_from"}
    spec = GptSpec(slug=slug, **{key: form[key] for key in set(form) - not_of_a_spec})
    assert KEYS <= set(form) <= KEYS | OPTIONAL_KEYS
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert slug == slugify(form["name"])  # its address in the store, by which others ask it
    assert spec.description.strip()
    assert 400 <= len(spec.instructions) <= 1200
    assert len(spec.starters) == 4
    assert all(0 < len(starter) <= 200 for starter in spec.starters)


@pytest.mark.parametrize("slug", FROM_FILES)
def test_a_samples_files_are_few_small_and_readable(slug: str):
    paths = knowledge_paths(SAMPLES / slug)
    assert 2 <= len(paths) <= MOST_FILES.get(slug, 4)
    assert all(path.stat().st_size < 100_000 for path in paths)
    assert all(read_text(path) for path in paths)
    assert 600 <= len(knowledge(slug).split()) <= MOST_WORDS.get(slug, 2_500)


@pytest.mark.parametrize("slug", FROM_FILES)
def test_the_terms_of_every_starter_stand_in_the_files(slug: str):
    text = knowledge(slug).casefold()
    for starter in FORMS[slug]["starters"]:
        terms = set(re.findall(r"[a-z0-9-]+", starter.casefold())) - QUESTION_WORDS
        assert not [term for term in terms if stem(term) not in text], starter


@pytest.mark.parametrize("slug", FROM_FILES)
def test_every_starter_has_its_answer_in_the_files(slug: str):
    text = knowledge(slug)
    assert not [starter for starter in FORMS[slug]["starters"] if ANSWERS[starter] not in text]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How do I publish a GPT?", "To publish a GPT, open its form, choose who can chat with it, and press"),
        ("How do I invite people?", "To invite people, send them the address of the site"),
        ("Why are the answers so bad?", "because the site still runs the starter model"),
        ("Can I import my ChatGPT GPT?", "can't import a GPT from ChatGPT automatically"),
    ],
)
def test_the_guide_knows_what_new_people_ask(question: str, answer: str):
    text = knowledge("guildhall-guide")
    assert question in text
    assert answer in text


def test_the_samples_show_a_router_a_pair_of_specialists_and_a_second_opinion():
    assert [slug for slug in DELEGATING if FORMS[slug].get("delegates_to_all")] == ["pump-second-opinion"]
    assert [slug for slug in DELEGATING if FORMS[slug].get("delegates_to_store")] == ["front-desk"]
    assert set(DELEGATING) == {"front-desk", "open-day-planner", "pump-second-opinion"}
    assert not [
        slug
        for slug in SLUGS
        if slug not in DELEGATING and {"delegates_to_all", "delegates_to_store"} & set(FORMS[slug])
    ]


@pytest.mark.parametrize("slug", DELEGATING)
def test_a_sample_that_asks_others_knows_nothing_itself_and_says_when_to_ask_whom(slug: str):
    form, asked = FORMS[slug], delegated_by(slug)
    assert not (SAMPLES / slug / "files").exists()
    assert not form["only_from_knowledge"]
    assert 2 <= len(asked) == len(set(asked)) <= MAX_DELEGATES
    assert set(asked) <= set(SLUGS) - set(DELEGATING)  # who is asked is made before who asks
    for each in form["delegates"]:
        assert set(each) == {"gpt", "when"}
        assert each["when"].strip() == each["when"]
        assert 0 < len(each["when"]) <= WHEN_CHARS


@pytest.mark.parametrize("slug", DELEGATING)
def test_every_starter_of_a_sample_that_asks_others_has_its_answer_in_their_files(slug: str):
    for starter in FORMS[slug]["starters"]:
        answers = ASKED_ANSWERS[starter]
        assert set(answers) <= set(delegated_by(slug)), starter
        assert not [other for other, words in answers.items() if words not in knowledge(other)], starter


def test_a_second_opinion_is_had_on_every_starter_from_everyone():
    for starter in FORMS["pump-second-opinion"]["starters"]:
        assert list(ASKED_ANSWERS[starter]) == delegated_by("pump-second-opinion")


def test_no_answer_is_kept_here_for_a_starter_that_is_gone():
    assert set(ASKED_ANSWERS) == {starter for slug in DELEGATING for starter in FORMS[slug]["starters"]}
    assert set(ANSWERS) == {starter for slug in FROM_FILES for starter in FORMS[slug]["starters"]}


def test_the_samples_show_every_format_that_a_creator_can_upload():
    suffixes = {path.suffix for path in SAMPLES.glob("*/files/*")}
    assert suffixes == {".md", ".txt", ".html", ".pdf", ".docx", ".csv"}
