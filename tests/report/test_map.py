"""The map of the report in a real Chromium: images are found, their paths followed, the drawing zoomed and scrolled."""

import json
from pathlib import Path

import pytest

from tests.report.browser import Page
from tests.report.opened_page import DRAWN, STATUS, choose_first, on_a_box, quiet

pytestmark = pytest.mark.browser


def test_an_image_is_found_and_followed_by_keyboard(browser: Page, ordinary_page: Path) -> None:
    """Typing opens the choices, arrows and Enter take one, the drawing and the list show its path, Escape closes."""
    browser.open(ordinary_page)
    browser.run("document.getElementById('find').focus()")
    browser.type("checkout")
    assert browser.run("document.getElementById('find').ariaExpanded") == "true"
    browser.press("Escape")
    assert browser.run("document.getElementById('find').ariaExpanded") == "false"
    browser.press("ArrowDown", "ArrowDown")
    chosen = browser.run("document.querySelector('[aria-selected=true]').id")
    assert browser.run("document.getElementById('find').getAttribute('aria-activedescendant')") == chosen
    name = browser.run("document.querySelector('[aria-selected=true] .name').textContent")
    browser.press("Enter")
    assert browser.run(STATUS).startswith(name)
    steps = browser.run("document.querySelectorAll('.steps > li').length")
    assert 0 < steps == browser.run(DRAWN)
    assert browser.run("[...document.querySelectorAll('.step')].some((each) => each.innerText.includes('checkout'))")
    assert browser.run("document.querySelectorAll('.steps a[href^=\"https://app.buddy.works/\"]').length") >= steps


def test_a_path_is_followed_in_both_directions(browser: Page, ordinary_page: Path) -> None:
    """Each direction shows a part of what both show; reset shows the first view again."""
    browser.open(ordinary_page)
    beginning = browser.run(STATUS)
    browser.run("document.getElementById('find').focus()")
    choose_first(browser, "staging")
    counts = {}
    for way in ("up", "down", "both"):
        browser.run(f"document.querySelector('input[name=direction][value={way}]').click()")
        counts[way] = browser.run(DRAWN)
    assert max(counts["up"], counts["down"]) <= counts["both"] <= counts["up"] + counts["down"]
    assert min(counts.values()) > 0
    browser.run("document.getElementById('enabled-only').click()")
    assert browser.run(DRAWN) <= counts["both"]
    browser.run("document.getElementById('enabled-only').click()")
    browser.run("document.getElementById('map-reset').click()")
    assert browser.run(STATUS) == beginning


def test_an_unknown_name(browser: Page, ordinary_page: Path) -> None:
    """The search says that nothing matches, and Enter changes nothing."""
    browser.open(ordinary_page)
    before = browser.run(STATUS)
    browser.run("document.getElementById('find').focus()")
    browser.type("no-such-image-anywhere")
    assert "No image" in browser.run("document.getElementById('find-results').innerText")
    browser.press("ArrowDown", "Enter")
    assert browser.run(STATUS) == before


def test_a_click_on_the_drawing_chooses(browser: Page, ordinary_page: Path) -> None:
    """A click on a box shows the paths of its reference."""
    browser.open(ordinary_page)
    browser.click(*on_a_box(browser))
    browser.wait(f"!{STATUS}.includes('Find an image')")
    assert browser.run("document.getElementById('find').value") in browser.run(STATUS)


def test_a_large_map_stays_usable(browser: Page, large_page: Path) -> None:
    """Of 2,000 steps a few are drawn, the total is shown, and all are searched."""
    browser.open(large_page)
    assert browser.run(DRAWN) <= 80
    assert "of 2,000" in browser.run(STATUS)
    browser.run("document.getElementById('find').focus()")
    choose_first(browser, "project-049")
    assert "(80 references)" in browser.run(STATUS)
    assert browser.run(DRAWN) == 40
    choose_first(browser, "project")
    assert browser.run(DRAWN) == 80
    assert "The nearest 80 are drawn; all are listed" in browser.run(STATUS)


def test_touch_scrolls_the_page_over_the_drawing(browser: Page, ordinary_page: Path) -> None:
    """On a box a swipe up scrolls the page, one to the side the drawing; only a tap chooses."""

    def on_a_phone() -> None:
        browser.open(ordinary_page, width=280, height=700, phone=True)
        for _ in range(4):  # larger than the frame
            browser.run("document.getElementById('zoom-in').click()")

    on_a_phone()
    frame, said = "document.getElementById('map-frame')", browser.run(STATUS)
    browser.swipe(*on_a_box(browser), -100, 0)
    browser.wait(f"{frame}.scrollLeft > 30")
    assert browser.run(STATUS) == said
    # Loaded again: a second gesture soon after the first still goes to what the first one scrolled.
    on_a_phone()
    box = on_a_box(browser)
    down = f"scrollY + {frame}.scrollTop"
    before = browser.run(down)
    browser.swipe(*box, 0, -120)
    browser.wait(f"{down} > {before} + 30")
    assert browser.run(STATUS) == said
    browser.swipe(*on_a_box(browser), 0, 0)
    browser.wait(f"{STATUS} !== {json.dumps(said)}")
    assert quiet(browser, ordinary_page), browser.trouble


def test_a_change_of_scheme_changes_the_drawings(browser: Page, ordinary_page: Path) -> None:
    """Drawings follow the scheme while the page is open."""
    browser.open(ordinary_page)
    colour = "document.getElementById('drawing')._cyreg.cy.nodes()[0].style('color')"
    light = browser.run(colour)
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.wait(f"{colour} !== '{light}'")


SCALE = "Number(document.getElementById('drawing').dataset.scale)"
FRAME = "document.getElementById('map-frame')"


def test_the_map_fits_its_frame_and_zooms(browser: Page, ordinary_page: Path) -> None:
    """At first the whole drawing is in its frame; buttons and keys make it larger and smaller, around its middle."""
    browser.open(ordinary_page)
    assert browser.run(
        f"{FRAME}.scrollWidth <= {FRAME}.clientWidth && {FRAME}.scrollHeight <= {FRAME}.clientHeight + 1"
    )
    fitting = browser.run(SCALE)
    for _ in range(3):
        browser.run("document.getElementById('zoom-in').click()")
    assert browser.run(SCALE) > 1.9 * fitting
    assert browser.run(f"{FRAME}.scrollWidth > {FRAME}.clientWidth && {FRAME}.scrollLeft > 0")
    assert not browser.run("document.getElementById('wider').hidden")
    browser.run(f"{FRAME}.focus()")
    browser.press("-")
    assert fitting < browser.run(SCALE) < 1.9 * fitting
    browser.run("document.getElementById('zoom-fit').click()")
    assert browser.run(SCALE) == fitting
    assert browser.run("document.getElementById('wider').hidden")


def test_a_view_is_sent_by_its_address(browser: Page, ordinary_page: Path) -> None:
    """Image, direction, filters and section are in the address; opened again, it shows the same."""
    browser.open(ordinary_page)
    browser.run("document.getElementById('find').focus()")
    choose_first(browser, "checkout")
    browser.run("document.querySelector('input[name=direction][value=up]').click()")
    browser.run("document.getElementById('filter-changes').focus()")
    browser.type("staging")
    browser.run("document.querySelector('#unguarded_production > summary').click()")
    browser.wait("location.hash.startsWith('#unguarded_production?')")
    shown = f"[{STATUS}, {DRAWN}, document.querySelectorAll('#changes tbody tr').length]"
    there, before = browser.run("location.href"), browser.run(shown)
    assert "image=checkout&direction=up&changes=staging" in there
    browser.open(ordinary_page)
    assert browser.run(shown) != before
    browser.open(ordinary_page, at=there.partition("#")[2])
    assert browser.run(shown) == before
    assert browser.run("document.getElementById('unguarded_production').open")
    assert browser.run("document.getElementById('filter-changes').value") == "staging"
    browser.run("document.querySelector('nav a[href=\"#map\"]').click()")
    browser.wait("location.hash === '#map?image=checkout&direction=up&changes=staging'")
    browser.open(ordinary_page, at="map?image=no-such-image&direction=sideways")
    assert quiet(browser, ordinary_page), browser.trouble
