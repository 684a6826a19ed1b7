"""The audit log's table: who did what to what, and when. `accounts/audit.py` writes it and says what may be in it."""

from typing import ClassVar

from django.db import models


class Act(models.TextChoices):
    """Everything that the audit log records. The part before the dot is its subject."""

    SIGN_IN = "sign-in.done", "Signed in"
    SIGN_IN_FAILED = "sign-in.failed", "Sign-in failed"
    SIGN_OUT = "sign-in.ended", "Signed out"
    LINK_MADE = "sign-in.link", "Sign-in link created"
    PASSWORD_CHANGED = "account.password", "Password changed"
    SIGN_IN_JOINED = "sign-in.joined", "Sign-in of a provider joined to an account"
    SIGN_IN_REMOVED = "sign-in.removed", "Sign-in of a provider removed from an account"
    SIGN_IN_PROVIDER = "sign-in.provider", "Single sign-on changed"
    SECOND_FACTOR_ADDED = "second-factor.added", "Second factor added"
    SECOND_FACTOR_REMOVED = "second-factor.removed", "Second factor removed"
    KEY_CREATED = "key.created", "API key created"
    KEY_REVOKED = "key.revoked", "API key revoked"
    PROGRAM_CONNECTED = "program.connected", "Program connected"
    PROGRAM_ENDED = "program.ended", "Program disconnected"
    CHAT_SHARED = "chat.shared", "Chat shared"
    CHAT_UNSHARED = "chat.unshared", "Sharing of a chat ended"
    GPT_SHARED = "gpt.shared", "Sharing of a GPT changed"
    GPT_PUBLISHED = "gpt.published", "GPT published"
    GPT_DELETED = "gpt.deleted", "GPT deleted"
    APPROVAL = "approval.answered", "Approval answered"
    PERMISSION_GIVEN = "permission.given", "Permission given"
    PERMISSION_ENDED = "permission.ended", "Permission withdrawn"
    INVITATION_CREATED = "invitation.created", "Invitation created"
    INVITATION_USED = "invitation.used", "Invitation used"
    INVITATION_WITHDRAWN = "invitation.withdrawn", "Invitation withdrawn"
    SCIM_TOKEN_CREATED = "scim-token.created", "SCIM token created"
    SCIM_TOKEN_WITHDRAWN = "scim-token.withdrawn", "SCIM token withdrawn"
    PERSON_CREATED = "person.created", "Account created"
    PEOPLE_ADDED = "person.list", "People added from a list"
    PERSON_CHANGED = "person.changed", "Account changed"
    PERSON_CLOSED = "person.closed", "Account closed"
    PERSON_EXPORTED = "person.exported", "Data exported by its person"
    PERSON_SUSPENDED = "person.suspended", "Person suspended"
    PERSON_REACTIVATED = "person.reactivated", "Person reactivated"
    PERSON_SIGNED_OUT = "person.signed-out", "Signed out everywhere"
    GROUP_CHANGED = "group.changed", "Group changed"
    QUOTA_CHANGED = "quota.changed", "Quota changed"
    LISTING_ASKED = "listing.asked", "GPT sent for review before listing"
    LISTING_WITHDRAWN = "listing.withdrawn", "GPT no longer sent for review"
    LISTING_DECIDED = "listing.decided", "GPT reviewed before listing"
    GPT_FEATURED = "gpt.featured", "GPT featured, or no longer"
    GPT_WITHDRAWN = "gpt.withdrawn", "GPT withdrawn from the store"
    GPT_RESTORED = "gpt.restored", "GPT restored"
    GPT_TRANSFERRED = "gpt.transferred", "GPT transferred"
    CATEGORIES_CHANGED = "store.categories", "Categories changed"
    MODEL_CHANGED = "model.changed", "Model changed"
    SETTING_CHANGED = "setting.changed", "Setting changed"
    REPORT_FILED = "report.filed", "Something reported"
    REPORT_DECIDED = "report.decided", "Report decided"
    REPORT_APPEALED = "report.appealed", "Decision appealed"
    REPORT_ANSWERED = "report.answered", "Appeal answered"
    BACKUP_MADE = "backup.made", "Backup made"
    BACKUP_FAILED = "backup.failed", "Backup failed"
    BACKUP_WANTED = "backup.wanted", "Restoring of a backup asked for"
    BACKUP_RESTORED = "backup.restored", "Backup restored"
    BACKUP_DOWNLOADED = "backup.downloaded", "Backup downloaded"
    BACKUP_DELETED = "backup.deleted", "Backup deleted"
    PERSON_ERASED = "person.erased", "Person erased"
    WORKER_AWAY = "worker.away", "Workers of a queue are away"
    QUEUE_SLOW = "queue.slow", "A queue is too long"
    QUEUE_WELL = "queue.well", "A queue is served again"
    WEBHOOK_CHANGED = "webhook.changed", "Webhook added, changed or removed"
    AUDIT_EXPORTED = "audit.exported", "Audit log exported"


class AuditRow(models.Model):
    """Something that was done. Rows are only ever added: triggers of the database refuse all else.

    `by` has done it, nobody known if null: neither key is followed when a person is deleted, which leaves an id that
    belongs to nobody. `about_kind` is the name of a model, and `about_id` its row; or both are as the act needs.
    """

    at = models.DateTimeField(auto_now_add=True)
    act = models.CharField(max_length=30)  # one of Act, without `choices`, so that a new one needs no migration
    by = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    about_kind = models.CharField(max_length=40, blank=True)
    about_id = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "accounts_audit"
        ordering: ClassVar = ["-id"]
        verbose_name, verbose_name_plural = "entry of the audit log", "audit log"
        indexes: ClassVar = [
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["act", "-id"], name="audit_act"),
            models.Index(fields=["by", "-id"], name="audit_by"),
            models.Index(fields=["about_kind", "about_id", "-id"], name="audit_about"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.about_kind} {self.about_id}".rstrip()
