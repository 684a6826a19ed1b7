"""The operator's table of models: what is read, what is refused with a sentence, and who may choose what."""

from types import SimpleNamespace

import pytest

from web import engines as engines_module
from web.engines import DEFAULT, NO_FALLBACK, engines, forget, offered, read_engines
from web.operate.models_connected import ConnectedModel, seal_key

CLOUD = '[cloud]\nurl = "https://api.example.org/v1"\nmodel = "big-1"\n'
KEY = "sk-very-secret-0123456789"


def read(tmp_path, text: str, **variables: str):
    file = tmp_path / "engines.toml"
    file.write_text(text, "utf-8")
    return read_engines(file, lambda name: variables.get(name, ""))


def test_without_a_file_there_is_the_default_model_only(tmp_path):
    found, wrong = read_engines(tmp_path / "none.toml", lambda name: "")
    assert (list(found), wrong) == ([DEFAULT], [])


def test_a_key_comes_from_the_environment_and_is_never_printed(tmp_path):
    found, wrong = read(tmp_path, CLOUD + 'key_env = "CLOUD_KEY"', CLOUD_KEY=KEY)
    assert not wrong
    assert found["cloud"].key.get_secret_value() == KEY
    assert KEY not in f"{found!r} {found['cloud']} {found['cloud'].model_dump_json()}"


def test_an_entry_is_named_by_its_title_and_falls_back_to_the_default(tmp_path):
    found, _ = read(
        tmp_path,
        CLOUD + 'title = "Cloud"\nability = {sees_images = true}\nreads_tokens = 9000\n[default]\ntitle = "Home"',
    )
    assert (found["cloud"].title, found["cloud"].fallback, found[DEFAULT].title) == ("Cloud", DEFAULT, "Home")
    assert found["cloud"].overrides == {"sees_images": True, "reads_tokens": 9_000}


def test_prices_are_for_a_million_tokens(tmp_path):
    found, _ = read(tmp_path, CLOUD + "input_price = 3\noutput_price = 15.0")
    assert found["cloud"].cost(1_000_000, 100_000) == 4.5
    assert found[DEFAULT].cost(1, 1) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f'{CLOUD}keys = "{KEY}"', "[cloud] has the unknown key keys. It can have: url, model,"),
        (CLOUD + CLOUD, "It can't be read: Cannot declare"),
        ('[cloud]\nmodel = "m"\nurl = "example.org"', "[cloud] needs url"),
        (f'[cloud]\nmodel = "m"\nurl = "https://me:{KEY}@example.org"', "[cloud] has a url with a password"),
        (f'[cloud]\nmodel = "m"\nurl = "https://example.org/?key={KEY}"', "[cloud] has a url with a password or"),
        ('[cloud]\nmodel = "m"\nurl = "http://h:99999"', "[cloud] needs url"),
        ('[cloud]\nurl = "https://example.org"', "[cloud] needs model"),
        (CLOUD + 'key_env = "NOT_SET"', "needs the environment variable NOT_SET, which is not set"),
        (f'{CLOUD}key = "{KEY}"\nkey_env = "K"', "has both key and key_env"),
        (CLOUD + "context_tokens = -1", "[cloud] context_tokens: "),
        (CLOUD + 'allowed = "nobody"', "[cloud] allowed: "),
        (CLOUD + "ability = {flies = true}", "[cloud] ability.flies"),
        (CLOUD + 'fallback = "moon"', "[cloud] falls back to moon, which is not in the file"),
        (CLOUD + '[default]\nfallback = "cloud"', "falls back in a circle: default → cloud → default"),
        (CLOUD + 'fallback = "cloud"', "falls back in a circle: cloud → cloud"),
        (CLOUD + 'title = "Default model"', "has the title “Default model”, and so has another model"),
        ('[default]\nurl = "https://example.org"', "[default] can't have url"),
        (CLOUD.replace("cloud", "Cloud One", 1).replace("[Cloud One]", '["Cloud One"]'), "[Cloud One] is no name"),
        (CLOUD.replace("cloud", "none", 1), "[none] is no name"),
        ("cloud = 1", "[cloud] must be a table"),
        ("cloud = ", "It can't be read: "),
    ],
)
def test_a_mistake_is_a_sentence_that_never_has_the_key(tmp_path, text, sentence):
    found, wrong = read(tmp_path, text, K=KEY)
    assert sentence in " ".join(wrong)
    assert KEY not in " ".join(wrong)
    assert list(found) == [DEFAULT]


def test_some_models_are_for_operators(tmp_path):
    found, _ = read(tmp_path, CLOUD + 'allowed = "operators"')
    assert list(offered(SimpleNamespace(is_staff=False), found)) == [DEFAULT]
    assert list(offered(SimpleNamespace(is_staff=True), found)) == [DEFAULT, "cloud"]


@pytest.fixture
def connect(db):
    """Connects a model, as of the next look."""

    def connect(name: str = "lab", **values) -> ConnectedModel:
        given = {"title": name.title(), "url": "https://lab.example.org/v1", "model": "m-1", **values}
        row, _ = ConnectedModel.objects.update_or_create(name=name, defaults=given)
        forget()
        return row

    return connect


def test_connected_models_stand_beside_those_of_the_file(connect, settings, tmp_path, django_assert_num_queries):
    settings.ENGINES, _ = read(tmp_path, CLOUD)
    connect(key=seal_key(KEY, "https://lab.example.org"), input_price=2, ability={"sees_images": True})
    connect("cloud", title="Another")
    with django_assert_num_queries(2):
        found = engines()
        assert list(engines()) == [DEFAULT, "cloud", "lab"]
    assert (found["cloud"].model, found["lab"].model, found["lab"].key.get_secret_value()) == ("m-1", "m-1", KEY)
    assert (found["lab"].cost(1_000_000, 0), found["lab"].overrides) == (2.0, {"sees_images": True})


def test_a_change_is_seen_within_seconds(connect, monkeypatch):
    row = connect()
    assert engines()["lab"].title == "Lab"
    ConnectedModel.objects.filter(name=row.name).update(title="New")
    assert engines()["lab"].title == "Lab"
    monkeypatch.setattr(engines_module, "KEEP_S", 0.0)
    assert engines()["lab"].title == "New"


@pytest.mark.parametrize(
    "url", ["https://other.example.org/v1", "http://lab.example.org", "https://lab.example.org:8443"]
)
def test_a_key_opens_for_its_own_server_only(connect, url):
    connect(key=seal_key(KEY, "https://lab.example.org/v1"), url=url)
    assert engines()["lab"].key.get_secret_value() == ""


def test_rows_that_contradict_the_file_fall_back_to_nothing(connect):
    connect("one", fallback="two")
    connect("two", fallback="one")
    assert [engines()[name].fallback for name in ("one", "two")] == [NO_FALLBACK, NO_FALLBACK]
    connect("two", fallback="gone")
    assert engines()["one"].fallback == NO_FALLBACK
