"""Attached files that a worker has read, without one."""

from typing import Any

from web.accounts.models import User
from web.runs import files
from web.runs.models import ConversationFile


def attached(user: User, name: str = "sales.csv", data: bytes = b"a,b\n1,2\n", **facts: Any) -> ConversationFile:
    """A file of `user`'s that is read; `facts` are other fields of its row."""
    file = files.attach(user, name, [data])
    fields = {"status": "ready", "segment": "00ff", "n_tokens": 7, **facts}
    ConversationFile.objects.filter(id=file.id).update(**fields)
    file.refresh_from_db()
    return file
