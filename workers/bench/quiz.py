"""Questions with known answers about a handful of files, and which of them a set of files cannot answer."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gpts.knowledge.sentences import sentence_spans

BUNDLED: Final = Path(__file__).parent / "questions" / "squad.json"
# How many questions about other files are put to each set of files.
N_FOREIGN: Final = 60

# "missing": about a subject of the files, but what it asks is not in them. "foreign": about something else.
Kind = Literal["answerable", "missing", "foreign"]


@dataclass(frozen=True, slots=True)
class Article:
    """A file of the quiz."""

    title: str
    paragraphs: tuple[str, ...]

    def markdown(self) -> str:
        """The file's text."""
        return "\n\n".join((f"# {self.title}", *self.paragraphs)) + "\n"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its accepted answers, and the sentence that holds one; none of them if it has no answer here."""

    text: str
    kind: Kind
    answers: tuple[str, ...] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Quiz:
    """Files that one GPT has, and what it is asked."""

    articles: tuple[Article, ...]
    questions: tuple[Question, ...]


def quizzes(path: Path, n_files: int) -> Iterator[Quiz]:
    """The quizzes in the file at `path`, each over `n_files` of its articles. Raises OSError, ValueError, KeyError.

    The file is JSON: `articles` of `title` and `paragraphs`, `questions` of `question`, `article` and `paragraph`
    (numbers from 0) and `answers`, empty for a question that the article does not answer.
    """
    data = json.loads(path.read_text("utf-8"))
    articles = [Article(each["title"], tuple(each["paragraphs"])) for each in data["articles"]]
    asked: list[list[Question]] = [[] for _ in articles]
    for each in data["questions"]:
        paragraph = articles[each["article"]].paragraphs[each["paragraph"]]
        asked[each["article"]].append(_question(each["question"], tuple(each["answers"]), paragraph))
    for first in range(0, len(articles), n_files):
        own = range(first, min(first + n_files, len(articles)))
        foreign = _foreign([question for i, each in enumerate(asked) if i not in own for question in each], first)
        yield Quiz(tuple(articles[i] for i in own), (*(question for i in own for question in asked[i]), *foreign))


def _question(text: str, answers: tuple[str, ...], paragraph: str) -> Question:
    if not answers:
        return Question(text, "missing")
    spans = sentence_spans(paragraph)
    sentences = [paragraph[span.start : span.end] for span in spans]
    holding = next((each for each in sentences if any(answer in each for answer in answers)), "")
    return Question(text, "answerable", answers, holding)


def _foreign(others: Sequence[Question], seed: int) -> list[Question]:
    answerable = [question for question in others if question.kind == "answerable"]
    chosen = random.Random(seed).sample(answerable, min(N_FOREIGN, len(answerable)))
    return [Question(question.text, "foreign") for question in chosen]
