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
# What a GPT remembers changes no answer from its files.
WITH_TOOLS = [slug for slug in SLUGS if FORMS[slug].get("capabilities", ["memory"]) != ["memory"]]
DELEGATING = [slug for slug in SLUGS if "delegates" in FORMS[slug]]
FROM_FILES = [slug for slug in SLUGS if slug not in (*WITH_TOOLS, *DELEGATING)]
# The guide knows the documentation pages, so it alone has more files and words than a sample needs.
MOST_FILES = {"guildhall-guide": 9}
MOST_WORDS = {"guildhall-guide": 13_600}
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
OPTIONAL_KEYS = {
    "capabilities",
    "privacy_url",
    "delegates",
    "delegates_to_all",
    "delegates_to_store",
    "files_downloadable",
    "files_from",
    "tries",
}
QUESTION_WORDS = set(
    "a am an and are as at be but by can do does for from get go good happened happens have how i if in is it know "
    "last many may me much must my need of often on or rewrite should that the there to up what when where which who "
    "why will with write you your".split()
)

# For each starter, words of the sentence in the sample's files that answers it.
ANSWERS = {
    "How do I make my first GPT?": "fill in the form, try it in the preview, and press Publish",
    "Which file formats can I add as knowledge?": "PDF, Word (DOCX), PowerPoint (PPTX), Excel (XLSX)",
    "How do I call a GPT from Python?": "use the official `openai` package",
    "How do I run Guildhall with a bigger model?": "set `BASE_MODEL` to a model directory or a GGUF file",
    "My Zephyr-9 leaks at the shaft. Which seal kit do I need?": "repaired with seal kit ZP-771",
    "How often should the shaft seal be serviced in sandy water?": "we service the shaft seal every 300 hours",
    "What does fault code E4 mean?": "Fault code E4 means low flow",
    "What is the torque of the cover bolts on the Zephyr-7?": "cover bolts of the Zephyr-7 to a torque of 18 Nm",
    "How do I make a sourdough starter?": "mix 50 g of wholemeal flour with 50 g of water",
    "Why is my loaf dense and gummy?": "is usually under-fermented",
    "How do I know when the starter is ready to bake with?": "doubles in height within four to six hours",
    "How hot should the oven be for sourdough?": "Heat the oven to 250 °C",
    "How many days of holiday do I get?": "28 days of holiday a year",
    "Where do I go on my first day at Larkfield?": "go to reception at 9 am",
    "How do I claim travel expenses?": 'send the form "Expense claim"',
    "How do I reset my password?": "open the page start.larkfield.example",
    "Rewrite: “The utilisation of the facility is subject to prior approval.”": 'write "Ask before you use the room"',
    "What can I write instead of “in order to”?": 'Instead of "in order to", write "to"',
    "When can I use the passive voice?": "when nobody knows who did it",
    "How should I write an error message?": "what happened, what was kept, and what to do next",
    "How do I say “the bill, please” in Italian?": "“the bill, please” is “il conto, per favore”",
    "What is “I’m allergic to nuts” in Spanish?": "“I’m allergic to nuts” is “soy alérgico a los frutos secos”",
    "How do I ask where the toilets are in French?": "“where are the toilets?” is “où sont les toilettes ?”",
    "Do I have to tip in Germany?": "the amount with the tip when you pay, about 5 to 10 percent",
    "How do I undo my last commit but keep the changes?": "`git reset --soft HEAD~1`",
    "How do I change the message of the last commit?": '`git commit --amend -m "new message"`',
    "How do I get back a deleted branch?": "find its last commit with `git reflog`",
    "How do I resolve a merge conflict?": "edit each conflicted file, remove the markers",
    "My maths exam is in two weeks. How do I prepare?": "Start practice papers at least two weeks before the exam",
    "What is spaced repetition?": "reviewing the same material several times with growing gaps",
    "How do I stop putting off my work?": "make the first step so small that it takes two minutes",
    "How do I make good flashcards?": "asks one question and has one short answer",
}

# For each starter of a sample that asks others: who answers it, and words of the sentence in their files that does.
ASKED_ANSWERS = {
    "My Zephyr-9 drips at the shaft. Which seal kit fits?": {
        "pump-doctor": "On the Zephyr-9, a leak at the shaft is repaired with seal kit ZP-771",
    },
    "How do I undo a commit and keep its changes?": {
        "git-helper": "`git reset --soft HEAD~1`",
    },
    "How many days of holiday do I get, and how do I make good flashcards?": {
        "welcome-desk": "28 days of holiday a year",
        "study-coach": "asks one question and has one short answer",
    },
    "How do I say “the bill, please” in French?": {"travel-phrasebook": "“the bill, please” is “l’addition"},
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


def test_a_new_store_has_about_a_dozen_samples_of_which_three_are_featured():
    assert len(SLUGS) == 13
    featured = {slug for slug in SLUGS if FORMS[slug]["featured"]}
    assert featured == {"front-desk", "guildhall-guide", "pump-doctor"}


def test_the_samples_show_every_capability_and_an_action():
    shown = {key for slug in SLUGS for key in FORMS[slug].get("capabilities", ())}
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
    not_of_a_spec = {"category", "face", "featured", "privacy_url", "delegates", "files_from", "tries"}
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
        ("Can I import my ChatGPT GPT?", "To import a GPT from ChatGPT, press"),
    ],
)
def test_the_guide_knows_what_new_people_ask(question: str, answer: str):
    text = knowledge("guildhall-guide")
    assert question in text
    assert answer in text


def test_the_front_desk_alone_asks_others_and_looks_in_the_store():
    assert DELEGATING == [slug for slug in SLUGS if FORMS[slug].get("delegates_to_store")] == ["front-desk"]


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


def test_no_answer_is_kept_here_for_a_starter_that_is_gone():
    assert set(ASKED_ANSWERS) == {starter for slug in DELEGATING for starter in FORMS[slug]["starters"]}
    assert set(ANSWERS) == {starter for slug in FROM_FILES for starter in FORMS[slug]["starters"]}


def test_the_samples_show_files_of_several_formats():
    suffixes = {path.suffix for path in SAMPLES.glob("*/files/*")}
    assert suffixes == {".md", ".txt", ".pdf", ".docx", ".csv"}
