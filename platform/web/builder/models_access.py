"""Who has access to a GPT, as filters of its table."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from gpts.spec.gpt import UNTITLED
from web.accounts.models import User
from web.builder.models_shares import GptShare
from web.builder.models_widgets import Widget
from web.builder.set_up import missing_here

if TYPE_CHECKING:
    from web.builder.models import Gpt  # noqa: F401 - the type of its rows


class Sharing(models.TextChoices):
    """Who besides the owner may chat with a published GPT."""

    ME = "me", gettext_lazy("Only me")
    LINK = "link", gettext_lazy("Anyone with the link")
    STORE = "store", gettext_lazy("Everyone")


class LinkGrant(models.Model):
    """A person who opened a GPT's secret link, and may chat with it while it is shared by link."""

    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="link_grants")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gpt", "user"], name="link_grant_once")]

    def __str__(self) -> str:
        return f"{self.user} → {self.gpt}"


# The owner of the samples, who has no password.
SAMPLES_EMAIL: Final = "hall@localhost"
_OPEN_TO_ALL = Q(sharing=Sharing.STORE, published__isnull=False)


class GptQuerySet(models.QuerySet["Gpt"]):
    """Every read on a person's behalf starts with one of these filters, so that access is denied by default."""

    def owned_by(self, user: Any) -> "GptQuerySet":
        """GPTs of `user`, who alone decides for whom they are."""
        return self.filter(owner=user, deleted=None) if user.is_authenticated else self.none()

    def editable_by(self, user: Any) -> "GptQuerySet":
        """GPTs whose draft `user` may change and publish: their own, and those that are shared with them so."""
        return self._own_or_shared(user, GptShare.Right.EDIT)

    def untouched(self) -> "GptQuerySet":
        """Drafts in which nothing is filled in: those that a conversation on the Create tab began and left."""
        nothing = dict.fromkeys(
            ("published", "files", "actions", "mcp_servers", "remote_agents", "delegates", "sources", "shares")
        )
        empty = dict.fromkeys(("description", "instructions", "picture"), "")
        return self.filter(name=UNTITLED, revision=0, imported={}, sharing=Sharing.ME, **empty, **nothing)

    def settings_visible_to(self, user: Any) -> "GptQuerySet":
        """GPTs whose whole draft `user` may see, and so copy: their own, and those that are shared with them so."""
        return self._own_or_shared(user, GptShare.Right.VIEW, GptShare.Right.EDIT)

    def _own_or_shared(self, user: Any, *rights: str) -> "GptQuerySet":
        if not user.is_authenticated:
            return self.none()
        may = GptShare.objects.of(user).filter(right__in=rights).values("gpt")
        return self.filter(Q(owner=user) | Q(id__in=may, withdrawn=None), deleted=None)

    def chattable_by(self, user: Any) -> "GptQuerySet":
        """GPTs that `user` may see and chat with: their own, those shared with them or their groups, those in the
        store, those whose link they opened. Unpublished ones only if they may edit them.

        Visitors of another site: the GPT whose widget they use, and those in the store, which it may ask.
        """
        if not user.is_authenticated:
            return self.in_store()
        linked = Q(
            sharing=Sharing.LINK, published__isnull=False, id__in=LinkGrant.objects.filter(user=user).values("gpt")
        )
        visited = Q(
            published__isnull=False, id__in=Widget.objects.filter(is_on=True, visitors__user=user).values("gpt")
        )
        return self.filter(Q(owner=user) | _OPEN_TO_ALL | _shared(user) | linked | visited, deleted=None)

    def shared_with(self, user: User) -> "GptQuerySet":
        """GPTs of others that `user` may chat with because they are shared with them or their groups."""
        return self.filter(_shared(user), deleted=None).exclude(owner=user)

    def own_or_open_to_all(self, person: Any) -> "GptQuerySet":
        """Most of those that the person with this id may chat with: not those shared with them."""
        return self.filter(Q(owner=person) | _OPEN_TO_ALL, deleted=None)

    def in_store(self) -> "GptQuerySet":
        """Published GPTs that everyone can find. A sample is not among them until what it needs is set up."""
        shown = self.filter(_OPEN_TO_ALL, deleted=None)
        return shown.exclude(id__in=self.model._default_manager.filter(_waits())) if missing_here() else shown

    def samples_to_set_up(self) -> "GptQuerySet":
        """The published samples that are left out of the store."""
        return self.filter(_OPEN_TO_ALL, _waits(), deleted=None)


def _shared(user: User) -> Q:
    ready = Q(right=GptShare.Right.EDIT) | Q(gpt__published__isnull=False)
    return Q(withdrawn=None, id__in=GptShare.objects.of(user).filter(ready).values("gpt"))


def _waits() -> Q:
    """Samples with a capability that an operator has not set up; none if all are."""
    needs = (Q(search_entry__facets__contains=f" {key} ") for key in missing_here())
    return Q(owner__email=SAMPLES_EMAIL) & reduce(or_, needs, Q(pk__in=[]))
