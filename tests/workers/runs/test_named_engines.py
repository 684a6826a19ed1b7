"""A GPT's own model answers, or its fallback while that is down: two model servers and the real loop."""

import json
import logging
import socket

import pytest

from gpts.runs.status import current_part
from gpts.runs.steps import Error, Finished, ModelChange, ModelReply
from tests.publishing import publish
from tests.workers import trees
from tests.workers.engine.conftest import ModelServer
from tests.workers.made_services import made_services
from tests.workers.runs.test_loop import FOUND, Embedder, Index, advance, give, give_files, told  # noqa: F401 (a fixture)
from tests.workers.trees import Worker, ask, asks, call, last, make_gpt
from web import engines as engine_table
from web.api.answers import tokens_of
from web.builder.services import update_gpt
from web.chat.steps import lines
from web.chat.tree import shown_tree
from web.engines import engines, read_engines
from web.operate import connecting
from web.operate.models_connected import ConnectedModel, seal_key
from web.operate.services import current_model, save_measurement, seen_model
from web.runs import log
from web.runs.models import Run
from web.runs.services import start_conversation, start_run
from web.runs.trees import tokens_by_engine, tree_of
from workers import configuration, heartbeat
from workers.engine.base import EngineConfig, EngineError
from workers.engine.remote import RemoteEngine
from workers.engine.scripted import WEAK
from workers.runs.engines import NamedEngines

KEY = "sk-very-secret-0123456789"
TABLE = """
[one]
title = "Model One"
url = "{one}"
model = "one-1"
key = "{key}"
fallback = "two"
input_price = 1000.0
[two]
url = "{two}"
model = "two-2"
allowed = "operators"
"""


@pytest.fixture
def servers():
    started = ModelServer(), ModelServer()
    yield started
    for server in started:
        server.close()


@pytest.fixture
def table(servers, settings, tmp_path, monkeypatch):
    """Both servers in the operator's file, the first with the second as its fallback."""
    file = tmp_path / "engines.toml"

    def write(text: str = TABLE) -> None:
        file.write_text(text.format(one=servers[0].url, two=servers[1].url, key=KEY))
        settings.ENGINES, wrong = read_engines(file, lambda name: "")
        assert not wrong
        named = NamedEngines(engines)
        monkeypatch.setattr(configuration, "named_engines", lambda: named)

    write()
    return write


@pytest.fixture
def services():
    """What a worker works with; its default model says so."""
    return made_services(["By the default model."], Index(FOUND), Embedder())


@pytest.fixture
def run(gpt, bob, table):
    """Bob's question to a GPT with the model "one"."""
    update_gpt(gpt, {"engine": "one"}, by=gpt.owner)
    publish(gpt)
    return start_run(start_conversation(bob, gpt), "Which seal fits the Z-9?")


def says(text: str, prompt_tokens: int = 7) -> list[dict]:
    return [
        {"choices": [{"delta": {"content": text}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 2}},
    ]


def changes(steps) -> list[ModelChange]:
    return [step for step in steps if isinstance(step, ModelChange)]


def replies(steps) -> list[ModelReply]:
    return [step for step in steps if isinstance(step, ModelReply)]


def test_the_gpts_own_model_answers_and_its_tokens_are_counted_for_it(run, services, servers):
    servers[0].events = says("By one.")
    steps = advance(run, services)
    assert (steps[-1].text, changes(steps), replies(steps)[0].engine) == ("By one.", [], "one")
    assert servers[0].bodies[0]["model"] == "one-1"
    assert servers[0].headers[-1]["Authorization"] == f"Bearer {KEY}"
    (used,) = tokens_by_engine(steps).items()
    assert (used[0], used[1].both) == ("one", 9)
    assert shown_tree(tree_of(run)).branch.models == ("Model One, $0.0070",)
    run.refresh_from_db()
    assert tokens_of(run, steps).both == run.n_tokens == 9


def test_a_gpt_without_a_choice_gets_the_default_model(gpt, bob, table, services, servers):
    run = start_run(start_conversation(bob, gpt), "Which seal fits the Z-9?")
    steps = advance(run, services)
    assert (steps[-1].text, replies(steps)[0].engine) == ("By the default model.", "")
    assert not servers[0].bodies


@pytest.mark.parametrize("failure", [(500, "out of memory"), (401, f"wrong key {KEY}"), None])
def test_the_fallback_answers_when_a_server_is_down_or_refuses(run, services, servers, told, failure, caplog):  # noqa: F811
    if failure:
        servers[0].failure = failure
    else:
        servers[0].close()
    servers[1].events = says("By two.")
    caplog.set_level(logging.DEBUG)
    steps = advance(run, services)
    assert steps[-1].text == "By two."
    assert changes(steps) == [ModelChange(wanted="one", engine="two", reason="unavailable")]
    assert replies(steps)[0].engine == "two"
    assert "".join(event["text"] for event in told if event["type"] == "token") == "By two."
    assert lines(run.version.spec(), steps)[0].words == "Switched to two: Model One isn’t available"
    assert KEY not in caplog.text
    assert KEY not in json.dumps([step.model_dump(mode="json") for step in steps]) + str(told)


def test_a_server_that_never_answers_counts_as_down(run, services, servers, table, monkeypatch):
    monkeypatch.setattr("workers.engine.remote.HEALTH_TIMEOUT_S", 0.1)
    servers[1].events = says("By two.")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        table(TABLE.replace("{one}", f"http://127.0.0.1:{silent.getsockname()[1]}"))
        assert advance(run, services)[-1].text == "By two."


@pytest.mark.django_db(transaction=True)
def test_a_delegate_answers_with_its_own_model(alice, bob, table, servers, sent_tasks):
    clerk = make_gpt(alice, "Tax Clerk")
    update_gpt(clerk, {"engine": "one"}, by=clerk.owner)
    publish(clerk)
    servers[0].events = says("It is 19 %.")
    run = ask(bob, make_gpt(alice, "Front Desk", clerk))
    asking = trees.scripted_services({"Front Desk": asks(call("ask_tax_clerk", "What is the VAT?"))})
    Worker(sent_tasks, asking).drain()
    assert last(run).text == "I hear: It is 19 %."
    assert [reply.engine for reply in replies(log.read(Run.objects.get(root=run).id))] == ["one"]
    assert not any(reply.engine for reply in replies(log.read(run.id)))


def test_what_was_measured_is_recalled_and_the_file_overrides_it(run, services, servers, table):
    table(TABLE + "ability = {breaks_ties = true}".replace("{", "{{").replace("}", "}}"))
    probe = RemoteEngine(EngineConfig(remote_url=servers[1].url, remote_model="two-2"))
    record = seen_model(probe.fingerprint(), "two-2")
    save_measurement(record, {}, {"writes_from_sources": False, "breaks_ties": False}, 1.0)
    log.append(run.id, ModelChange(wanted="one", engine="two", reason="unavailable"))
    named = configuration.named_engines()
    ability = named.choose("one", run.gpt.owner, log.read(run.id), services).services.engine.ability()
    assert (ability.writes_from_sources, ability.calls_tools, ability.breaks_ties) == (False, True, True)


def test_a_server_that_failed_is_left_alone_for_a_while(run, services, servers, bob, gpt):
    servers[0].failure = (500, "out of memory")
    servers[1].events = says("By two.")
    advance(run, services)
    again = start_run(start_conversation(bob, gpt), "And now?")
    assert changes(advance(again, services))
    assert len(servers[0].bodies) == 1


def test_with_everything_down_the_answer_is_an_honest_error(run, services, servers):
    for server in servers:
        server.failure = (500, "out of memory")
    services.engine._script = [[EngineError("no memory")]]
    services.engine.health = lambda: pytest.fail("the default model without a fallback is not asked")
    steps = advance(run, services)
    assert [change.engine for change in changes(steps)] == ["two", "default"]
    assert isinstance(steps[-1], Error)


def test_a_model_that_fails_in_the_middle_is_an_error_without_doubled_text(run, services, servers, told):  # noqa: F811
    servers[0].breaks_off = True
    steps = advance(run, services)
    assert isinstance(steps[-1], Error)
    assert not changes(steps)
    assert not servers[1].bodies
    assert sum(event["type"] == "attempt" for event in told) == 1


def test_a_weak_fallback_reads_the_message_anew(run, services, servers, table):
    """What the model that failed had prepared, such as passages to write from, is of no use for one that quotes."""
    table(TABLE.replace('"two"', '"default"'))
    give_files(run)
    weak = made_services(["unused"], Index(FOUND), Embedder(), ability=WEAK)
    servers[0].events = []
    servers[0].failure = (503, "overloaded")
    steps = advance(run, weak)
    assert changes(steps)[0].engine == "default"
    assert isinstance(steps[-1], Finished)
    assert "ZP-771" in steps[-1].sources[0].quote


def test_a_run_stays_with_the_fallback_that_began_it(run, services, servers, table):
    servers[1].events = says("By two.")
    log.append(run.id, ModelChange(wanted="one", engine="two", reason="unavailable"))
    steps = advance(run, services)
    assert (steps[-1].text, len(changes(steps))) == ("By two.", 1)


@pytest.mark.parametrize("name", ["gone", "two", "../etc", "one; DROP TABLE"])
def test_a_model_that_is_not_offered_to_the_creator_never_answers(run, services, servers, name):
    give(run, model={"engine": name})
    steps = advance(run, services)
    assert steps[-1].text == "By the default model."
    assert changes(steps) == [ModelChange(wanted=name, engine="default", reason="not_offered")]
    assert not servers[1].bodies
    words = f"Switched to the default model: {name} is no longer offered"
    assert lines(run.version.spec(), steps)[0].words == words


def test_the_default_model_can_have_a_fallback_too(gpt, bob, services, servers, table):
    table('[two]\nurl = "{two}"\nmodel = "two-2"\nfallback = "none"\n[default]\nfallback = "two"\n')
    servers[1].events = says("By two.")
    services.engine.close()
    run = start_run(start_conversation(bob, gpt), "Which seal fits the Z-9?")
    assert advance(run, services)[-1].text == "By two."


def test_what_a_failed_model_did_is_left_out_until_one_replied(run):
    first, change = log.read(run.id)[0], ModelChange(wanted="one", engine="two", reason="unavailable")
    reply = ModelReply(text="", tool_calls=())
    assert current_part((first, FOUND, change)) == (first,)
    assert current_part((first, FOUND, reply, change)) == (first, FOUND, reply)
    assert current_part((first, FOUND, reply)) == (first, FOUND, reply)


@pytest.fixture
def connected(db, servers, monkeypatch):
    """The first server, connected on the models page, and the engines of a worker."""
    monkeypatch.setattr(engine_table, "KEEP_S", 0.0)
    named = NamedEngines(engines)
    monkeypatch.setattr(configuration, "named_engines", lambda: named)
    return ConnectedModel.objects.create(name="lab", title="Lab", url=servers[0].url, model="lab-1")


def test_a_connected_model_answers_and_follows_its_row(connected, gpt, bob, services, servers):
    update_gpt(gpt, {"engine": "lab"}, by=gpt.owner)
    publish(gpt)
    servers[0].events, servers[1].events = says("By the lab."), says("By its new server.")
    assert advance(start_run(start_conversation(bob, gpt), "Which seal?"), services)[-1].text == "By the lab."
    connected.refresh_from_db()
    assert connected.is_ready
    ConnectedModel.objects.update(url=servers[1].url)
    assert advance(start_run(start_conversation(bob, gpt), "Which seal?"), services)[-1].text == "By its new server."
    connected.delete()
    steps = advance(start_run(start_conversation(bob, gpt), "Which seal?"), services)
    assert (steps[-1].text, changes(steps)[0].reason) == ("By the default model.", "not_offered")


def test_a_picked_model_answers_for_gpts_that_name_none_or_one_that_is_gone(
    connected,
    run,
    gpt,
    bob,
    services,
    servers,
    told,  # noqa: F811
):
    ConnectedModel.objects.update(is_picked=True)
    servers[0].events = says("By the lab.")
    give(run, model={"engine": "gone"})
    steps = advance(run, services)
    assert (steps[-1].text, changes(steps)[0].engine) == ("By the lab.", "lab")
    update_gpt(gpt, {"engine": ""}, by=gpt.owner)
    publish(gpt)
    steps = advance(start_run(start_conversation(bob, gpt), "Which seal?"), services)
    assert (steps[-1].text, changes(steps), replies(steps)[0].engine) == ("By the lab.", [], "lab")
    servers[0].failure = (500, "out of memory")
    told.clear()
    asked = start_run(start_conversation(bob, gpt), "Which seal?")
    steps = advance(asked, services)
    assert (steps[-1].text, replies(steps)[-1].engine) == ("By the default model.", "")
    words = "Switched to the site’s own model: Lab isn’t available"
    assert lines(asked.version.spec(), steps)[0].words == words


def test_a_connected_model_is_checked_at_its_server_without_becoming_the_sites_own(
    connected, services, servers, monkeypatch
):
    monkeypatch.setattr(configuration, "services", lambda: services)
    monkeypatch.setattr(heartbeat, "close_old_connections", lambda: None)
    connecting.ask_check("lab")
    servers[0].events = says("It has no answer.")
    heartbeat.check_connected()
    connected.refresh_from_db()
    assert (connected.check_state, connected.check_trouble) == ("", "")
    assert connected.record.known()["writes_from_sources"] is False
    assert connected.record.figures["speed"].keys() >= {"streams", "context_tokens", "first_s"}
    assert current_model() is None
    ConnectedModel.objects.update(key=seal_key(KEY, servers[0].url))
    servers[0].failure = (401, f"wrong key {KEY}")
    connecting.ask_check("lab")
    heartbeat.check_connected()
    connected.refresh_from_db()
    assert "401" in connected.check_trouble
    assert KEY not in connected.check_trouble


def test_a_model_that_is_removed_in_the_middle_of_a_run_is_followed_by_the_default_one(connected, gpt, services):
    named = configuration.named_engines()
    old = named.choose("lab", gpt.owner, (), services)
    connected.delete()
    named.failed("lab", EngineError("gone"), services)
    assert not named.has_fallback("lab")
    assert old.services.engine.health().ready
    change = ModelChange(wanted="lab", engine="lab", reason="unavailable")
    assert named.choose("lab", gpt.owner, (change,), services).name == "default"


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "metadata.example.org"])
def test_no_key_is_sent_to_the_machines_own_metadata_service(connected, gpt, services, host, monkeypatch):
    monkeypatch.setattr("workers.egress.resolving.look_up", lambda name, port: ["169.254.169.254"])
    monkeypatch.setattr("httpcore.SyncBackend.connect_tcp", lambda *args: pytest.fail("it connects"))
    ConnectedModel.objects.update(url=f"http://{host}:80/v1", fallback="none")
    try:
        chosen = configuration.named_engines().choose("lab", gpt.owner, (), services)
        said = chosen.services.engine.health().detail
    except EngineError as error:
        said = str(error)
    assert "public internet" in said
