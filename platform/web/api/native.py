"""`/api`: everything that pages can do, for programs with an API key and for scripts of the pages."""

from web.api.account import router as account
from web.api.actions import router as actions
from web.api.agents import router as agents
from web.api.apis import Api, handle_errors
from web.api.app_calls import router as app_calls
from web.api.auth import KeyAuth, SessionAuth
from web.api.backups import router as backups
from web.api.chats import router as chats
from web.api.citations import router as citations
from web.api.delegates import router as delegates
from web.api.drafts import router as drafts
from web.api.errors import PROBLEM_JSON
from web.api.files import router as files
from web.api.gpts import router as gpts
from web.api.groups import router as groups
from web.api.invitations import router as invitations
from web.api.listings import router as listings
from web.api.memories import router as memories
from web.api.operate import router as operate
from web.api.people import router as people
from web.api.portable import router as portable
from web.api.projects import router as projects
from web.api.questions import router as questions
from web.api.reading import StrictParser
from web.api.reports import router as reports
from web.api.run_lists import router as run_lists
from web.api.runs import router as runs
from web.api.schedules import router as schedules
from web.api.shared_chats import router as shared_chats
from web.api.shares import router as shares
from web.api.sources import router as sources
from web.api.store import router as store
from web.api.webhooks import router as webhooks
from web.api.webhooks import site_router as site_webhooks
from web.api.widgets import router as widgets


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
    portable,
    actions,
    delegates,
    agents,
    runs,
    run_lists,
    app_calls,
    chats,
    citations,
    memories,
    sources,
    widgets,
    webhooks,
    site_webhooks,
    shares,
    shared_chats,
    schedules,
    projects,
    questions,
    operate,
    people,
    groups,
    invitations,
    backups,
    store,
    reports,
    listings,
):
    native.add_router("", router)
