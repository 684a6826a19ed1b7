import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel("User", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("password", models.CharField(max_length=128, verbose_name="password")),
            ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
            ("is_superuser", models.BooleanField(default=False, help_text="Designates that this user has all permissions without explicitly assigning them.", verbose_name="superuser status")),
            ("is_staff", models.BooleanField(default=False, help_text="Designates whether the user can log into this admin site.", verbose_name="staff status")),
            ("is_active", models.BooleanField(default=True, help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.", verbose_name="active")),
            ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
            ("email", models.EmailField(max_length=254, unique=True)),
            ("name", models.CharField(blank=True, help_text="Shown as the creator of your GPTs.", max_length=60)),
            ("groups", models.ManyToManyField(blank=True, help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.", related_name="user_set", related_query_name="user", to="auth.group", verbose_name="groups")),
            ("user_permissions", models.ManyToManyField(blank=True, help_text="Specific permissions for this user.", related_name="user_set", related_query_name="user", to="auth.permission", verbose_name="user permissions")),
        ], {"verbose_name": "user", "verbose_name_plural": "users", "abstract": False}),
        migrations.CreateModel("ApiKey", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=60)), ("prefix", models.CharField(max_length=12)),
            ("hash", models.CharField(max_length=64, unique=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("expires", models.DateTimeField(blank=True, null=True)),
            ("revoked", models.DateTimeField(blank=True, null=True)),
            ("last_used", models.DateTimeField(blank=True, null=True)),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="api_keys", to=settings.AUTH_USER_MODEL)),
        ], {"ordering": ["-created"]}),
        migrations.CreateModel("SignInLink", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("hash", models.CharField(max_length=64, unique=True)), ("expires", models.DateTimeField()),
            ("used", models.DateTimeField(blank=True, null=True)),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="sign_in_links", to=settings.AUTH_USER_MODEL)),
        ]),
    ]
