from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0019_single_sign_on")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="is_moderator",
            field=models.BooleanField(
                default=False, verbose_name="Moderator", help_text="Decides reports and store listings, and hides reviews."
            ),
        ),
    ]
