"""Paragraphs of code in the answers of a model that quotes files."""

import pytest

from workers.smallmodel.code_blocks import with_code_blocks

PYTHON = """import os
client = OpenAI(
    base_url="http://127.0.0.1:8000/v1",
)
print(client.models.list())"""
SHELL = """git fetch
  git rebase origin/main
  git push --force-with-lease"""
PROSE = [
    "Set x = 3 in the file.\nThen start it again.\nIt is ready after a minute.",
    "- Excel (XLSX)\n- print(x) shows it\n- Word (DOCX)",
    "name | call(x)\nfirst | x = 3",
    "import duties are due.",
    "Larkfield Instruments\nMill Lane 4\nCambridge",
]


@pytest.mark.parametrize("code", [PYTHON, SHELL])
def test_code_is_a_block_and_the_sentences_around_it_stay(code):
    assert with_code_blocks(f"Call it so:\n\n{code}\n\nThat is all.") == (
        f"Call it so:\n\n```\n{code}\n```\n\nThat is all."
    )


@pytest.mark.parametrize("text", PROSE)
def test_sentences_lists_tables_and_addresses_are_no_code(text):
    assert with_code_blocks(text) == text
