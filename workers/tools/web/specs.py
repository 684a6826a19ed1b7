"""How the two tools are told of to models, routers and people."""

from typing import Final

from gpts.spec.tools import ToolSpec

MAX_RESULTS: Final = 10

SEARCH: Final = ToolSpec(
    name="web_search",
    builtin="web_search",
    title="Search the web",
    description=(
        "Searches the web and reads the best pages. Use it for news, prices, weather, people, places, releases and "
        "whatever else is recent or not in the conversation."
    ),
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "A few words to search for, as in a search engine."},
            "max_results": {"type": "integer", "minimum": 1, "maximum": MAX_RESULTS, "description": "Default: 5."},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    reach="service",
    timeout_s=60.0,
    examples=(
        "search the web for the newest python release",
        "look up who won the match yesterday",
        "what's the latest news about the election?",
        "google the opening hours of the British Museum",
        "find recent articles on solid state batteries",
        "what is the weather in Lisbon today",
        "how much does a ticket to Vienna cost right now?",
        "is there anything online about this recall",
        "who is the current prime minister of Norway",
        "search for reviews of the new headphones",
        "Suche im Internet nach dem aktuellen Benzinpreis",
        "Was gibt es Neues zur Bahnreform?",
        "cherche sur internet les horaires de la piscine",
        "quelles sont les dernières nouvelles sur le climat ?",
        "busca en la web el precio del oro hoy",
        "cerca su internet chi ha vinto il Giro",
        "pesquise na internet o novo salário mínimo",
        "zoek op het web naar de nieuwste versie van Ubuntu",
        "在网上搜索最新的人工智能新闻",
        "インターネットで明日の天気を調べて",
    ),
)

OPEN: Final = ToolSpec(
    name="open_page",
    builtin="open_page",
    title="Open a page",
    description=(
        "Opens one web page, PDF or text file at an address and reads it. Use it when an address is given, or to "
        "follow a link of a page or of search results."
    ),
    parameters={
        "type": "object",
        "properties": {"url": {"type": "string", "description": "The full address, beginning with https://."}},
        "required": ["url"],
        "additionalProperties": False,
    },
    reach="address",
    timeout_s=60.0,
    examples=(
        "open https://example.org/news",
        "summarise https://blog.example.com/2026/11/post.html",
        "what does this page say: example.net/about",
        "read http://docs.example.org/install.html and tell me how to install it",
        "go to www.example.com and list the prices",
        "can you check this link https://example.org/paper.pdf",
        "what is on the front page of example.com?",
        "tl;dr of https://example.org/long-article please",
        "follow the second link and read it",
        "Fasse https://example.de/artikel zusammen",
        "Öffne example.de/preise und nenne mir die Preise",
        "résume cette page : https://example.fr/actualites",
        "ouvre le lien www.example.fr/contact",
        "abre https://example.es/noticias y resúmelo",
        "leggi https://example.it/ricetta e dimmi gli ingredienti",
        "leia https://example.com.br/edital e resuma",
        "lees example.nl/nieuws en vat het samen",
        "打开 https://example.cn/news 并总结",
        "https://example.jp/article を読んで要約して",
    ),
)
