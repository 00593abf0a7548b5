"""What the tests of the opened report ask it for: expressions for the browser, and gestures."""

from pathlib import Path

from tests.report.browser import Page

STATUS = "document.getElementById('map-status').textContent"
DRAWN = "Number(document.getElementById('drawing').dataset.edges)"


def quiet(browser: Page, page: Path) -> bool:
    """Return whether the page requested nothing but itself, and nothing was reported."""
    return browser.asked_for == [page.resolve().as_uri()] and browser.trouble == []


def choose_first(browser: Page, typed: str) -> None:
    """Choose the first search result with the keyboard."""
    browser.run("document.getElementById('find').select()")
    browser.type(typed)
    browser.press("ArrowDown", "Enter")


def on_a_box(browser: Page) -> tuple[float, float]:
    """Scroll to the first box of the drawing and return its centre."""
    browser.run("document.getElementById('map-frame').scrollTo(0, 0)")
    browser.run("document.getElementById('map-frame').scrollIntoView({block: 'center'})")
    # Touch events go to what is on the screen, which follows the page some frames later.
    browser.run("new Promise((done) => setTimeout(done, 300))")
    x, y = browser.run(
        "(() => { const at = document.getElementById('drawing').getBoundingClientRect();"
        " const boxes = document.getElementById('drawing')._cyreg.cy.nodes().map((node) => node.renderedPosition());"
        " const first = boxes.sort((one, other) => one.x - other.x || one.y - other.y)[0];"
        " return [at.x + first.x, at.y + first.y]; })()"
    )
    return x, y
