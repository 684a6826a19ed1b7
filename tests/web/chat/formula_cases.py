"""Markdown with and without formulas, for the server and for the page that is being written to.

Each case: the Markdown, and the class and text of each element of code that it becomes.
"""

IN_LINE, DISPLAY = "language-math", "language-math-display"
CASES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("a $x_1 + y_1$ b", ((IN_LINE, "x_1 + y_1"),)),
    (r"so \(a*b*c\) it is", ((IN_LINE, "a*b*c"),)),
    ("on\ntwo $a\nb$ lines", ((IN_LINE, "a\nb"),)),
    ("$x$-axis, 設$y$為", ((IN_LINE, "x"), (IN_LINE, "y"))),
    (r"in a line: \[x\] and $$y$$.", ((DISPLAY, "x"), (DISPLAY, "y"))),
    ("$$\nx\n=\n+ y\n$$", ((IN_LINE, "x\n=\n+ y\n"),)),
    ("text\n\\[\na \\\\[2pt] b\n\\]\nmore", ((IN_LINE, "a \\\\[2pt] b\n"),)),
    ("$$ x $$", ((IN_LINE, "x\n"),)),
    ("- item\n  $$\n  x\n  $$\n- item", ((IN_LINE, "x\n"),)),
    ("> $$\n> x\n> $$", ((IN_LINE, "x\n"),)),
    ("```math\nx\n```", ((IN_LINE, "x\n"),)),
    ("| $x$ | $5 |\n|--|--|\n| $5 | $10 |", ((IN_LINE, "x"),)),
    (r"**$\frac{1}{2}$**", ((IN_LINE, r"\frac{1}{2}"),)),
    (r"$5\$ \text{ each}$", ((IN_LINE, r"5\$ \text{ each}"),)),
    # Prices, variables of a shell, escapes, code
    ("It costs $5 and $10.", ()),
    ("**$5**, or $5-$10, US$5/CA$6, 5$ or 10$", ()),
    ("$HOME and $PATH:$HOME", ()),
    (r"\$x\$ and \\(x\\)", ()),
    ("`$x$`", (("", "$x$"),)),
    ("```\n$x$\n```", (("", "$x$\n"),)),
    ("    $$\n    x\n    $$", (("", "$$\nx\n$$\n"),)),
    # Not closed, empty, across paragraphs
    ("$$\nx", ()),
    ("$$\n\nx\n\n$$", ()),
    ("$$ $$ and $ x$ and $x $", ()),
    ("- $$\n  x\n\n$$", ()),
    (r"\(a \(b\)", ((IN_LINE, "b"),)),
)
