"""The pictures of a conversation for a model that sees: made anew in a child process, never a person's own bytes."""

import logging
from collections.abc import Mapping
from typing import Final

from gpts.runs.messages import Picture
from gpts.runs.state import TurnState, files_of
from web.runs.citations import pictures_of
from web.runs.files import PICTURES
from web.runs.models import ConversationFile
from workers.isolation.errors import FileError
from workers.knowledge.page_pictures import model_picture

logger = logging.getLogger(__name__)

# The newest of a conversation are shown. At some 2,500 tokens each, they fit a context of 32,000.
MAX_PICTURES: Final = 4


def pictures(state: TurnState) -> Mapping[str, Picture]:
    """The newest pictures of the conversation by id; empty for a model that does not see."""
    if not state.ability.sees_images:
        return {}
    attached = [file for log in (*state.history, state.steps) for file in files_of(log)]
    newest = [file.id for file in attached if file.id and file.mime in PICTURES][-MAX_PICTURES:]
    rows = ConversationFile.objects.in_bulk(newest)
    made = {str(id): _picture(row) for id, row in rows.items()}
    return {id: picture for id in newest if (picture := made.get(id))}


def _picture(file: ConversationFile) -> Picture | None:
    """The file as a picture; None if it cannot be drawn, which the model is then told."""
    try:
        data = model_picture(file.path, pictures_of(file.sha256))
    except FileError as error:
        logger.warning("picture %s is not shown to the model: %s", file.id, error)
        return None
    return Picture(mime="image/jpeg", data=data)
