"""Takes over the reports of reviews, which had a table of their own."""

from typing import Any

from django.db import migrations


def take_over(apps: Any, schema_editor: Any) -> None:
    Case, Report = apps.get_model("moderation", "Case"), apps.get_model("moderation", "Report")
    for old in apps.get_model("store", "ReviewReport").objects.select_related("review"):
        case, _ = Case.objects.get_or_create(review=old.review, owner_id=old.review.owner_id, decided=None)
        report = Report.objects.create(case=case, owner_id=old.owner_id, reason="other", text=old.reason)
        Report.objects.filter(pk=report.pk).update(created=old.created)
        if old.review.hidden:  # which was the decision
            Case.objects.filter(pk=case.pk).update(decision="remove", decided=old.review.hidden)


class Migration(migrations.Migration):
    dependencies = [("moderation", "0001_cases"), ("store", "0001_reviews_profiles_collections")]
    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
