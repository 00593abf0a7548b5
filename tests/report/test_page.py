"""The page as a document: what it holds without its scripts, and what is never in it."""

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from collector.report import collect_contents, render
from collector.report.findings import FINDINGS
from collector.report.rows import MAX_ROWS
from tests.report.lakes import ATTACK, NOT_AN_ADDRESS, MadeUpLake

PAGES = ("ordinary_page", "first_page", "hostile_page", "empty_page", "large_page")


class Document(HTMLParser):
    """Elements with their attributes, the text of scripts and styles, and the text that people see."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[tuple[str, dict[str, str | None], str]] = []
        self.seen = ""
        self._raw: tuple[str, dict[str, str | None]] | None = None
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._raw = (tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if self._raw and tag == self._raw[0]:
            self._raw = None

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.blocks.append((*self._raw, data))
        else:
            self.seen += data

    def attribute(self, name: str) -> list[str]:
        """Every value of an attribute, wherever it stands."""
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


@pytest.fixture(params=PAGES)
def document(request: pytest.FixtureRequest) -> Document:
    """Each of the pages in turn."""
    return Document(request.getfixturevalue(request.param))


def test_nothing_is_loaded_from_anywhere(document: Document) -> None:
    """No element has a source; the only addresses are links to follow, places in the page, and an empty icon."""
    assert not document.attribute("src")
    assert not document.attribute("srcset")
    for address in document.attribute("href"):
        assert re.match(r"https?://|#[a-z_]+$|data:,$", address), address
    assert [a["href"] for tag, a in document.elements if tag == "link"] == ["data:,"]
    assert not re.search(r"url\(|@import", "".join(text for tag, _, text in document.blocks if tag == "style"))


def test_no_element_came_in_with_a_name(document: Document) -> None:
    """Every element is one that the template writes; none has a handler or a style of its own."""
    tags = Counter(tag for tag, _ in document.elements)
    assert tags["img"] == tags["iframe"] == tags["object"] == tags["form"] == tags["base"] == 0
    assert tags["script"] == 5
    for _, attributes in document.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_the_policy_names_every_script_and_style_and_nothing_else(document: Document) -> None:
    """The hashes are those of the page's own blocks, so no other script could run and no request could leave."""
    policy = next(
        a["content"] or "" for tag, a in document.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    rules = {name: set(values) for name, *values in (rule.split() for rule in policy.split(";"))}
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        blocks = [text for kind, a, text in document.blocks if kind == tag and a.get("id") != "data"]
        hashes = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in blocks}
        assert rules[rule] == {f"'sha256-{each}'" for each in hashes}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == {"'none'"}
    assert rules["img-src"] == {"data:"}


def test_identifiers_are_unique_and_links_inside_lead_somewhere(document: Document) -> None:
    """Every `#name` of a link, label or description is the id of one element."""
    names = Counter(document.attribute("id"))
    assert max(names.values()) == 1
    wanted = [address[1:] for address in document.attribute("href") if address.startswith("#")]
    wanted += document.attribute("for") + document.attribute("aria-labelledby") + document.attribute("aria-controls")
    assert set(wanted) <= set(names)


def test_the_data_is_one_block(document: Document) -> None:
    """It is compressed JSON, which is read whole."""
    (block,) = [text for _, attributes, text in document.blocks if attributes.get("id") == "data"]
    assert isinstance(json.loads(gzip.decompress(base64.b64decode(block)))["texts"], list)


def test_hostile_names_are_words(hostile_page: Path) -> None:
    """The attack is there to be read, and nowhere is it markup."""
    page = hostile_page.read_text(encoding="utf-8")
    assert ATTACK not in page
    document = Document(hostile_page)
    assert ATTACK in document.seen
    assert f"address not followed: {NOT_AN_ADDRESS}" in document.seen
    assert not [each for each in document.attribute("href") if not re.match("https?://|#|data:,$", each)]


def test_a_partial_run_says_so_first(hostile_page: Path, ordinary_page: Path) -> None:
    """What is missing is named above everything that could be taken as complete."""
    partial, complete = Document(hostile_page).seen, Document(ordinary_page).seen
    assert partial.index("Partial") < partial.index("1 thing could not be seen") < partial.index("What changed")
    assert "Not completely seen, one by one" in partial
    assert "What was not seen is not counted as removed" in partial
    assert "Everything that was selected was seen" in complete
    assert "Partial" not in complete


def test_an_empty_lake_has_no_findings(empty_page: Path) -> None:
    """Without a run no finding is said to be absent."""
    seen = Document(empty_page).seen
    assert "No run has been published yet" in seen
    assert "does not mean that there are no problems" in seen
    assert "Checked, nothing found" not in seen


def test_the_first_run_has_no_charts(first_page: Path) -> None:
    """The first run is compared with nothing and has no charts; the page says when a run is not the newest."""
    seen = Document(first_page).seen
    assert "This is the first run of the lake" in seen
    assert "The charts need at least two runs" in seen
    assert "This is not the newest run" in seen


def test_without_scripts_the_tables_are_there(ordinary_page: Path) -> None:
    """The page itself holds the first rows of every finding, its links, the date and the numbers of the runs."""
    document = Document(ordinary_page)
    assert "Scripts are off" in document.seen
    assert len([each for each in document.attribute("href") if each.startswith("https://app.buddy.works/")]) > 20
    for question, finding in FINDINGS.items():
        assert finding.title in document.seen
        assert question in document.attribute("id")
    assert "2026-11-22" in document.seen


def test_a_year_of_two_thousand_actions_stays_under_two_megabytes(large_page: Path) -> None:
    """Even when every action is in every finding, the page is small enough to send around."""
    size = large_page.stat().st_size
    print(f"{size:,} bytes for 365 runs and 2,000 actions with {len(FINDINGS)} findings each")
    assert size < 2_000_000
    assert size > 1_000_000, "this lake is meant to fill the page"
    seen = Document(large_page).seen
    assert "and 1,990 more rows" in seen


def test_what_was_carried_is_said() -> None:
    """The page says how many promotions were carried and when the oldest was read; a run without any says nothing."""
    contents = collect_contents(MadeUpLake(actions=2, runs=1), "latest", datetime.now(UTC))
    said = "1,200 promotions carried: read by an earlier run, the oldest 2"
    assert said in render(contents)
    contents = replace(contents, runs=[{**contents.runs[-1], "carried": 0, "oldest_read_at": None}])
    assert " carried: " not in render(contents)


def test_names_of_any_length_leave_the_page_small() -> None:
    """Where names are so long that a thousand rows of each finding would be too much, there are fewer rows."""

    class Wordy(MadeUpLake):
        def _row(self, question: str, number: int) -> dict[str, Any]:
            row = super()._row(question, number)
            return {
                n: f"{v}{n * 300}" if isinstance(v, str) and n in self._columns[question] else v for n, v in row.items()
            }

    page = render(collect_contents(Wordy(actions=MAX_ROWS + 1, runs=365), "latest", datetime(2026, 11, 24, tzinfo=UTC)))
    assert len(page.encode()) < 3_000_000
