"""Buckets, from a server that checks each signature as S3 does."""

from urllib.parse import quote, unquote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gpts.spec.sources import Bucket
from tests.workers.connectors.conftest import by_key
from workers.connectors import SourceError, s3

LIST = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}{}</ListBucketResult>'
ROW = "<Contents><Key>{key}</Key><ETag>&quot;{tag}&quot;</ETag><Size>{size}</Size></Contents>"


def rows(*keys: str, size: int = 8) -> str:
    return "".join(ROW.format(key=key, tag=f"t-{key}", size=size) for key in keys)


def bucket(served, **more: str) -> Bucket:
    return Bucket(endpoint=served.url, bucket="manuals", prefix="pumps/", key_id="id", **more)


def put(served, key: str, text: str) -> None:
    served.put(f"/manuals/{quote(key, safe='/~')}", text, "text/plain")


def test_objects_come_once_over_several_lists(served):
    more = "/manuals?continuation-token=next%2B%2F%3D&list-type=2&prefix=pumps%2F"
    token = "<NextContinuationToken>next+/=</NextContinuationToken>"
    served.put("/manuals", LIST.format(rows("pumps/a &amp; b.md", "pumps/"), token), "text/xml")
    served.put(more, LIST.format(rows("pumps/ü/ä.txt"), ""), "text/xml")
    put(served, "pumps/a & b.md", "12 euros")
    put(served, "pumps/ü/ä.txt", "umlaut")
    served.pages["/manuals"] = (
        served.pages["/manuals"][0],
        served.pages["/manuals"][1].replace(b"a & b", b"a &amp; b"),
    )
    found = by_key(s3.bucket(bucket(served), "secret", served.reader()))
    assert {key: (item.name, item.content) for key, item in found.items()} == {
        "pumps/a & b.md": ("a & b.md", b"12 euros"),
        "pumps/ü/ä.txt": ("ä.txt", b"umlaut"),
    }
    known = {key: item.version for key, item in found.items()}
    assert [item.content for item in s3.bucket(bucket(served), "secret", served.reader(**known))] == [None, None]


def test_each_request_is_signed_for_its_address(served):
    served.put("/manuals", LIST.format(rows("pumps/a b+c~.md"), ""), "text/xml")
    put(served, "pumps/a b+c~.md", "x")
    list(s3.bucket(bucket(served, region="eu-central-1"), "secret", served.reader()))
    assert len(served.asked) == 2
    for path, headers in served.asked:
        request = AWSRequest(method="GET", url=served.url + path)
        request.context["timestamp"] = headers["X-Amz-Date"]
        signer = S3SigV4Auth(Credentials("id", "secret"), "s3", "eu-central-1")
        request.headers["X-Amz-Date"] = headers["X-Amz-Date"]
        request.headers["X-Amz-Content-SHA256"] = headers["X-Amz-Content-SHA256"]
        expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        assert headers["Authorization"].endswith(f"Signature={expected}"), unquote(path)


def test_what_is_too_large_or_gone_is_told_and_the_rest_comes(served):
    served.put(
        "/manuals", LIST.format(rows("pumps/big", size=30_000_000) + rows("pumps/gone", "pumps/ok"), ""), "text/xml"
    )
    put(served, "pumps/ok", "fine")
    found = by_key(s3.bucket(bucket(served), "", served.reader()))
    assert (found["pumps/big"].error, found["pumps/ok"].content) == ("Larger than 20 MB.", b"fine")
    assert "has nothing at this address" in found["pumps/gone"].error
    assert "Authorization" not in served.asked[0][1]


def test_what_is_no_bucket_says_so(served):
    with pytest.raises(SourceError, match="has nothing at this address"):
        list(s3.bucket(bucket(served), "secret", served.reader()))
    served.put("/manuals", "not XML at all", "text/plain")
    with pytest.raises(SourceError, match="did not answer as S3"):
        list(s3.bucket(bucket(served), "secret", served.reader()))
