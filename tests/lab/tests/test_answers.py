"""The benchmark of answers counts what it says it counts."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from gpts.knowledge.documents import Citation, Passage
from tests.lab.answers import QuizOutcome, _supports, figures_of
from tests.lab.asked_cases import holds, read_asked, with_typos
from tests.lab.command import Lab
from tests.lab.quiz import BUNDLED, quizzes

MANUAL = ["The Zephyr pump needs a new filter every 6 months.", "The part number of the filter is ZP-771."]
LEAVE = ["Every employee has 28 days of paid leave a year.", "Leave is requested from the team lead in the portal."]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    questions = [
        {"article": 0, "paragraph": 1, "question": "What is the part number of the filter?", "answers": ["ZP-771"]},
        {"article": 1, "paragraph": 0, "question": "How many days of paid leave are there?", "answers": ["28"]},
        {"article": 0, "paragraph": 0, "question": "Who was the first king of Norway?", "answers": []},
    ]
    articles = [{"title": "Pump", "paragraphs": MANUAL}, {"title": "Leave", "paragraphs": LEAVE}]
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps({"articles": articles, "questions": questions}))
    return path


def test_the_bundled_questions_are_many_and_their_answers_stand_in_their_files() -> None:
    asked = list(quizzes(BUNDLED, 8))
    answerable = [each for quiz in asked for each in quiz.questions if each.kind == "answerable"]
    assert len(answerable) >= 200
    texts = [paragraph for quiz in asked for article in quiz.articles for paragraph in article.paragraphs]
    for question in answerable:
        assert question.sentence
        assert any(answer in question.sentence for answer in question.answers)
        assert any(question.sentence in text for text in texts)


def test_each_set_of_files_is_also_asked_about_the_others(tiny: Path) -> None:
    one, other = quizzes(tiny, 1)
    assert [each.kind for each in one.questions] == ["answerable", "missing", "foreign"]
    assert [each.text for each in other.questions if each.kind == "foreign"] == [one.questions[0].text]


@pytest.mark.parametrize("content", ["", "[]", '{"articles": []}', '{"articles": [{}], "questions": []}', "\xff"])
def test_a_file_without_questions_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(CommandError, match="has no usable questions"):
        call_command(Lab(), "answers", questions=path)


@pytest.mark.parametrize(
    ("answer", "quote", "start", "holds"),
    [
        ("The filter is ZP-771.", "The part number of the filter is ZP-771.", 10, True),
        ("The filter is ZP-772.", "The part number of the filter is ZP-771.", 10, False),
        ("Employees have generous sabbaticals.", "The part number of the filter is ZP-771.", 10, False),
        ("The filter is ZP-771.", "The part number of the filter is ZP-771.", 11, False),
    ],
)
def test_a_citation_counts_only_if_its_quote_is_literal_and_says_the_same(
    answer: str, quote: str, start: int, holds: bool
) -> None:
    text = MANUAL[1]
    passage = Passage(file_id="f", file_name="f", segment="5e9", chunk=0, text=text, start=10, end=10 + len(text))
    place = {"start": start, "end": start + len(quote), "answer_start": 0, "answer_end": len(answer)}
    citation = Citation(tag=1, file_id="f", file_name="f", segment="5e9", chunk=0, quote=quote, **place)
    assert _supports(citation, answer, [passage]) is holds


def test_shares_are_over_the_questions_of_their_kind() -> None:
    right = QuizOutcome("answerable", True, True, False, True, 2, 1, 0.1)
    wrong = QuizOutcome("answerable", True, False, True, False, 0, 0, 0.3)
    score = figures_of([right, wrong, QuizOutcome("foreign", False, False, True, False, 0, 0, 0.2)])
    assert (score["passage_retrieved"], score["answer_right"], score["wrongly_declined"]) == (1.0, 0.5, 0.5)
    assert (score["citations_supported"], score["foreign_declined"], score["missing_declined"]) == (0.5, 1.0, None)
    assert score["median_s"] == 0.2


@pytest.mark.model
@pytest.mark.django_db
def test_the_bundled_model_and_embedder_are_asked_for_real(tiny: Path, capsys, settings, tmp_path) -> None:
    call_command(Lab(), "answers", "--json", questions=tiny, files=1)
    found = json.loads(capsys.readouterr().out)
    assert found["passage_retrieved"] == found["answer_right"] == found["answer_cited"] == 1.0
    assert found["citations_supported"] == 1.0
    assert found["foreign_declined"] == found["missing_declined"] == 1.0


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "pump.md").write_text("# Pump\n\n" + "\n\n".join(MANUAL))
    (folder / "leave.md").write_text("# Leave\n\n" + "\n\n".join(LEAVE))
    (folder / "empty.md").write_text("")
    files = ["pump.md", "leave.md", "empty.md", "gone.md", "../cases.jsonl"]
    rows = [
        {"id": "a", "files": files, "question": "What is the part number of the filter?", "answers": ["ZP-771"]},
        {
            "id": 2,
            "files": files,
            "question": "How many days of paid leave are there?",
            "answers": [28],
            "lang": "en",
        },
        {"files": "pump.md", "question": "Who was the first king of Norway?", "answerable": False, "answers": None},
        {"files": files, "question": "When?", "answers": []},
        {"files": ["gone.md"], "question": "What is the filter?", "answers": ["ZP-771"]},
        {"files": [], "question": "Which?", "answers": ["x"]},
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\ufeff" + "\n".join([*map(json.dumps, rows), "[1]", "{broken", ""]))
    return path


def test_odd_lines_of_a_file_of_cases_are_left_out_and_counted(asked: Path) -> None:
    cases, oddities = read_asked(asked)
    assert [each.id for each in cases] == ["a", "2", "3", "5"]
    assert oddities == {
        "lines that are no cases": 2,
        "cases without a question or files": 1,
        "answerable cases without answers": 1,
    }
    asked.write_text("{}")
    with pytest.raises(RuntimeError, match="no usable cases"):
        read_asked(asked)


def test_two_words_of_a_question_get_a_typo_each_and_always_the_same() -> None:
    question = "What is the part number of the ZP-771 filter?"
    mistyped = with_typos(question, "seed")
    assert mistyped == with_typos(question, "seed") != with_typos(question, "other")
    changed = [pair for pair in zip(question.split(), mistyped.split(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 2
    assert all(pair[0] in ("What", "part", "number", "filter?") for pair in changed)
    assert with_typos("E4?", "seed") == "E4?"


@pytest.mark.parametrize(
    ("text", "answer", "is_held"),
    [
        ("There are 14 rooms.", "4", False),
        ("There are four rooms.", "4", True),
        ("It costs 1,250 euros.", "1250 euros", True),
        ("It is an organ.", "or", False),
        ("图书馆位于柏林。", "柏林", True),
    ],
)
def test_short_answers_and_figures_are_no_parts_of_others(text: str, answer: str, is_held: bool) -> None:
    assert holds(text, answer) is is_held


@pytest.mark.model
@pytest.mark.django_db
def test_cases_are_asked_for_real_with_and_without_typos(asked: Path, capsys, settings, tmp_path) -> None:
    outcomes = tmp_path / "outcomes.jsonl"
    call_command(Lab(), "answers", "--json", cases=asked, outcomes=outcomes)
    found = json.loads(capsys.readouterr().out)
    assert (found["n_answerable"], found["n_unanswerable"]) == (2, 1)
    assert found["all"]["as written"] == {
        "questions": 3,
        "passage_found": 1.0,
        "answer_contains": 1.0,
        "quote_holds": 1.0,
        "right_file": 1.0,
        "wrongly_declined": 0.0,
        "rightly_declined": 1.0,
    }
    assert found["all"]["2 typos"]["questions"] == 3
    assert 0 < found["median_characters"] < 1_000
    assert found["oddities"]["files not read: EmptyFile"] == 1
    assert found["oddities"]["files not read: FileNotFoundError"] == 2
    assert len(outcomes.read_text().splitlines()) == 6
