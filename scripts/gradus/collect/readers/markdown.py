"""An HTML tree to Markdown: headings, emphasis, lists, tables and code survive, code byte for byte."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup
from lxml import html
from markdownify import ATX, MarkdownConverter

from gradus.collect.readers.tables import tidy_tables
from gradus.fences import fenced, fenced_lines

_LANGUAGE = re.compile(r"(?:^|\s)(?:language-|lang-|brush:\s*|hljs\s+|highlight-(?:source-)?|sourceCode\s+|code\s+)([A-Za-z][\w+#-]*)")
_NO_LANGUAGE = {"default", "none", "notranslate", "text", "literal", "block", "literal-block", "highlight", "plain", "plaintext", "source"}
_INLINE_DEFINITION = "not(.//p[2] or .//pre or .//ul or .//ol or .//dl or .//table or .//h1 or .//h2 or .//h3 or .//h4)"


def markdown_of(tree: html.HtmlElement) -> str:
    """Markdown of an element. The element is changed on the way.

    Raises:
        RecursionError: for elements nested a few hundred deep.
    """
    tidy_tables(tree)
    _tidy_mathematics(tree)
    _tidy_definitions(tree)
    converter = _Converter(
        heading_style=ATX, bullets="-", escape_asterisks=False, escape_underscores=False, wrap=True, wrap_width=None,
        table_infer_header=True,
    )  # fmt: skip
    text = converter.convert_soup(BeautifulSoup(html.tostring(tree, encoding="unicode", with_tail=False), "lxml"))
    return _without_wide_gaps(text.replace("\xa0", " "))


class _Converter(MarkdownConverter):
    """markdownify, with what it leaves out: fences longer than those inside, `<details>`, links that lead nowhere."""

    def convert_pre(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if not text.strip():
            return ""
        code = text.removeprefix("\n").removesuffix("\n")  # line ends of the element, not of the code
        return f"\n\n{fenced(code, _language(el))}\n\n"

    def convert_br(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return "\n" if "pre" in parent_tags else " " if "_inline" in parent_tags else "  \n"

    def convert_a(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if not str(el.get("href", "")).startswith(("http://", "https://")):
            return text  # a relative address means nothing away from its page
        return str(super().convert_a(el, text, parent_tags))

    def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return ""

    def convert_td(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return str(super().convert_td(el, re.sub(r"(?<!\\)\|", r"\\|", text), parent_tags))

    convert_th = convert_td

    def convert_summary(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return f"\n\n**{text.strip().strip('*')}**\n\n" if text.strip() else ""

    def _block(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return str(self.convert_div(el, text, parent_tags))

    convert_main = convert_body = convert_details = convert_figure = convert_header = convert_aside = convert_footer = _block
    convert_address = convert_center = convert_fieldset = convert_form = convert_hgroup = convert_nav = convert_caption = _block


def _language(pre: Any) -> str:
    """Language of a `<pre>`, as it or its nearest neighbours name it in their class."""
    for element in (pre.find("code"), pre, pre.parent, pre.parent.parent if pre.parent else None):
        classes = " ".join(element.get("class") or []) if element is not None else ""
        for found in _LANGUAGE.finditer(classes):
            if found[1].lower() not in _NO_LANGUAGE:
                return {"pycon": "python", "python3": "python", "ipython3": "python", "py": "python"}.get(found[1].lower(), found[1].lower())
    return ""


def _tidy_mathematics(tree: html.HtmlElement) -> None:
    """MathML and pictures of formulas by their TeX source, where they carry it."""
    for element in tree.xpath(".//math | .//img[contains(@class, 'math') or contains(@class, 'tex')]"):
        sources = element.xpath(".//annotation[contains(@encoding, 'tex')]/text()") or [element.get("alttext") or element.get("alt") or ""]
        if sources[0].strip():
            _replace(element, f"${sources[0].strip()}$")


def _replace(element: html.HtmlElement, text: str) -> None:
    span = html.Element("span")
    span.text, span.tail = text, element.tail
    element.getparent().replace(element, span)


def _tidy_definitions(tree: html.HtmlElement) -> None:
    """`<dl>`: short ones as a list, `- **term**: text`; ones with blocks inside as bold terms with the blocks below."""
    for found in tree.xpath(".//dl"):
        short = not found.xpath(f"./dd[not({_INLINE_DEFINITION})]") and found.xpath("./dd")
        (_short_definitions if short else _long_definitions)(found)


def _short_definitions(definitions: html.HtmlElement) -> None:
    """Each term with its text becomes one list item."""
    item, before = None, ""
    for child in definitions.xpath("./dt | ./dd"):
        if item is None or (child.tag == "dt" and before != "dt"):
            item = html.Element("li")
            child.addprevious(item)
        elif before == "dt":
            item[-1].tail = ": " if child.tag == "dd" else ", "
        before = child.tag
        item.append(child)
        child.tail = " "
        child.tag = "strong" if before == "dt" and not child.xpath(".//code | .//strong | .//b") else "span"
        for paragraph in child.xpath(".//p"):
            paragraph.tag = "span"
    definitions.tag = "ul"


def _long_definitions(definitions: html.HtmlElement) -> None:
    definitions.tag = "div"
    for child in definitions.xpath("./dt | ./dd"):
        if child.tag == "dt" and not child.xpath(".//strong | .//b"):
            child.tag = "strong"
            wrapped = html.Element("p")
            wrapped.tail, child.tail = child.tail, None
            child.getparent().replace(child, wrapped)
            wrapped.append(child)
        else:
            child.tag = "div"


def _without_wide_gaps(text: str) -> str:
    """At most one empty line in a row, outside of fenced code."""
    out: list[str] = []
    lines = text.split("\n")
    for line, code in zip(lines, fenced_lines(lines), strict=True):
        if code or line.strip() or (out and out[-1].strip()):
            out.append(line if code else line.rstrip(" ") + ("  " if line.endswith("  ") and line.strip() else ""))
    return "\n".join(out).strip("\n") + "\n" if out else ""
