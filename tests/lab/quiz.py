"""Questions with known answers about a handful of files, and which of them a set of files cannot answer."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gpts.knowledge.sentences import sentence_spans
from tests.lab import packed

BUNDLED: Final = Path(__file__).parent / "questions" / "squad.json.gz"
# Questions about other files per set of files.
N_FOREIGN: Final = 60

# "missing": about a subject of the files, but not answered in them. "foreign": about another subject.
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
class QuizQuestion:
    """A question, its accepted answers and the sentence that contains one; empty if the files do not answer it."""

    text: str
    kind: Kind
    answers: tuple[str, ...] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Quiz:
    """The files of one GPT and the questions for it."""

    articles: tuple[Article, ...]
    questions: tuple[QuizQuestion, ...]


def quizzes(path: Path, n_files: int) -> Iterator[Quiz]:
    """The quizzes in the file at `path`, each over `n_files` of its articles. Raises OSError, ValueError, KeyError.

    The file is JSON: `articles` of `title` and `paragraphs`, `questions` of `question`, `article` and `paragraph`
    (numbers from 0) and `answers`, empty for a question that the article does not answer.
    """
    data = json.loads(packed.read(path))
    articles = [Article(each["title"], tuple(each["paragraphs"])) for each in data["articles"]]
    by_article: list[list[QuizQuestion]] = [[] for _ in articles]
    for each in data["questions"]:
        paragraph = articles[each["article"]].paragraphs[each["paragraph"]]
        by_article[each["article"]].append(_question(each["question"], tuple(each["answers"]), paragraph))
    for first in range(0, len(articles), n_files):
        own = range(first, min(first + n_files, len(articles)))
        others = [question for i, each in enumerate(by_article) if i not in own for question in each]
        questions = [question for i in own for question in by_article[i]]
        yield Quiz(tuple(articles[i] for i in own), (*questions, *_foreign(others, first)))


def _question(text: str, answers: tuple[str, ...], paragraph: str) -> QuizQuestion:
    if not answers:
        return QuizQuestion(text, "missing")
    spans = sentence_spans(paragraph)
    sentences = [paragraph[span.start : span.end] for span in spans]
    sentence = next((each for each in sentences if any(answer in each for answer in answers)), "")
    return QuizQuestion(text, "answerable", answers, sentence)


def _foreign(others: Sequence[QuizQuestion], seed: int) -> list[QuizQuestion]:
    answerable = [question for question in others if question.kind == "answerable"]
    chosen = random.Random(seed).sample(answerable, min(N_FOREIGN, len(answerable)))
    return [QuizQuestion(question.text, "foreign") for question in chosen]
