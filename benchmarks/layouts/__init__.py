"""How rows of results become tables: headings first, then a list of cells a row."""

Row = dict[str, str]
"""Of a file in results, by column."""
