"""Static files, compressed once for each release, under addresses of which a browser asks only once.

The release is part of the address, so relative imports of scripts and pictures of stylesheets lead to the same one.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.http import Http404, HttpRequest, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.views.decorators.http import require_safe
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedStaticFilesStorage

# Of packages, what no page of this site loads.
_UNUSED: Final = ["*.map", "redoc*"]
_RELEASE: Final = re.compile(r"^[0-9a-f]{12}/")
_NAME: Final = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*")


class Gzipped(CompressedStaticFilesStorage):
    """Files with a copy by gzip alone: Brotli's takes ten times as long, and a start would wait for it."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """What makes the copies."""
        return Compressor(use_brotli=False, **kwargs)


def release_of(folder: Path, packages: Iterable[str]) -> str:
    """A digest of the files in `folder`, and of the versions of packages that bring files of their own."""
    digest = hashlib.blake2b(digest_size=6)
    for name in packages:
        digest.update(f"{name}={version(name)}\0".encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def collect() -> None:
    """Put this release's files with compressed copies into STATIC_ROOT, instead of an older release's."""
    root = Path(settings.STATIC_ROOT or "")
    if settings.DEBUG or root.is_dir():
        return
    shutil.rmtree(root.parent, ignore_errors=True)
    root.parent.mkdir(parents=True)
    # Another process of this site may do the same: what is there is whole.
    with tempfile.TemporaryDirectory(dir=root.parent) as made:
        settings.STATIC_ROOT = f"{made}/files"
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=_UNUSED)
        settings.STATIC_ROOT = root
        if not root.is_dir():
            Path(made, "files").rename(root)


@require_safe
def redirect(request: HttpRequest, path: str) -> HttpResponseRedirect:
    """Redirects an address of an older release, or of none, to the file of this one."""
    name = _RELEASE.sub("", path)
    if request.path == static(name) or not _NAME.fullmatch(name) or not finders.find(name):
        raise Http404
    return HttpResponseRedirect(static(name))


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a phone needs to put the site on its home screen (https://www.w3.org/TR/appmanifest/)."""
    icons = [("icon-180.png", "180x180", "image/png"), ("icon-512.png", "512x512", "image/png")]
    shown = {
        "name": settings.SITE_NAME,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "icons": [{"src": static(name), "sizes": sizes, "type": kind} for name, sizes, kind in icons],
    }
    return JsonResponse(shown, content_type="application/manifest+json")
