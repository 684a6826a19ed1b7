"""The passages of a file, for its creator: what was read, and what they corrected, dropped or added as questions."""

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from pydantic import ValidationError as WrongValue

from gpts.knowledge.corrections import MOST_CHARS, MOST_QUESTIONS, QUESTION_CHARS, Correction, passage_key
from web import rpc
from web.accounts.models import User
from web.builder.files import queue_again
from web.builder.models_files import KnowledgeFile
from web.languages import grouped

MOST_CORRECTIONS: Final = 500
TIMEOUT_S: Final = 15.0
TASK: Final = "workers.tasks.file_passages"


def passages(file: KnowledgeFile, by: User, start: int = 0) -> dict[str, Any]:
    """`items` from number `start` for `by`, and the number of the `next` one (None at the end). Raises NoResult.

    The dropped ones come first, as they are no longer in the text.
    """
    corrections = file.passage_corrections()
    dropped = [_shown(each, {}) for each in corrections.values() if each.dropped] if start == 0 else []
    if not file.segment:
        return {"items": dropped, "next": None}
    found = rpc.call_for(by.pk, TASK, file.segment, str(start), queue="model", timeout_s=TIMEOUT_S)
    by_text = {passage_key(each.text): each for each in corrections.values() if each.text}
    items = [
        _shown(by_text.get(key) or corrections.get(key) or Correction(original=each["text"]), each)
        for each in found["passages"]
        if (key := passage_key(each["text"]))
    ]
    return {"items": [*dropped, *items], "next": found["next"]}


def _shown(correction: Correction, place: dict[str, Any]) -> dict[str, Any]:
    return {
        **correction.model_dump(mode="json"),
        "text": correction.text or correction.original,
        "heading": place.get("heading", ""),
        "page": place.get("page"),
    }


def correct(file: KnowledgeFile, changes: dict[str, Any]) -> KnowledgeFile:
    """Save a correction in place of an earlier one, and read the file again. Raises ValidationError."""
    try:
        correction = Correction.model_validate(changes)
    except WrongValue as error:
        raise ValidationError(_reason(error)) from error
    with transaction.atomic():
        file = KnowledgeFile.objects.select_for_update().get(id=file.id)
        before = dict(file.corrections)
        key = passage_key(correction.original)
        file.corrections.pop(key, None)
        if not correction.is_empty():
            file.corrections[key] = correction.model_dump(mode="json")
        if len(file.corrections) > MOST_CORRECTIONS:
            raise ValidationError(
                gettext("A file can have up to {limit} corrected passages.").format(limit=grouped(MOST_CORRECTIONS))
            )
        if file.corrections == before:
            return file
        file.save(update_fields=["corrections"])
        queue_again(file)
    file.refresh_from_db()
    return file


def _reason(error: WrongValue) -> str:
    wrong = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
    if "also_asked" in wrong:
        return gettext("Add up to {most_questions} questions of {question_chars} characters each.").format(
            most_questions=MOST_QUESTIONS, question_chars=QUESTION_CHARS
        )
    return gettext("A passage can have 1 to {limit} characters.").format(limit=grouped(MOST_CHARS))
