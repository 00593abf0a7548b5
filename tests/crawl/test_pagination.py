"""Laws of one list being read: when it needs another page, when another reading, and when it is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.decode import Item, SchemaViolation
from collector.buddy.requests import Kind, Request
from collector.crawl.pagination import MAX_READINGS, Listing, identity_of
from tests.request_builders import projects_request

FIRST = projects_request("us", "acme")


def items(*keys: object) -> list[Item]:
    """Items with these keys; None makes an unreadable one."""
    return [Item(str(k), {"name": str(k)}, None) if k is not None else unreadable(0) for k in keys]


def unreadable(number: int) -> Item:
    """An item whose very key can't be read."""
    return Item(None, {"item": number}, SchemaViolation("Expected an object", "$"))


def page(first: int, count: int) -> list[Item]:
    """`count` items from number `first` on."""
    return items(*range(first, first + count))


def next_request(listing: Listing, request: Request, read: list[Item]) -> Request | None:
    """Read one page and say what is asked next."""
    listing.read(read)
    return listing.next_request(request, len(read))


@pytest.mark.parametrize("count", [0, 1, 19])
def test_a_short_first_page_is_the_whole_list(count: int) -> None:
    """Fewer than 20 items on the first page: one request, one reading."""
    listing = Listing(Kind.PROJECTS, None, 0)
    assert next_request(listing, FIRST, page(0, count)) is None
    assert listing.settled


@pytest.mark.parametrize("count", [20, 21, 49, 50])
def test_a_page_of_twenty_or_more_may_not_be_the_last(count: int) -> None:
    """From 20 items on the server may have clamped the page, so the next is asked for where this one ended."""
    follow = next_request(Listing(Kind.PROJECTS, None, 0), FIRST, page(0, count))
    assert follow == projects_request("us", "acme", page=2, per_page=count)


@pytest.mark.parametrize(("count", "again"), [(21, False), (37, False), (49, False), (20, True), (50, True)])
def test_a_single_page_is_read_again_only_when_it_may_have_been_cut_off(count: int, again: bool) -> None:
    """Behind a page as long as Buddy's limits one item may have stood, and moved up unseen when another went."""
    listing = Listing(Kind.PROJECTS, None, 0)
    second = next_request(listing, FIRST, page(0, count))
    assert second is not None
    assert (next_request(listing, second, []) is not None) is again


def test_a_repeated_full_page_is_no_reading() -> None:
    """Where page 2 repeats page 1, the real one is unknown: no two such readings agree."""
    listing = Listing(Kind.PROJECTS, None, 0)
    request: Request | None = FIRST
    asked = 0
    while request is not None:
        request = next_request(listing, request, page(0, 20))
        asked += 1
    assert asked == 2 * MAX_READINGS
    assert not listing.settled


def test_a_server_without_pages_is_believed() -> None:
    """A page of another length that repeats is the complete list of a server without pages."""
    listing = Listing(Kind.PROJECTS, None, 0)
    request: Request | None = FIRST
    while request is not None:
        request = next_request(listing, request, page(0, 37))
    assert listing.settled


UNASKED = pytest.mark.parametrize("kind", [Kind.WORKSPACES, Kind.ACTIONS])


@UNASKED
@pytest.mark.parametrize("count", [0, 1, 19, 21, 40, 49, 51, 500])
def test_a_list_without_pages_is_one_reply(kind: Kind, count: int) -> None:
    """Workspaces and actions have no pages in any source: nothing more is asked unless a limit may cut them off."""
    assert next_request(Listing(kind, None, 0), Request("us", kind), page(0, count)) is None


@UNASKED
@pytest.mark.parametrize("count", [20, 50])
def test_a_list_as_long_as_a_limit_is_whole_when_it_comes_again(kind: Kind, count: int) -> None:
    """One request more, for the second page of one item: a server that returns the whole list again has no pages."""
    listing = Listing(kind, None, 0)
    probe = next_request(listing, Request("us", kind), page(0, count))
    assert probe == Request("us", kind, page=2, per_page=1)
    assert next_request(listing, probe, page(0, count)) is None
    assert listing.settled


@UNASKED
@pytest.mark.parametrize("probed", [page(1, 1), [], page(20, 1), page(20, 20)])
def test_any_other_answer_means_that_the_list_is_paged(kind: Kind, probed: list[Item]) -> None:
    """After any other reply to the probe, the second page is asked for, with the size of the first."""
    listing = Listing(kind, None, 0)
    probe = next_request(listing, Request("us", kind), page(0, 20))
    assert probe is not None
    assert next_request(listing, probe, probed) == Request("us", kind, page=2, per_page=20)


@UNASKED
@pytest.mark.parametrize(("count", "asked"), [(20, 5), (21, 5), (40, 7), (41, 7)])
def test_a_list_that_is_paged_against_all_sources_is_read_to_its_end_twice(kind: Kind, count: int, asked: int) -> None:
    """Found to be paged, it is read like any other list: page by page, and again until two readings agree."""
    listing = Listing(kind, None, 0)
    request: Request | None = Request("us", kind)
    made = []
    while request is not None:
        made.append(request)
        size = request.per_page or 20
        request = next_request(listing, request, page(0, count)[(max(1, request.page) - 1) * size :][:size])
    assert len(made) == len(set(made)) == asked
    assert len(listing.positions) == count
    assert listing.settled
    assert sum(each.per_page == 1 for each in made) == 1


@UNASKED
def test_a_paged_list_whose_pages_repeat_is_never_called_whole(kind: Kind) -> None:
    """A server that pages but answers each page with the first is found out: what is behind it was not seen."""
    listing = Listing(kind, None, 0)
    request: Request | None = Request("us", kind)
    asked = 0
    while request is not None:
        request = next_request(listing, request, page(0, request.per_page or 20))
        asked += 1
    assert asked == 2 * MAX_READINGS + 1
    assert not listing.settled


def read_all(listing: Listing, readings: list[list[int]]) -> int:
    """Serve the given readings, each of two pages; return how many were asked for."""
    request: Request | None = FIRST
    for number, reading in enumerate(readings, start=1):
        assert request == FIRST.__class__("us", Kind.PROJECTS, "acme", page=1, per_page=50, reading=number)
        for keys in (reading[:30], reading[30:]):
            assert request is not None
            request = next_request(listing, request, items(*keys))
        if request is None:
            return number
    raise AssertionError("the listing asked for more readings than there may be")


@pytest.mark.parametrize(
    ("offsets", "asked", "settled"),
    [((0, 0), 2, True), ((0, 1, 1), 3, True), ((0, 1, 0), 3, True), ((0, 1, 2), 3, False)],
)
def test_readings_go_on_until_two_agree(offsets: tuple[int, ...], asked: int, settled: bool) -> None:
    """A list of two pages is read until any two readings hold the same ids, and three times at most."""
    listing = Listing(Kind.PROJECTS, None, 0)
    assert read_all(listing, [list(range(n, n + 40)) for n in offsets]) == asked
    assert listing.settled is settled
    assert asked <= MAX_READINGS


def test_the_order_of_a_reading_is_no_difference() -> None:
    """Readings agree when their ids are the same, in any order."""
    listing = Listing(Kind.PROJECTS, None, 0)
    assert read_all(listing, [list(range(40)), list(range(39, -1, -1))]) == 2


def test_an_item_is_new_once_and_keeps_its_position() -> None:
    """Over pages and readings each id is returned once, and its position is where it was first seen."""
    listing = Listing(Kind.PROJECTS, None, 0)
    assert [item.key for item in listing.read(items("a", "b", "a"))] == ["a", "b"]
    assert [item.key for item in listing.read(items("c", "b"))] == ["c"]
    assert listing.positions == {"a": 1, "b": 2, "c": 3}


def of_type(kind: str, place: int, **more: object) -> Item:
    """An action with the id 7 that stands at a place of its page."""
    return Item(7, {"id": 7, "type": kind, **more}, None, f"$.actions[{place}]")


BUILD, PROMOTION = of_type("BUILD", 0), of_type("PROMOTE_IMAGE", 1)


@pytest.mark.parametrize(
    ("page", "kept", "left_out"),
    [
        ([BUILD, PROMOTION], PROMOTION, [("BUILD", "$.actions[1]")]),
        ([PROMOTION, BUILD], PROMOTION, [("BUILD", "$.actions[0]")]),
        ([BUILD, of_type("FTP", 1)], BUILD, [("FTP", "$.actions[1]")]),
        ([PROMOTION, of_type("PROMOTE_IMAGE", 2, name="x")], PROMOTION, [("PROMOTE_IMAGE", "$.actions[2]")]),
        ([BUILD, PROMOTION, of_type("FTP", 2)], PROMOTION, [("BUILD", "$.actions[1]"), ("FTP", "$.actions[2]")]),
        ([BUILD, of_type("BUILD", 1)], BUILD, []),
        ([Item(7, {"type": "BUILD", "id": 7}, None, "$.actions[0]"), of_type("BUILD", 1)], BUILD, []),
    ],
)  # fmt: skip
def test_of_two_items_with_one_id_on_a_page_the_promotion_is_read(
    page: list[Item], kept: Item, left_out: list[tuple[str, str]]
) -> None:
    """Different items with one id: the promotion, or else the first, is new, and each other one is reported once."""
    listing = Listing(Kind.ACTIONS, None, 0)
    [new_item] = listing.read(page)
    assert (new_item.key, new_item.document) == (kept.key, kept.document)
    assert [(item.document["type"], item.json_path) for item in listing.duplicates] == left_out
    assert listing.read(page) == listing.duplicates == []


@pytest.mark.parametrize(
    ("pages", "expected", "left_out", "others"),
    [
        ([[BUILD], [PROMOTION]], ["BUILD", "PROMOTE_IMAGE"], ["BUILD"], []),
        ([[PROMOTION], [BUILD]], ["PROMOTE_IMAGE"], ["BUILD"], []),
        ([[BUILD], [of_type("FTP", 3)]], ["BUILD"], ["FTP"], ["BUILD"]),
        ([[BUILD], [PROMOTION], [BUILD], [PROMOTION]], ["BUILD", "PROMOTE_IMAGE"], ["BUILD"], []),
        ([[BUILD], [of_type("BUILD", 3, last_execution_status="FAILED")]], ["BUILD"], [], ["BUILD"]),
        ([[PROMOTION], [of_type("PROMOTE_IMAGE", 3, name="renamed")]], ["PROMOTE_IMAGE"], [], []),
        ([[Item(7, {"id": 7, "type": None}, None)], [PROMOTION]], [None], [], [None]),
    ],
)  # fmt: skip
def test_between_two_pages_an_item_may_change_but_not_its_type(
    pages: list[list[Item]], expected: list[str | None], left_out: list[str], others: list[str | None]
) -> None:
    """The same id on another page or in another reading is the same item unless its type differs; a
    promotion is kept.
    """
    listing = Listing(Kind.ACTIONS, None, 0)
    new_items, duplicates = [], []
    for page in pages:
        new_items += [item.document["type"] for item in listing.read(page)]
        duplicates += [item.document["type"] for item in listing.duplicates]
    assert (new_items, duplicates) == (expected, left_out)
    assert [item.document["type"] for item in listing.others.values()] == others
    assert listing.positions == {7: 1}


@pytest.mark.parametrize("kind", [Kind.WORKSPACES, Kind.PROJECTS, Kind.PIPELINES])
def test_two_parents_with_one_id_on_a_page_are_told(kind: Kind) -> None:
    """Of workspaces, projects and pipelines the first of an id is read, and another that differs is named."""
    listing = Listing(kind, None, 0)
    first, other = Item("a", {"name": "a"}, None), Item("a", {"name": "a", "url": "x"}, None)
    assert listing.read([first, first, other]) == [first]
    assert listing.duplicates == [other]
    assert listing.read([other]) == listing.duplicates == []


def test_unreadable_items_are_items_of_the_list() -> None:
    """A page of nothing but unreadable items doesn't end the list, and each of them is new once."""
    listing = Listing(Kind.PROJECTS, None, 0)
    bad = [unreadable(n) for n in range(20)]
    assert listing.read(bad) == bad
    second = listing.next_request(FIRST, len(bad))
    assert second is not None
    assert listing.read(bad) == []
    assert listing.next_request(second, len(bad)) is not None
    assert len({identity_of(item) for item in bad}) == 20


def test_the_first_word_about_the_envelope_stands() -> None:
    """What stood around the first page is kept, and later pages only add members it lacked."""
    listing = Listing(Kind.PROJECTS, None, 0)
    for envelope in ({"url": "1"}, {}, {"url": "2", "page": 2}):
        listing.add_envelope(envelope)
    assert listing.envelope == {"url": "1", "page": 2}


@given(st.lists(st.lists(st.integers(0, 60) | st.none(), max_size=55), min_size=1, max_size=60))
def test_reading_always_ends(pages: list[list[int | None]]) -> None:
    """With any server a list ends: after three readings, or once a page is short or brings nothing new."""
    listing = Listing(Kind.PROJECTS, None, 0)
    request: Request | None = FIRST
    asked = 0
    while request is not None:
        keys = pages[asked % len(pages)]
        request = next_request(listing, request, items(*keys))
        asked += 1
        # 62 identities at most, so no reading brings new items more often than that.
        assert asked <= MAX_READINGS * 63
    assert {key for key in listing.positions if isinstance(key, str)} == {
        str(k) for keys in pages[:asked] for k in keys if k is not None
    }
