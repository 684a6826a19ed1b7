"""Where knowledge comes from that changes by itself: what a creator sets for each kind of source."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from gpts.values import ShortText, Text, Value

# How often a source is looked at, in hours, and how many files it may become.
LEAST_HOURS: Final = 1
MOST_HOURS: Final = 720
MOST_FILES: Final = 300
MOST_SOURCES: Final = 10  # of a GPT


def _web(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("must be a web address, such as https://example.org/docs/, without a password")
    return url


def _inside(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("must be a folder inside")
    return path.strip("/")


WebAddress = Annotated[Text, Field(max_length=1000), AfterValidator(_web)]
Folder = Annotated[Text, Field(max_length=300), AfterValidator(_inside)]
Name = Annotated[Text, Field(min_length=1, max_length=300)]


class _Settings(Value):
    """What a creator sets, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class WebPage(_Settings):
    """One page, or a file at an address."""

    kind: Literal["page"] = "page"
    url: WebAddress


class Website(_Settings):
    """The pages of a site below `url`, as far as its robots.txt lets programs read them."""

    kind: Literal["site"] = "site"
    url: WebAddress
    most: Annotated[int, Field(ge=1, le=MOST_FILES)] = 100


class Feed(_Settings):
    """The entries of an RSS or Atom feed, the newest `most`."""

    kind: Literal["feed"] = "feed"
    url: WebAddress
    most: Annotated[int, Field(ge=1, le=MOST_FILES)] = 50


class GitRepository(_Settings):
    """The files of a branch (empty: the default one) below `folder`, over HTTPS. Its secret: a token."""

    kind: Literal["git"] = "git"
    url: WebAddress
    branch: ShortText = ""
    folder: Folder = ""


class Bucket(_Settings):
    """The objects of an S3 bucket whose keys begin with `prefix`. Its secret: that of the access key."""

    kind: Literal["s3"] = "s3"
    endpoint: WebAddress
    bucket: Name
    prefix: ShortText = ""
    region: Annotated[Text, Field(max_length=60)] = "us-east-1"
    key_id: ShortText = ""


class Mailbox(_Settings):
    """The messages of the last `days` days in a folder of a mailbox, by IMAP with TLS. Its secret: the password."""

    kind: Literal["imap"] = "imap"
    host: Name
    user: Name
    folder: Name = "INBOX"
    days: Annotated[int, Field(ge=1, le=3650)] = 90


SourceSettings = Annotated[WebPage | Website | Feed | GitRepository | Bucket | Mailbox, Field(discriminator="kind")]
SETTINGS: Final[TypeAdapter[SourceSettings]] = TypeAdapter(SourceSettings)
TITLES: Final = {
    "page": "Web page",
    "site": "Website",
    "feed": "Feed",
    "git": "Git repository",
    "s3": "S3 bucket",
    "imap": "Mailbox",
}
# What the secret of a kind is called; kinds that are missing have none.
SECRETS: Final = {"git": "Token", "s3": "Secret access key", "imap": "Password"}


def address_of(settings: SourceSettings) -> str:
    """Where it is, for people."""
    match settings:
        case Bucket():
            return f"{settings.endpoint.rstrip('/')}/{settings.bucket}/{settings.prefix}"
        case Mailbox():
            return f"{settings.user} at {settings.host}, {settings.folder}"
        case GitRepository(folder=folder) if folder:
            return f"{settings.url}, {folder}"
        case _:
            return settings.url


def host_of(settings: SourceSettings) -> str:
    """The host that the secret is sent to."""
    match settings:
        case Mailbox():
            return settings.host.lower()
        case Bucket():
            return urlsplit(settings.endpoint).netloc.lower()
        case _:
            return urlsplit(settings.url).netloc.lower()


def errors_of(error: ValidationError) -> dict[str, str]:
    """What is wrong with given settings, by field, for their creator."""
    found = {}
    for each in error.errors():
        field = str(each["loc"][-1]) if each["loc"] else "kind"
        words = str(each["ctx"]["error"]) if "error" in each.get("ctx", {}) else each["msg"]
        found[field] = words[:1].upper() + words[1:] + "."
    return found
