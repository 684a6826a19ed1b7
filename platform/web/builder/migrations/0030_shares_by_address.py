from django.db import migrations, models
from django.db.models import Q


def fill(apps, schema_editor):
    shares, users = apps.get_model("builder", "GptShare").objects, apps.get_model("accounts", "User").objects
    address = users.filter(pk=models.OuterRef("user")).values("email")
    shares.exclude(user=None).update(address=models.Subquery(address))


def forget(apps, schema_editor):
    apps.get_model("builder", "GptShare").objects.filter(user=None, group=None).delete()


class Migration(migrations.Migration):

    dependencies = [("builder", "0029_language_and_top_p")]

    operations = [
        migrations.RemoveConstraint(model_name="gptshare", name="gpt_share_of_person_or_group"),
        migrations.AddField(
            model_name="gptshare",
            name="address",
            field=models.EmailField(blank=True, db_index=True, default="", max_length=254),
            preserve_default=False,
        ),
        migrations.RunPython(fill, forget),
        migrations.AddConstraint(
            model_name="gptshare",
            constraint=models.UniqueConstraint(
                condition=Q(("group", None), ("user", None)),
                fields=("gpt", "address"),
                name="gpt_share_once_per_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="gptshare",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(("address", ""), ("group__isnull", False), ("user", None)),
                    Q(Q(("address", ""), _negated=True), ("group", None)),
                    _connector="OR",
                ),
                name="gpt_share_of_address_or_group",
            ),
        ),
    ]
