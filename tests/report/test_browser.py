"""The report in a real Chromium: it loads without errors or requests, and works with keyboard and touch."""

from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Page
from tests.report.opened_page import STATUS, choose_first, quiet

pytestmark = pytest.mark.browser
PAGES = ("ordinary_page", "first_page", "hostile_page", "empty_page", "large_page")
HURT = "typeof window.hurt"
FOCUSED = "document.activeElement"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("looks", [{}, {"dark": True}, {"phone": True, "width": 390, "height": 844}])
def test_it_loads_without_errors(
    browser: Page, request: pytest.FixtureRequest, name: str, looks: dict[str, Any]
) -> None:
    """There is no request but for the file itself, nothing in the console, no exception, no violation of the policy."""
    page = request.getfixturevalue(name)
    browser.open(page, **looks)
    browser.run("scrollTo(0, document.documentElement.scrollHeight)")
    assert quiet(browser, page), (browser.asked_for, browser.trouble)


def test_without_scripts_it_is_a_document(browser: Page, ordinary_page: Path) -> None:
    """Without scripts the page loads without errors and requests."""
    browser.open(ordinary_page, scripts=False)
    assert quiet(browser, ordinary_page), (browser.asked_for, browser.trouble)


def test_the_policy_stops_what_is_not_ours(browser: Page, ordinary_page: Path) -> None:
    """The browser refuses any other script, request or picture."""
    browser.open(ordinary_page)
    browser.run(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hurt = 1'}))"
    )
    browser.run("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    assert browser.run("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert browser.run(HURT) == "undefined"
    for what in ("Executing inline script violates", "Loading the image", "Fetch API cannot load"):
        assert any(what in each and "Content Security Policy" in each for each in browser.trouble), what


def test_hostile_names_do_nothing(browser: Page, hostile_page: Path) -> None:
    """A hostile name stays text when it is drawn, listed, searched and filtered; a bad address is no link."""
    browser.open(hostile_page)
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    choose_first(browser, "script")
    assert browser.run(f"{STATUS}.length") > 0
    assert browser.run("document.body.innerText.includes('<img src=x')") is True
    assert browser.run("document.querySelectorAll('img, iframe, object, [onerror]').length") == 0
    schemes = "[...new Set([...document.links].map((each) => each.protocol))].sort().join()"
    assert browser.run(schemes) == "file:,https:"
    assert browser.run(HURT) == "undefined"
    assert quiet(browser, hostile_page), (browser.asked_for, browser.trouble)


def test_tab_goes_through_the_page_in_order(browser: Page, ordinary_page: Path) -> None:
    """The skip link comes first, then the sections; everything that gets the focus is visible and named."""
    browser.open(ordinary_page)
    browser.press("Tab")
    assert browser.run(f"{FOCUSED}.textContent") == "Skip to the report"
    assert browser.run(f"{FOCUSED}.getBoundingClientRect().top >= 0")
    browser.press("Enter")
    assert browser.run(f"{FOCUSED}.id") == "content"
    tops = []
    for _ in range(30):
        browser.press("Tab")
        stop = browser.run(
            f"(() => {{ const it = {FOCUSED}, box = it.getBoundingClientRect();"
            " const name = it.ariaLabel || it.labels?.[0]?.innerText || it.innerText || it.value;"
            " return { name, top: box.top + scrollY, seen: box.width > 0 && box.height > 0 }; })()"
        )
        assert stop["seen"], stop
        assert stop["name"].strip(), stop
        tops.append(stop["top"])
    assert tops[-1] > tops[0]


def test_a_finding_opens_by_keyboard_and_shows_more(browser: Page, large_page: Path) -> None:
    """Enter opens it; a button shows the next rows, and the first of them gets the focus."""
    browser.open(large_page)
    browser.run("document.querySelector('#bypasses_staging > summary').focus()")
    browser.press("Enter")
    assert browser.run("document.getElementById('bypasses_staging').open")
    rows = "document.querySelectorAll('#bypasses_staging tbody tr').length"
    before = browser.run(rows)
    browser.run("document.querySelector('#bypasses_staging .rows > button').focus()")
    browser.press("Enter")
    assert browser.run(rows) == 2 * before
    assert browser.run(f"[...{FOCUSED}.parentElement.children].indexOf({FOCUSED})") == before


def test_findings_are_filtered(browser: Page, large_page: Path) -> None:
    """Every table shows the rows that hold all words, with their number; an empty filter shows all."""
    browser.open(large_page)
    count = "document.querySelector('[data-count=unguarded_production]').textContent"
    assert browser.run(count) == "2,000"
    browser.run("document.getElementById('filter-findings').focus()")
    browser.type("PROJECT-003 staging")
    assert browser.run(count) == "40 of 2,000"
    cells = "[...document.querySelectorAll('#unguarded_production tbody td.place')].map((each) => each.textContent)"
    assert browser.run(f"{cells}.every((each) => each.includes('project-003'))")
    browser.run("document.getElementById('filter-findings').select()")
    browser.type("nothing-is-called-that")
    assert "Nothing here matches" in browser.run("document.querySelector('#unguarded_production').textContent")


def test_a_link_to_a_finding_opens_it(browser: Page, large_page: Path) -> None:
    """The tiles at the top link to an open list."""
    browser.open(large_page)
    browser.run("document.querySelector('a[href=\"#failing_promotions\"]').click()")
    browser.wait("document.getElementById('failing_promotions').open")


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_sideways_scrolling(browser: Page, request: pytest.FixtureRequest, name: str) -> None:
    """The page is as wide as the phone; only the drawing scrolls, within its frame."""
    browser.open(request.getfixturevalue(name), width=360, height=740, phone=True)
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert browser.run("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(browser: Page, ordinary_page: Path, dark: bool) -> None:
    """In both colour schemes text has the contrast that WCAG AA requires, 4.5 to 1."""
    browser.open(ordinary_page, dark=dark)
    contrast = """((ink, behind) => {
        const style = getComputedStyle(document.documentElement);
        const light = (name) => { const hex = style.getPropertyValue('--' + name).trim().slice(1);
            const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
                .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05; };
        const both = [light(ink), light(behind)].sort((a, b) => b - a);
        return both[0] / both[1]; })"""
    pairs = [("ink", "card"), ("ink", "page"), ("soft", "card"), ("soft", "page"), ("soft", "hover"),
             ("accent", "card"), ("bad", "card"), ("warn", "card"), ("warn", "warn-tint"), ("good", "good-tint"),
             ("ink", "good-tint"), ("ink", "warn-tint"), ("ink", "info-tint"), ("soft", "info-tint")]  # fmt: skip
    pairs += [("ink", f"{environment}-tint") for environment in ("production", "staging", "test", "development")]
    low = [pair for pair in pairs if browser.run(f"{contrast}('{pair[0]}', '{pair[1]}')") < 4.5]
    assert low == []


@pytest.mark.parametrize(
    ("days", "words"), [(0.1, ""), (1.6, "the runs since are missing"), (30, "says nothing about the time since")]
)
def test_an_old_report_says_that_it_is_old(browser: Page, ordinary_page: Path, days: float, words: str) -> None:
    """The age is counted when the page is opened: a report that is opened a month later says how old it is."""
    began = "Date.parse('2026-11-22T02:15:00Z')"
    clock = browser.send(
        "Page.addScriptToEvaluateOnNewDocument", source=f"Date.now = () => {began} + {days} * 86_400_000"
    )
    try:
        browser.open(ordinary_page)
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=clock["identifier"])
    stale = browser.run("[document.getElementById('stale').hidden, document.getElementById('stale').textContent]")
    assert stale[0] is (words == "")
    assert words in stale[1]


def test_trends_are_drawn_and_described(browser: Page, large_page: Path) -> None:
    """Each chart has its lines, and a description for screen readers."""
    browser.open(large_page)
    figures = browser.run("[...document.querySelectorAll('figure')].map((each) => each.ariaLabel)")
    assert len(figures) == 5
    assert figures[0] == "Promotions. promotions: between 2,000 and 2,000, last 2,000."
    assert browser.run("[...document.querySelectorAll('figure canvas')].every((each) => each.width > 200)")


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core; `make browser` installs it")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 768, 390])
def test_nothing_is_a_serious_barrier(browser: Page, ordinary_page: Path, width: int, dark: bool) -> None:
    """axe-core finds nothing serious in the page with everything unfolded."""
    browser.open(ordinary_page, width=width, dark=dark, phone=width < 640)
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    browser.run(AXE.read_text(encoding="utf-8") + "; 0")
    found = browser.run(
        "axe.run(document, { resultTypes: ['violations'] }).then((all) => all.violations"
        ".filter((each) => ['serious', 'critical'].includes(each.impact))"
        ".map((each) => each.id + ': ' + each.nodes.map((node) => node.html.slice(0, 120)).join(' | ')))"
    )
    assert found == []
