"""Pages of creators. There is none until a person turns theirs on; until then only their name is shown."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.text import slugify
from django.utils.translation import gettext

from gpts.safety.invisible_characters import visible
from web.accounts.models import User
from web.languages import too_long
from web.store.models import ABOUT_CHARS, Profile


def profile_of(user: User) -> Profile:
    """The profile of `user`, which may not be saved yet."""
    return Profile.objects.filter(user=user).first() or Profile(user=user)


def access_profile(slug: str, user: Any) -> Profile:
    """The profile with this slug, if it is public or the person's own. Raises Http404."""
    profile = Profile.objects.filter(slug=slug, user__is_active=True).select_related("user").first()
    if profile is None or not (profile.public or profile.user == user):
        raise Http404(gettext("Creator not found."))
    return profile


def change(user: User, *, public: bool, about: str) -> Profile:
    """The profile, changed. Raises ValidationError, as without a name: it never shows a part of the email address."""
    about = visible(about).strip()
    if len(about) > ABOUT_CHARS:
        raise ValidationError({"about": too_long(about, ABOUT_CHARS)})
    if public and not user.name.strip():
        raise ValidationError({"public": gettext("Set your name first. It is the title of your page.")})
    profile = profile_of(user)
    profile.public, profile.about = public, about
    if profile.slug:
        profile.save()
        return profile
    for _ in range(5):  # another request may take the slug before the insert
        profile.slug = _free_slug(user)
        try:
            with transaction.atomic():
                profile.save(force_insert=True)
        except IntegrityError:
            continue
        return profile
    raise ValidationError(gettext("Couldn’t save. Try again."))


def _free_slug(user: User) -> str:
    base = slugify(user.name)[:60] or "creator"
    taken = set(Profile.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for n in range(len(taken) + 1) if (slug := f"{base}-{n + 1}" if n else base) not in taken)
