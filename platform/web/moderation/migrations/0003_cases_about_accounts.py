from django.db import migrations, models
from django.db.models import Q

_ABOUT_NOTHING_ELSE = Q(review=None, share=None) | Q(gpt=None, share=None) | Q(gpt=None, review=None)


def forget(apps, schema_editor):
    """The release before knows no cases about accounts."""
    if schema_editor.connection.vendor == "postgresql":  # or the table could not be altered after it
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    apps.get_model("moderation", "Case").objects.filter(gpt=None, review=None, share=None).delete()


class Migration(migrations.Migration):
    dependencies = [("moderation", "0002_reports_of_reviews")]

    operations = [
        migrations.RemoveConstraint(model_name="case", name="case_about_one_thing"),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(condition=_ABOUT_NOTHING_ELSE, name="case_about_one_thing_at_most"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=Q(gpt__isnull=False)
                | Q(review__isnull=False)
                | Q(share__isnull=False)
                | Q(decided__isnull=False),
                name="case_about_account_is_decided",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget),
    ]
