"""The page in a real browser without a window: foreign text does not run, our script does."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.report.conftest import Case

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), str(MAC) if MAC.exists() else None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
ATTACK = "document.documentElement.dataset.owned=1"
PAYLOAD = f"</pre><script>{ATTACK}</script><img src=x onerror='{ATTACK}'><svg onload='{ATTACK}'> [click](javascript:{ATTACK})"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine, so the page cannot be opened in a real browser")


def loaded(page: str, folder: Path) -> str:
    """The page as the browser holds it after its scripts ran."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000", "--dump-dom", file.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


class Root(HTMLParser):
    """The attributes of the root element, and every link."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root: dict[str, str | None] = {}
        self.links: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self.root = dict(attrs)
        if tag == "a":
            self.links.append(dict(attrs).get("href"))


@pytest.fixture
def attacked(case: Case) -> Case:
    """A run in which question, reference and answer try to run a script."""
    case.add("attack", 1.0, 99.0, PAYLOAD)
    case.answers[-1] = replace(case.answers[-1], question=PAYLOAD, reference=PAYLOAD)
    return case


def test_a_script_in_an_answer_does_not_run_and_ours_does(attacked: Case, tmp_path: Path) -> None:
    dom = loaded(attacked.page(), tmp_path)
    found = Root(dom)
    assert "data-owned" not in found.root
    assert found.root.get("class") == "js", "our own script has run"
    assert "5 of 5 shown" in dom
    assert len(found.links) > 8
    assert all(link is not None and link.startswith("#") for link in found.links)


def test_the_policy_holds_even_where_escaping_would_fail(attacked: Case, tmp_path: Path) -> None:
    page = attacked.page()
    broken = page.replace('<div id="samples">', f'<div id="samples">{PAYLOAD}', 1)
    assert broken != page
    assert "data-owned" not in Root(loaded(broken, tmp_path)).root


def test_the_same_attack_succeeds_on_an_unguarded_page(tmp_path: Path) -> None:
    dom = loaded(f"<!DOCTYPE html><html><body><pre>{PAYLOAD}</pre></body></html>", tmp_path)
    assert Root(dom).root.get("data-owned") == "1", "otherwise the tests above prove nothing"
