"""Plain questions about an attached table become code; all others are left to the model."""

import ast

import pytest

from workers.smallmodel.arguments.data_questions import code_for_files


@pytest.mark.parametrize(
    "question",
    [
        "What is the average price by region?",
        "total sales",
        "sum of units per month",
        "What's the highest revenue?",
        "minimum of the price column",
        "median age",
        "count of orders by customer",
        "How many rows are there?",
        "Plot revenue by month",
        "Please draw a pie chart of revenue by region",
        "histogram of age",
        "scatter plot of price vs size",
        "describe the data",
        "Summarise this file",
        "What columns does it have?",
        "Show me the first 10 rows",
        "What is the average price in sales.csv?",
    ],
)
def test_a_plain_question_becomes_code(question: str) -> None:
    code = code_for_files(question, ["notes.txt", "sales.csv"])
    assert code is not None
    ast.parse(code)
    assert "read('sales.csv')" in code


@pytest.mark.parametrize(
    "question",
    [
        "Who is the CEO?",
        "Tell me a joke",
        "What is the weather in Paris?",
        "Summarize the story of Hamlet",
        "Write an email to the customers",
        "Why did revenue fall?",
        "it " * 90 + "describe",
        "x" * 400,
    ],
)
def test_other_questions_are_left_alone(question: str) -> None:
    assert code_for_files(question, ["sales.csv"]) is None


def test_without_a_table_there_is_no_code() -> None:
    assert code_for_files("average price", ["notes.pdf"]) is None
    assert code_for_files("average price", []) is None


def test_words_and_names_reach_the_code_as_strings_only() -> None:
    code = code_for_files("sum of price", ["a'); import os; ('.csv"])
    assert code is not None
    names = {node.names[0].name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import)}
    assert names == {"difflib", "pandas"}


def test_the_named_table_is_taken() -> None:
    code = code_for_files("average price in costs.xlsx", ["sales.csv", "costs.xlsx"])
    assert code is not None
    assert "read('costs.xlsx')" in code
