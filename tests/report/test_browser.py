"""The page in a real browser without a window: foreign text does not run, our script does."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gradus.report.record import read_record
from gradus.results import Interval

from ..teacher_server import TeacherServer
from .conftest import write_runs

if TYPE_CHECKING:
    from .conftest import Case

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
    assert all(link is not None and link.startswith("#") for link in found.links if link != "../index.html")


def test_a_hostile_run_name_and_configuration_stay_text_in_the_overview(attacked: Case, tmp_path: Path) -> None:
    attacked.publish()
    record = read_record(attacked.reports / "test" / "report.json")
    write_runs(attacked.reports, {"evil": replace(record, run=PAYLOAD, base=PAYLOAD, method=PAYLOAD, config={PAYLOAD: PAYLOAD})})
    name = "<script>document.documentElement.dataset.owned=1<"
    (attacked.reports / "evil").rename(attacked.reports / name)
    attacked.publish()
    dom = loaded(attacked.index(), tmp_path)
    found = Root(dom)
    assert "data-owned" not in found.root
    assert found.root.get("class") == "js"
    assert len(found.links) == 3, "to skip, and one for each run"
    assert all(link is not None and "javascript:" not in link for link in found.links)
    assert "owned=1&lt;</a>" in dom


def test_the_overview_compares_two_runs_and_sorts(case: Case, tmp_path: Path) -> None:
    case.publish()
    record = read_record(case.reports / "test" / "report.json")
    worse = replace(record, percent=50.0, interval=Interval(46.0, 54.0), created=record.created - timedelta(days=1), test="another")
    figures = [replace(figure, value=50.0) if figure.name == "Grade" else figure for figure in record.figures]
    write_runs(case.reports, {"older": replace(worse, figures=figures, config={**record.config, "seed": 7})})
    case.publish()
    dom = loaded(case.index(), tmp_path)
    assert "Graded by different tests: scores do not compare. 1 setting differs." in dom
    pair = dom.split('id="pair"')[1]
    assert pair.index(">older<") < pair.index(">test<") < pair.index(">Change<")
    assert '<td class="">+25.5</td>' in pair, "without a colour, for the tests are not the same"
    click = "document.querySelectorAll('#runs-table button')[1]"
    script = f"<script>addEventListener('load', () => {{ {click}.click(); {click}.click(); }})</script></body>"
    free = case.index().replace("</body>", script).replace('http-equiv="Content-Security-Policy"', 'name="off"')
    runs = loaded(free, tmp_path).split('id="runs-table"')[1].split("</table>")[0]
    assert 'aria-sort="ascending"' in runs
    assert runs.index(">older<") < runs.index(">test<")


def test_a_script_in_a_paragraph_by_a_model_does_not_run(attacked: Case, tmp_path: Path, teacher_server: TeacherServer) -> None:
    attacked.settings = ["report.writer=teacher", *teacher_server.settings]
    teacher_server.script = lambda _: PAYLOAD.replace("=1", "=true")
    page = attacked.page()
    assert "<strong>Written by a model</strong>" in page
    dom = loaded(page, tmp_path)
    assert "data-owned" not in Root(dom).root
    assert not [link for link in Root(dom).links if link and "javascript" in link]
    assert "&lt;img src=x" in dom.split("<aside")[1].split("</aside>")[0]


def test_the_policy_holds_even_where_escaping_would_fail(attacked: Case, tmp_path: Path) -> None:
    page = attacked.page()
    broken = page.replace('<div id="samples">', f'<div id="samples">{PAYLOAD}', 1)
    assert broken != page
    assert "data-owned" not in Root(loaded(broken, tmp_path)).root


def test_the_same_attack_succeeds_on_an_unguarded_page(tmp_path: Path) -> None:
    dom = loaded(f"<!DOCTYPE html><html><body><pre>{PAYLOAD}</pre></body></html>", tmp_path)
    assert Root(dom).root.get("data-owned") == "1", "otherwise the tests above prove nothing"
