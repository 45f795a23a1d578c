"""HTML tables made plain: one header row, every row as long as the others, tables used for layout taken apart."""

from __future__ import annotations

from lxml import html

_BLOCKS = ".//pre | .//table | .//h1 | .//h2 | .//h3 | .//h4 | .//h5 | .//h6"
_WIDEST_SPAN = 100  # rows or columns; pages that say "to the end" name absurd numbers


def tidy_tables(tree: html.HtmlElement) -> None:
    """Change all tables inside an element, inner ones first."""
    for table in reversed(tree.xpath("descendant-or-self::table")):
        rows = table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")
        if table.xpath(_BLOCKS) or not any(len(row.xpath("./td | ./th")) > 1 for row in rows):
            _take_apart(table)
        else:
            _flatten(table, rows)


def _take_apart(table: html.HtmlElement) -> None:
    """A table for layout becomes blocks, without the column of line numbers beside code."""
    for numbers in table.xpath(".//td[contains(@class, 'linenos') or contains(@class, 'lineno') or contains(@class, 'gutter')]"):
        numbers.getparent().remove(numbers)
    for element in table.xpath("descendant-or-self::*[self::table or self::thead or self::tbody or self::tfoot or self::tr or self::td or self::th]"):
        element.tag = "div"


def _flatten(table: html.HtmlElement, rows: list[html.HtmlElement]) -> None:
    """All rows in one body, the caption before the table, cells that span rows followed by empty ones."""
    for caption in table.xpath("./caption"):
        caption.tag = "p"
        caption.tail = None
        table.addprevious(caption)
    grid = _grid(rows)
    for child in list(table):
        table.remove(child)
    for cells in grid:
        row = html.Element("tr")
        row.extend(cells + [html.Element("td") for _ in range(max(map(len, grid)) - len(cells))])
        table.append(row)


def _grid(rows: list[html.HtmlElement]) -> list[list[html.HtmlElement]]:
    """Cells by row and column; what a cell spans beside its first place is empty."""
    taken: set[tuple[int, int]] = set()
    grid: list[list[html.HtmlElement]] = []
    for y, row in enumerate(rows):
        cells: list[html.HtmlElement] = []
        for cell in row.xpath("./td | ./th"):
            while (y, len(cells)) in taken:
                cells.append(html.Element("td"))
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            taken |= {(y + down, len(cells) + right) for down in range(1, high) for right in range(wide)}
            cell.attrib.pop("colspan", None)
            cells += [cell, *(html.Element("td") for _ in range(1, wide))]
        grid.append(cells)
    return grid


def _span(cell: html.HtmlElement, name: str) -> int:
    value = cell.get(name, "1")
    return min(int(value), _WIDEST_SPAN) if value.isdecimal() and int(value) else 1
