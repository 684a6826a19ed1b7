"""The page on which creators share their GPT with people and groups."""

from typing import Any, Final, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from web.accounts.models import User
from web.builder import shares
from web.builder.models import Gpt
from web.builder.models_shares import GptShare
from web.builder.views import of_own_gpt

# What the page says of each right.
RIGHTS: Final = {
    GptShare.Right.CHAT: (gettext_noop("Can chat"), gettext_noop("They use the live version.")),
    GptShare.Right.VIEW: (
        gettext_noop("Can see its settings"),
        gettext_noop("They can also copy it with its files, without the keys of its actions."),
    ),
    GptShare.Right.EDIT: (
        gettext_noop("Can edit"),
        gettext_noop(
            "They can also change and publish it, for the people you chose. Only you can share, embed or delete it."
        ),
    ),
}


@never_cache
@require_http_methods(["GET", "POST"])
@of_own_gpt
def people(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """With whom the GPT is shared. `?see=` an email address or a user name: what that person would get."""
    error = ""
    if request.method == "POST":
        try:
            made = _share(gpt, request.POST)
        except ValidationError as refused:
            error = " ".join(refused.messages)
        else:
            why = shares.why_waiting(made, cast(User, request.user))
            messages.success(request, f"{gettext('Shared.')} {why}".strip())
            return redirect("gpt_people", gpt.slug)
    context = {
        "gpt": gpt,
        "shares": [_row(each, cast(User, request.user)) for each in gpt.shares.select_related("user", "group")],
        "rights": RIGHTS.items(),
        "groups": shares.groups_for(gpt.owner),
        "error": error,
        **_seen(gpt, request.GET.get("see", "").strip().lower()),
    }
    return render(request, "builder/people.html", context)


def _row(share: GptShare, reader: User) -> dict[str, Any]:
    """A share with what it waits for, and for operators whose account to confirm."""
    why = shares.why_waiting(share, reader)
    return {
        "share": share,
        "why": why,
        "person": shares.account_with(share.address) if why and reader.is_staff else None,
    }


def _share(gpt: Gpt, sent: Any) -> GptShare:
    right = sent.get("right") if sent.get("right") in GptShare.Right.values else GptShare.Right.CHAT
    group = sent.get("group", "")
    return shares.share(
        gpt, right, email=sent.get("email", "").strip(), group=int(group) if group.isdecimal() else None
    )


def _seen(gpt: Gpt, email: str) -> dict[str, Any]:
    if not email:
        return {}
    person = shares.person_with(email)
    return {"see": person.sign_in_name, "view": shares.seen_by(gpt, person)}


@require_POST
@of_own_gpt
def unshare(request: HttpRequest, gpt: Gpt, share_id: int) -> HttpResponse:
    """End a share."""
    if not shares.unshare(gpt, share_id):
        raise Http404("Not shared with them.")
    messages.success(request, gettext("No longer shared."))
    return redirect("gpt_people", gpt.slug)
