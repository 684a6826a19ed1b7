"""The texts of emails about what happened. They are made when they are sent, from rows as they are then."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext

from web.accounts import outbox, suspended
from web.accounts.contact import help_line
from web.accounts.invitations import live
from web.accounts.models import User
from web.accounts.models_outbox import Delivery
from web.accounts.services import is_confirmed
from web.builder.access import may_edit
from web.builder.models import Gpt
from web.builder.models_listing import ListingReview
from web.builder.models_shares import GptShare
from web.languages import language_for
from web.moderation.models import Case
from web.moderation.views import DECISIONS
from web.notifications.kinds import KINDS, stop_link
from web.operate.models_backup import Backup
from web.runs.models import Conversation
from web.runs.models_chats import Feedback
from web.store.models import Review

# Subject, text, and the page to go on to.
Mail = tuple[str, str, str]


def composed(delivery: Delivery) -> EmailMessage:
    """The email. Raises Unwanted if the person doesn’t want it any more, or there is nothing left to tell."""
    person, kind = delivery.person, delivery.event
    if kind == outbox.INVITATION:
        return _invitation(delivery)
    if person is None or kind in person.notifications_off or not _may_get(person, kind):
        raise outbox.Unwanted("The person doesn’t want it, or has no confirmed address.")
    with translation.override(language_for(person)):
        subject, text, url = _TEXTS[kind](person, delivery.facts)
        stop = stop_link(person, kind)
        foot = gettext("You get this because of your notifications at {site}. Stop these emails: {url}")
        foot = _joined(help_line(), foot.format(site=settings.SITE_NAME, url=stop))
        body = f"{text}\n\n{url}\n\n--\n{foot}\n"
        headers = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        return outbox.email(delivery, person.email, subject, body, **headers)


def _invitation(delivery: Delivery) -> EmailMessage:
    invitation = _or_unwanted(live().filter(pk=delivery.facts["invitation"]).first())
    address, url = outbox.invited(delivery)
    with translation.override(language_for(None)):
        subject = gettext("You’re invited to {site}").format(site=settings.SITE_NAME)
        until = date_format(invitation.expires, "DATE_FORMAT")
        text = gettext("Create your account with this link. It works until {date}.").format(date=until)
        return outbox.email(delivery, address, subject, f"{_joined(text, url, help_line())}\n")


def _may_get(person: User, kind: str) -> bool:
    """A suspended person is told of decisions only."""
    is_theirs = KINDS[kind].is_for(person)
    is_there = person.has_mail and person.erased is None
    return is_theirs and is_there and (person.is_active or kind == "decisions") and is_confirmed(person)


def _page(name: str, *args: Any) -> str:
    return settings.SITE_URL + reverse(name, args=args)


def _or_unwanted(row: Any) -> Any:
    if row is None:
        raise outbox.Unwanted("It is gone.")
    return row


def _decision(person: User, facts: Mapping[str, Any]) -> Mail:
    if listing := facts.get("listing"):
        return _listed(person, listing)
    case: Case = _or_unwanted(Case.objects.filter(pk=facts["case"], owner=person).first())
    page = _page("decisions") if person.is_active else suspended.link(person)
    if facts.get("is_answer"):
        text = gettext("The decision was taken back.") if case.reversed else gettext("The decision stays.")
        return gettext("Your appeal: {title}").format(title=case.title), _joined(text, case.answer), page
    title = gettext("A decision about {title}").format(title=case.title)
    if case.kind == "account":
        title = gettext("Your account is suspended")
    text = gettext(DECISIONS[Case.Decision(case.decision)])
    return title, _joined(text, case.note, gettext("You can appeal once:")), page


def _listed(person: User, listing: str) -> Mail:
    review: ListingReview = _or_unwanted(ListingReview.objects.filter(pk=listing, gpt__owner=person).first())
    name, page = review.gpt.name, _page("gpt_edit", review.gpt.slug)
    if review.approved:
        return gettext("{name} is in the store").format(name=name), gettext("An admin approved it."), page
    subject = gettext("{name} was not listed").format(name=name)
    return subject, _joined(gettext("An admin sent it back."), review.note), page


def _joined(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _feedback(person: User, facts: Mapping[str, Any]) -> Mail:
    since = datetime.fromisoformat(facts["since"])
    lines = []
    for gpt in Gpt.objects.filter(owner=person, deleted=None).order_by("name"):
        reviews = Review.objects.filter(gpt=gpt, changed__gte=since, hidden=None).exclude(owner=person).count()
        ratings = Feedback.objects.filter(gpt=gpt, created__gte=since).exclude(owner=person).count()
        if reviews or ratings:
            counts = gettext("{name}: {reviews} reviews, {ratings} rated answers")
            lines.append(counts.format(name=gpt.name, reviews=reviews, ratings=ratings))
    if not lines:
        raise outbox.Unwanted("It was taken back.")
    return gettext("What people think of your GPTs"), "\n".join(lines), _page("gpts")


def _approval(person: User, facts: Mapping[str, Any]) -> Mail:
    own = Conversation.objects.filter(pk=facts["conversation"], owner=person, deleted=None)
    chat: Conversation = _or_unwanted(own.select_related("gpt__published").first())
    name = chat.gpt.live.name
    text = gettext("{name} needs your approval to go on. Decide in the chat.").format(name=name)
    return gettext("{name}: your approval is needed").format(name=name), text, _page("chat", chat.pk)


def _share(person: User, facts: Mapping[str, Any]) -> Mail:
    shared = GptShare.objects.of(person).filter(gpt=facts["gpt"])
    found = Gpt.objects.chattable_by(person).filter(pk__in=shared.values("gpt"))
    gpt: Gpt = _or_unwanted(found.select_related("published", "owner").first())
    texts = {"person": gpt.owner.shown_name, "name": gpt.live.name}
    subject = gettext("{person} shared {name} with you").format(**texts)
    if may_edit(person, gpt):
        return subject, gettext("You can use it in your chats, and edit it."), _page("gpt_edit", gpt.slug)
    return subject, gettext("You can use it in your chats now."), _page("gpt", gpt.slug)


def _report(person: User, facts: Mapping[str, Any]) -> Mail:
    if listing := facts.get("listing"):
        text = gettext("A GPT waits to be reviewed before it is listed.")
        return text, text, _page("admin:builder_listingreview_change", listing)
    text = gettext("A report or an appeal waits for a decision.")
    return text, text, _page("admin:moderation_case_change", facts["case"])


def _backup(person: User, facts: Mapping[str, Any]) -> Mail:
    backup = Backup.objects.filter(pk=facts["backup"]).first()
    return gettext("A backup failed"), backup.error if backup else "", _page("admin:index")


def _workers(person: User, facts: Mapping[str, Any]) -> Mail:
    queue = facts["queue"]
    if facts["is_away"]:
        text = gettext("No worker of the queue “{queue}” has announced itself for minutes.").format(queue=queue)
    else:
        text = gettext("Too much waits in the queue “{queue}”.").format(queue=queue)
    return text, gettext("See what waits, and why:"), _page("admin:health")


_TEXTS: Final[Mapping[str, Callable[[User, Mapping[str, Any]], Mail]]] = {
    "decisions": _decision,
    "feedback": _feedback,
    "approvals": _approval,
    "shares": _share,
    "reports": _report,
    "backups": _backup,
    "workers": _workers,
}
