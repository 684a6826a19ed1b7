"""What follows from a decision, and how an appeal takes it back."""

from django.core.exceptions import ValidationError

from web.accounts import people
from web.accounts.models import User
from web.builder import stewardship
from web.moderation.models import Case
from web.store import reviews

Decision = Case.Decision


def bring_about(case: Case, by: User) -> None:
    """Do what was decided. Raises ValidationError if it cannot be."""
    match case.decision:
        case Decision.UNLIST if case.gpt:
            stewardship.unlist(case.gpt, by)
        case Decision.WITHDRAW if case.gpt:
            stewardship.withdraw(case.gpt, by)
        case Decision.REMOVE if case.review:
            reviews.hide(case.review, True)
        case Decision.REMOVE if case.share:
            case.share.revoked = case.share.revoked or case.decided
            case.share.save(update_fields=["revoked"])
        case Decision.SUSPEND:
            if case.owner == by or case.owner.is_staff:
                raise ValidationError("An admin can’t be suspended here.")
            people.suspend(case.owner, by)


def take_back(case: Case, by: User) -> None:
    """Undo what was decided. A GPT that was withdrawn altogether is its creator’s alone, to share again."""
    match case.decision:
        case Decision.UNLIST if case.gpt:
            stewardship.list_again(case.gpt, by)
        case Decision.WITHDRAW if case.gpt and case.gpt.withdrawn:
            stewardship.restore(case.gpt, by)
        case Decision.REMOVE if case.review:
            reviews.hide(case.review, False)
        case Decision.REMOVE if case.share and case.share.revoked == case.decided:
            case.share.revoked = None
            case.share.save(update_fields=["revoked"])
        case Decision.SUSPEND:
            people.reactivate(case.owner, by)
