"""Buckets of S3 and of servers that speak its language (MinIO, Garage, Ceph), read with signed requests."""

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlencode

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gpts.spec.sources import MOST_FILES, Bucket
from workers.connectors import MOST_BYTES, Item, Reader, SourceError
from workers.egress import EgressError

_PAGES: Final = 10  # of a list, of 1,000 objects each


def bucket(settings: Bucket, secret: str, reader: Reader) -> Iterator[Item]:
    """The objects below the prefix, those with names that end in "/" aside: they stand for folders."""
    n = 0
    for each in _listed(settings, secret, reader):
        if each["Key"].endswith("/"):
            continue
        n += 1
        if n > MOST_FILES:
            raise SourceError(f"There are more than {MOST_FILES} objects. Choose a longer prefix.")
        yield _item(each, settings, secret, reader)


def _listed(settings: Bucket, secret: str, reader: Reader) -> Iterator[dict[str, str]]:
    more = ""
    for _ in range(_PAGES):
        query = {"list-type": "2", "prefix": settings.prefix, **({"continuation-token": more} if more else {})}
        url = f"{_base(settings)}?{urlencode(sorted(query.items()), quote_via=quote)}"
        content = reader.get(url, _signed(url, settings, secret)).content
        found = json.loads(reader.isolated("pages:objects_here", content))
        if not found["is_list"]:
            raise SourceError("The server did not answer as S3 does.")
        yield from found["objects"]
        more = found["more"]
        if not more:
            return


def _item(listed: dict[str, str], settings: Bucket, secret: str, reader: Reader) -> Item:
    key, version = listed["Key"], listed["ETag"]
    name = key.rpartition("/")[2]
    if version and reader.known.get(key) == version:
        return Item(key, name, version)
    if not listed["Size"].isdigit() or int(listed["Size"]) > MOST_BYTES:
        return Item(key, name, version, error=f"Larger than {MOST_BYTES // 1_000_000} MB.")
    url = f"{_base(settings)}/{quote(key, safe='/~')}"
    try:
        return Item(key, name, version, reader.get(url, _signed(url, settings, secret)).content)
    except (SourceError, EgressError) as error:
        return Item(key, name, version, error=str(error))


def _base(settings: Bucket) -> str:
    return f"{settings.endpoint.rstrip('/')}/{quote(settings.bucket)}"


def _signed(url: str, settings: Bucket, secret: str) -> dict[str, str]:
    """The headers of a GET request (Signature Version 4); none without a key, for public buckets."""
    if not (settings.key_id and secret):
        return {}
    request = AWSRequest(method="GET", url=url)
    S3SigV4Auth(Credentials(settings.key_id, secret), "s3", settings.region).add_auth(request)
    return dict(request.headers.items())
