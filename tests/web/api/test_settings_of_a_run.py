"""What an API caller sets for one run reaches the model through the workers' own loop."""

import openai
import pytest

from tests.web.api.conftest import key_of
from workers.answering import Hands
from workers.engine.base import Sampling
from workers.engine.scripted import ScriptedEngine
from workers.knowledge.embed import Embedder
from workers.loop import advance

pytestmark = pytest.mark.process


def test_temperature_length_and_stop_texts_reach_the_engine(live, bob, gpt, worker, meanwhile):
    engine = ScriptedEngine(["Fit the seal dry. Then stop here."])

    embedder = Embedder("bundled")  # loads nothing until it encodes, and this GPT has no files
    hands = Hands(engine=engine, index=None, embedder=embedder, deadline_s=20, quotes=False)
    meanwhile(lambda: advance(worker.next_run(), "model", lambda: hands))
    client = openai.OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=20)
    completion = client.chat.completions.create(
        model=gpt.slug,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which seal?"}],
        temperature=1.5,
        top_p=0.5,
        max_tokens=7,
        stop=["Then"],
    )

    assert completion.choices[0].message.content == "Fit the seal dry."
    [request] = engine.requests
    assert (request.max_tokens, request.sampling, request.stop) == (
        7,
        Sampling(temperature=1.5, top_p=0.5),
        ("Then",),
    )
    assert [message.role for message in request.messages] == ["system", "user", "user"]
    assert request.messages[1].content == "Instructions from the caller: Be brief."
    assert completion.usage.completion_tokens > 0
