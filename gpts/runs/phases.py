"""What a GPT is doing while its answer is made, in words for the page."""

from gpts.runs import decisions
from gpts.runs.file_calls import meant_files
from gpts.runs.state import TurnState


def phase(decision: decisions.Decision, state: TurnState) -> str:
    """What a worker does when it performs `decision`; empty if it takes no time or has a line of its own."""
    match decision:
        case decisions.ReadIntent():
            return "Reading your message"
        case decisions.Retrieve(call=call):
            if call or (state.long_files() and not state.has_search):
                return f"Searching {_n_files(len(meant_files(call, state) if call else state.long_files()))}"
            return f"Reading {_n_files(len(state.whole_files))}"
        case decisions.ReadFiles():
            return f"Reading {_n_files(len(state.files()))}"
        case decisions.ChooseTool() | decisions.WriteCall():
            return "Choosing a tool"
        case decisions.CallModel():
            return "Thinking" if state.model_tools() else "Writing the answer"
        case decisions.Finish(text=text, calls=()) if state.passages():
            return "Checking the answer against the files" if text else "Looking for the closest passages"
    return ""


def _n_files(n: int) -> str:
    return f"{n} file{'' if n == 1 else 's'}"
