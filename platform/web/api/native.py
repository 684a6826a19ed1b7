"""`/api`: everything a page can do, for programs with an API key and for the pages' scripts."""

from web.api.actions import router as actions
from web.api.agents import router as agents
from web.api.auth import KeyAuth, SessionAuth
from web.api.citations import router as citations
from web.api.delegates import router as delegates
from web.api.errors import Door, native_shape, speak
from web.api.files import router as files
from web.api.gpts import router as gpts
from web.api.reading import StrictParser
from web.api.runs import router as runs
from web.api.usage import router as usage

native = Door(
    title="Guildhall",
    version="1",
    description="GPTs, their files and versions, runs and conversations. Use an API key, or a"
    " browser session, which needs the CSRF token in X-CSRFToken for writes.",
    urls_namespace="api",
    auth=[KeyAuth(), SessionAuth()],
    parser=StrictParser(),
    docs_url=None,
)
speak(native, native_shape)
native.add_router("", gpts)
native.add_router("", files)
native.add_router("", actions)
native.add_router("", delegates)
native.add_router("", usage)
native.add_router("", agents)
native.add_router("", runs)
native.add_router("", citations)
