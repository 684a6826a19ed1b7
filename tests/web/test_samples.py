"""The sample GPTs of a new site: within the form's limits, readable, and able to answer their starters."""

import io
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from gpts.capabilities import CAPABILITIES
from gpts.spec import GptSpec
from web import builder

SAMPLES = Path(builder.__file__).parent / "samples"
SLUGS = sorted(path.parent.name for path in SAMPLES.glob("*/gpt.toml"))
WITH_TOOLS = [slug for slug in SLUGS if "capabilities" in (SAMPLES / slug / "gpt.toml").read_text()]
FROM_FILES = [slug for slug in SLUGS if slug not in WITH_TOOLS]
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
KEYS_WITH_TOOLS = KEYS | {"capabilities"}
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
    "How often must the shaft seal be serviced?": "Service the shaft seal every 450 hours",
    "What does fault code E4 mean?": "Fault code E4 means low flow",
    "What is the torque of the cover bolts on the Zephyr-7?": "cover bolts of the Zephyr-7 to a torque of 18 Nm",
    "Why are the lower leaves of my plant turning yellow?": "most often a sign of too much water",
    "How do I get rid of fungus gnats?": "let the top three centimetres of soil dry out",
    "When should I repot a house plant?": "when roots grow out of the hole",
    "How much light does a snake plant need?": "A snake plant grows in low light",
    "How do I make a sourdough starter?": "mix 50 g of wholemeal flour with 50 g of water",
    "Why is my loaf dense and gummy?": "is usually under-fermented",
    "How do I know that the starter is ready to bake with?": "doubles in height within four to six hours",
    "How hot should the oven be for sourdough?": "Heat the oven to 250 °C",
    "How many cards may I hold in my hand?": "at most seven cards in your hand",
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
    'What can I write instead of "in order to"?': 'Instead of "in order to", write "to"',
    "When may I use the passive voice?": "when nobody knows who did it",
    "How should I write an error message?": "what happened, what was kept, and what to do next",
    "How do I undo my last commit but keep the changes?": "`git reset --soft HEAD~1`",
    "How do I change the message of the last commit?": '`git commit --amend -m "new message"`',
    "How do I get back a deleted branch?": "find its last commit with `git reflog`",
    "How do I resolve a merge conflict?": "edit each conflicted file, remove the markers",
    "What is spaced repetition?": "reviewing the same material several times with growing gaps",
    "Is rereading a good way to study?": "Rereading is a weak way to study",
    "How do I stop putting off my work?": "make the first step so small that it takes two minutes",
    "How do I make good flashcards?": "asks one question and has one short answer",
}


def read_toml(slug: str) -> dict[str, Any]:
    """The sample's form, as written in its gpt.toml."""
    return tomllib.loads((SAMPLES / slug / "gpt.toml").read_text(encoding="utf-8"))


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
    return "\n".join(read_text(path) for path in sorted((SAMPLES / slug / "files").iterdir()))


def stem(word: str) -> str:
    """A crude stem, so that "serviced" finds "service" and "leaks" finds "leak"."""
    return re.sub(r"(ing|ed|es|e|s)$", "", word) if len(word) > 4 else word


def test_a_new_store_has_fourteen_samples_of_which_three_are_featured():
    assert len(SLUGS) == 14
    assert sum(read_toml(slug)["featured"] for slug in SLUGS) == 3


def test_the_samples_show_every_capability_and_an_action():
    shown = {key for slug in WITH_TOOLS for key in read_toml(slug)["capabilities"]}
    assert shown == set(CAPABILITIES)
    assert any((SAMPLES / slug / "actions").is_dir() for slug in WITH_TOOLS)


def test_samples_cover_every_category_and_no_two_share_a_name_face_or_starter():
    forms = [read_toml(slug) for slug in SLUGS]
    starters = [starter for form in forms for starter in form["starters"]]
    assert {form["category"] for form in forms} == CATEGORIES
    assert len({form["name"].casefold() for form in forms}) == len({form["face"] for form in forms}) == 14
    assert len(set(starters)) == len(starters)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_sample_keeps_the_limits_of_the_creators_form(slug: str):
    form = read_toml(slug)
    spec = GptSpec(
        slug=slug, **{key: form[key] for key in set(form) - {"category", "face", "featured", "privacy_url"}}
    )
    assert set(form) - {"privacy_url"} == (KEYS_WITH_TOOLS if slug in WITH_TOOLS else KEYS)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert spec.description.strip()
    assert 400 <= len(spec.instructions) <= 1200
    assert len(spec.starters) == 4
    assert all(0 < len(starter) <= 200 for starter in spec.starters)


@pytest.mark.parametrize("slug", FROM_FILES)
def test_a_samples_files_are_few_small_and_readable(slug: str):
    paths = list((SAMPLES / slug / "files").iterdir())
    assert 2 <= len(paths) <= 4
    assert all(path.stat().st_size < 100_000 for path in paths)
    assert all(read_text(path) for path in paths)
    assert 600 <= len(knowledge(slug).split()) <= 2_500


@pytest.mark.parametrize("slug", FROM_FILES)
def test_the_terms_of_every_starter_stand_in_the_files(slug: str):
    text = knowledge(slug).casefold()
    for starter in read_toml(slug)["starters"]:
        terms = set(re.findall(r"[a-z0-9-]+", starter.casefold())) - QUESTION_WORDS
        assert not [term for term in terms if stem(term) not in text], starter


@pytest.mark.parametrize("slug", FROM_FILES)
def test_every_starter_has_its_answer_in_the_files(slug: str):
    text = knowledge(slug)
    assert not [starter for starter in read_toml(slug)["starters"] if ANSWERS[starter] not in text]


def test_the_samples_show_every_format_that_a_creator_can_upload():
    suffixes = {path.suffix for path in SAMPLES.glob("*/files/*")}
    assert suffixes == {".md", ".txt", ".html", ".pdf", ".docx", ".csv"}
