"""`/api`: everything that pages can do, for programs with an API key and for scripts of the pages."""

from web.api.account import router as account
from web.api.actions import router as actions
from web.api.agents import router as agents
from web.api.apis import Api, handle_errors
from web.api.auth import KeyAuth, SessionAuth
from web.api.chats import router as chats
from web.api.citations import router as citations
from web.api.delegates import router as delegates
from web.api.drafts import router as drafts
from web.api.errors import PROBLEM_JSON
from web.api.files import router as files
from web.api.gpts import router as gpts
from web.api.memories import router as memories
from web.api.operate import router as operate
from web.api.projects import router as projects
from web.api.questions import router as questions
from web.api.reading import StrictParser
from web.api.runs import router as runs
from web.api.schedules import router as schedules


class NativeApi(Api):
    """The site's own API, whose errors are those of RFC 9457."""

    error_type = PROBLEM_JSON


native = NativeApi(
    title="Guildhall",
    version="1",
    description="GPTs, their files and versions, runs and conversations. Use an API key, or a"
    " browser session, which needs the CSRF token in X-CSRFToken for writes.",
    urls_namespace="api",
    auth=[KeyAuth(), SessionAuth()],
    parser=StrictParser(),
    docs_url=None,
)
handle_errors(native)
for router in (
    account,
    gpts,
    drafts,
    files,
    actions,
    delegates,
    agents,
    runs,
    chats,
    citations,
    memories,
    schedules,
    projects,
    questions,
    operate,
):
    native.add_router("", router)
