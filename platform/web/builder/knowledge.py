"""The health of a GPT's knowledge, for its creator: how each file was read, what repeats, what was never used.

Only workers can read segments; without one the page shows the columns of `KnowledgeFile`.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import get_language_info, gettext

from gpts.knowledge.documents import Finding, Severity
from web import rpc
from web.accounts.models import User
from web.builder.files import n_ahead
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.languages import too_long

QUESTION_CHARS: Final = 1_000
# The first question after a start waits for the model worker to load its embedder.
ASK_TIMEOUT_S: Final = 15.0
# Twenty files of 400 passages each are compared in 1.3 s, the most text that is read in 3 s (2026-11).
HEALTH_TIMEOUT_S: Final = 20.0


def ask_knowledge(gpt: Gpt, question: str, by: User) -> dict[str, Any]:
    """The passages that the draft's files have for `question`, each with why the model would get it or not.

    Raises ValidationError, NoResult.
    """
    question = question.strip()
    if not question:
        raise ValidationError({"question": gettext("Enter a question.")})
    if len(question) > QUESTION_CHARS:
        raise ValidationError({"question": too_long(question, QUESTION_CHARS)})
    if not gpt.files.filter(removed=None).exclude(segment="").exists():
        raise ValidationError({"question": gettext("No file is ready yet.")})
    args = "workers.tasks.ask_knowledge", str(gpt.id), question
    return rpc.call_for(by.pk, *args, queue="model", timeout_s=ASK_TIMEOUT_S)


def read_health(gpt: Gpt, by: User) -> dict[str, Any]:
    """What a worker finds in the draft's segments: repeats, and passages never used so far. Raises NoResult."""
    task = "workers.tasks.knowledge_health"
    return rpc.call_for(by.pk, task, str(gpt.id), queue="model", timeout_s=HEALTH_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class FileReading:
    """How a file is being or was read, for its owner.

    `findings` are those that the owner decides on or may drop, each with the choice or "", `notes` the others.
    `n_ahead` counts the files that are read before a waiting one; `foreign`: not a language of the embedder.
    """

    file: KnowledgeFile
    n_ahead: int
    language: str
    foreign: bool
    findings: tuple[tuple[Finding, str], ...]
    notes: tuple[Finding, ...]

    @property
    def n_dropped(self) -> int:
        """How many findings the owner dropped."""
        return sum(choice == "drop" for _, choice in self.findings)

    @property
    def n_untrusted(self) -> int:
        """How many findings are used, marked as untrusted: hints, and what the owner accepted."""
        return len(self.findings) - self.n_dropped - len(self.file.undecided)


def reading(file: KnowledgeFile) -> FileReading:
    """How `file` was read."""
    waits = file.status == KnowledgeFile.Status.RECEIVED
    language = language_name(file.language)
    return FileReading(
        file=file,
        n_ahead=n_ahead(file) if waits else 0,
        language=language,
        foreign=settings.EMBEDDER == "bundled" and language not in ("", "English"),
        findings=tuple((each, file.decisions.get(each.id, "")) for each in _findings(file, "quarantine", "hint")),
        notes=_findings(file, "note"),
    )


def readings(files: QuerySet[KnowledgeFile]) -> list[FileReading]:
    """How these files are being or were read."""
    return [reading(file) for file in files.select_related("gpt", "replaces")]


def _findings(file: KnowledgeFile, *severities: Severity) -> tuple[Finding, ...]:
    """The file's findings of these severities, in their order."""
    findings = [Finding.model_validate(each) for each in file.findings]
    return tuple(each for severity in severities for each in findings if each.severity == severity)


def language_name(code: str) -> str:
    """The English name of a language; empty if Django doesn't know it, which is mostly a wrong guess on few words."""
    if not code:
        return ""
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return ""
