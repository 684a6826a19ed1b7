"""DSPy's programs: signatures with typed fields, and its agent."""

import dspy
from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, error_of, show


def model(name=MODEL):
    return dspy.LM(f"openai/{name}", api_base=URL, api_key=KEY, cache=False)


dspy.configure(lm=model())
typed = dspy.Predict("question -> kit: str, hours: int")(question=QUESTION)
show(
    answer=model()(QUESTION)[0],
    value={"kit": typed.kit, "hours": typed.hours},
    delegated=model()(TAXES)[0],
    error=error_of(lambda: model(UNKNOWN)(QUESTION)),
)
