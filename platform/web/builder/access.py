"""Who may reach a GPT: each `access_*` returns it for a person who may, and raises Http404 for anybody else."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.urls import resolve, reverse
from django.utils.translation import gettext

from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import GptQuerySet, LinkGrant, Sharing


def _called(slug: str) -> GptQuerySet:
    return Gpt.objects.filter(slug=slug).order_by().select_related("published", "owner")


def access_gpt(user: Any, slug: str) -> Gpt:
    """The GPT that `user` may chat with: the only way one is fetched on a person's behalf. Raises Http404."""
    # The second query includes the first.
    for gpt in _called(slug).own_or_open_to_all(user.pk or 0) or _called(slug).chattable_by(user):
        return gpt
    text = gettext("GPT “{slug}” not found, or you don’t have access to it. Ask whoever sent you here to share it.")
    raise Http404(text.format(slug=slug))


def access_published(user: Any, slug: str) -> Gpt:
    """The published GPT that `user` may chat with, by a slug from outside. Raises Http404."""
    gpt = access_gpt(user, slug.replace("\x00", ""))
    if gpt.published is None:
        raise Http404(f"{gpt.name} is not published.")
    return gpt


def access_own_gpt(user: Any, slug: str) -> Gpt:
    """The GPT of `user`, for what only its owner may: decide for whom it is, read what people say of it, delete it.

    Raises Http404 for any other.
    """
    return _by_slug(Gpt.objects.owned_by(user), slug)


def access_draft(user: Any, slug: str) -> Gpt:
    """The GPT whose draft `user` may change, try and publish: its owner, and those it is shared with to edit.

    Raises Http404 for any other. Whoever acts on it passes `user` on, as `by`.
    """
    return _by_slug(Gpt.objects.editable_by(user), slug)


def _by_slug(gpts: "QuerySet[Gpt]", slug: str) -> Gpt:
    gpts = gpts.select_related("published", "owner")
    gpt = gpts.filter(slug=slug).first() or gpts.filter(former_slug=slug).first()
    if gpt is None:
        raise Http404(gettext("GPT “{slug}” not found, or you can’t edit it.").format(slug=slug))
    return gpt


def access_settings(user: Any, slug: str) -> Gpt:
    """The GPT whose whole draft `user` may see. Raises Http404 for any other."""
    try:
        return Gpt.objects.settings_visible_to(user).select_related("published", "owner").get(slug=slug)
    except Gpt.DoesNotExist:
        raise Http404(f"GPT “{slug}” not found, or you can’t see its settings.") from None


def behind_link(secret: str, slug: str = "") -> Gpt | None:
    """The GPT that a secret link (with this slug) opens now."""
    shared = Gpt.objects.filter(link_secret=secret, sharing=Sharing.LINK, deleted=None, published__isnull=False)
    gpts = shared.select_related("published", "owner").filter(**({"slug": slug} if slug else {}))
    return gpts.first() if secret else None


def name_behind(path: str) -> str:
    """The name of the GPT that this path opens for anybody who signs in; empty if there is none."""
    try:
        url = urlsplit(path.replace("\x00", ""))
        slug = resolve(url.path).kwargs.get("slug", "")
    except (Http404, ValueError):  # no address of the site, or none at all
        return ""
    secret = parse_qs(url.query).get("link", [""])[0]
    in_store = Gpt.objects.in_store().select_related("published").filter(slug=slug)
    gpt = (in_store.first() or behind_link(secret, slug)) if slug else None
    return gpt.live.name if gpt else ""


def open_link(user: User, secret: str, slug: str = "") -> Gpt:
    """The GPT behind a secret link (with this slug), which `user` may chat with from now on. Raises Http404."""
    gpt = behind_link(secret, slug)
    if gpt is None:
        raise Http404(gettext("This link no longer works. Ask the person who sent it to you for a new one."))
    LinkGrant.objects.get_or_create(gpt=gpt, user=user)
    return gpt


def link_of(gpt: Gpt) -> str:
    """The absolute URL of the page of `gpt` for those who are to use it, with its secret if it is shared by link."""
    secret = f"?link={gpt.link_secret}" if gpt.link_secret else ""
    return f"{settings.SITE_URL}{reverse('gpt', args=[gpt.slug])}{secret}"


def may_edit(user: User, gpt: Gpt) -> bool:
    """Whether `user` may edit the draft of `gpt` now, on whose behalf something goes on."""
    return user.is_active and (user.pk == gpt.owner_id or Gpt.objects.editable_by(user).filter(id=gpt.id).exists())


def may_have_files(user: Any, gpt: Gpt) -> bool:
    """Whether `user` may download the files of `gpt`, and have its tools open them, by its creator's settings now."""
    if gpt.owner_id == user.id:
        return True
    may = Gpt.objects.chattable_by if gpt.lets("files_downloadable") else Gpt.objects.editable_by
    return may(user).filter(id=gpt.id).exists()
