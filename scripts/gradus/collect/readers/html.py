"""HTML pages: the main content as Markdown, without menus, banners and advertisements."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from lxml import html

from gradus.collect.readers.decode import decode
from gradus.collect.readers.markdown import markdown_of
from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.collect.readers.versions import named

_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)|^\s*<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE)
_NEVER = "script style noscript template iframe object embed svg canvas audio video button input select textarea link meta".split()
_ROLES = "navigation banner contentinfo complementary search dialog".split()
_CLUTTER = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|breadcrumbs?|sidebar|cookies?|consent|advert\w*|ads?|promo\w*|sponsor\w*|newsletter|share|sharing|"
    r"social|related|comments?|skip-link|headerlink|pagination|toc|popup|modal|sphinxsidebar|viewcode-link|edit-link|copybtn)(?:$|[\s_-])",
    re.IGNORECASE,
)
_NAMED = ("div", "ul", "ol", "section", "header", "p", "table")
"""Elements whose class may call them clutter; that of a `<span>` may as well be a comment in highlighted code."""
_MENUS = ("ul", "ol", "div", "table", "td")
_HEAD_BYTES = 4096  # where a page declares its character set; browsers look at the first 1024
_FEWEST_LINKS, _LINK_SHARE = 6, 0.8  # a menu: several links and hardly a letter beside them; a list of references has fewer or says more
_COVERED = 0.9  # share of the content's lines that its element must hold: trafilatura joins or words a few lines differently
_CONTAINERS = ("div", "section", "article", "main", "center", "table", "tbody", "tr", "td", "form", "font", "span")
_MAIN = "//main | //*[@role='main'] | //article"


def read_html(path: Path, options: ReadOptions) -> FileReading:
    """The main content of a page."""
    tree = parse(_decoded(path.read_bytes()))
    licence = _licence(tree)
    title = " ".join("".join(tree.xpath("//title[1]//text()")).split())
    text = markdown_of(pruned(main_content(tree)))
    reason = "a page without text" if not text.strip() else ""
    return text_reading(path, text, "markdown", named("trafilatura", "markdownify"), licence=licence, title=title, reason=reason)


def parse(text: str) -> html.HtmlElement:
    """The tree of a page; elements nested deeper than the parser allows are an error, not a loss.

    Raises:
        Unreadable: when there is no element in it, or too many inside each other.
    """
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)  # lxml refuses text that names an encoding
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(text, parser=parser)
    except (ValueError, html.etree.ParserError) as error:
        raise Unreadable("broken", f"no HTML in it ({error})") from error
    if any("depth" in entry.message for entry in parser.error_log):
        raise Unreadable("broken", "elements are nested too deeply; save the page anew from a browser, or as text")
    return tree


def _decoded(data: bytes) -> str:
    """By byte order mark, then by the declared character set, then as UTF-8."""
    found = _CHARSET.search(data[:_HEAD_BYTES])
    if found is None or data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode(data)
    name = (found[1] or found[2]).decode("ascii").lower()
    name = "cp1252" if name in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii") else name  # as browsers do
    if name in ("utf-8", "utf8", "utf-16"):
        return decode(data)
    try:
        return data.decode(name)
    except LookupError as error:
        raise Unreadable("not UTF-8", f"it declares the unknown character set '{name[:40]}'; save the page as UTF-8") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable("not UTF-8", f"line {line}: not in {name}, which it declares; save the page as UTF-8") from error


def main_content(tree: html.HtmlElement) -> html.HtmlElement:
    """The innermost element that holds most of what trafilatura takes for the content; the body when it finds none."""
    from trafilatura import extract

    body = tree.find("body") if tree.find("body") is not None else tree
    marked = [element for element in tree.xpath(_MAIN) if not element.xpath("ancestor::article | ancestor::main")]
    if len(marked) == 1:
        return marked[0]
    text = extract(html.tostring(tree, encoding="unicode"), favor_recall=True, include_comments=False, include_tables=True) or ""
    wanted = {line for line in map(_letters, text.split("\n")) if line}
    best = body
    while wanted:
        inner = next((child for child in best if child.tag in _CONTAINERS and _covers(child, wanted)), None)
        if inner is None:
            break
        best = inner
    return best


def _covers(element: html.HtmlElement, wanted: set[str]) -> bool:
    """Whether an element holds nearly all of the lines."""
    text = _letters(element.text_content())
    return sum(line in text for line in wanted) >= _COVERED * len(wanted)


def _letters(text: str) -> str:
    return "".join(re.findall(r"\w", text))


def pruned(element: html.HtmlElement) -> html.HtmlElement:
    """Without navigation, forms, pictures, what its class calls clutter, and lists and columns that hold only links."""
    whole_is_links = _is_menu(element)
    for inner in list(element.iterdescendants()):
        if inner.getparent() is not None and (_is_clutter(inner) or (inner.tag in _MENUS and not whole_is_links and _is_menu(inner))):
            inner.drop_tree()
    return element


def _is_clutter(element: html.HtmlElement) -> bool:
    if element.tag in _NEVER or element.tag in ("nav", "footer", "dialog") or element.get("role") in _ROLES or element.get("hidden") is not None:
        return True
    names = element.get("class") or ""
    if element.tag == "aside":
        return not re.search(r"footnote|admonition|note|warning|tip", names)
    if element.tag == "a":
        return bool(_CLUTTER.search(names)) or element.text_content().strip() in ("¶", "#", "🔗", "[source]", "[edit]")
    if element.tag in ("div", "ul") and not element.xpath("./h1 | ./h2 | ./h3 | ./h4 | ./h5 | ./h6"):
        names += f" {element.get('id') or ''}"  # below a heading an id is only the heading's own words
    return element.tag in _NAMED and bool(_CLUTTER.search(names))


def _is_menu(element: html.HtmlElement) -> bool:
    """Whether nearly all letters of an element are those of several links."""
    links = element.xpath(".//a[@href]")
    return len(links) >= _FEWEST_LINKS and sum(_size(link) for link in links) >= _LINK_SHARE * _size(element)


def _size(element: html.HtmlElement) -> int:
    return len(_letters(element.text_content()))


def _licence(tree: html.HtmlElement) -> str:
    """The licence that a page names in its head or by a link of that relation."""
    queries = ("//link[@rel='license']/@href", "//a[contains(@rel, 'license')]/@href", "//meta[@name='license' or @name='dcterms.license']/@content")
    return next((str(found[0]).strip() for query in queries if (found := tree.xpath(query))), "")
