"""Connections of a run are a share of the files that it may have open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.crawl.connections import ConnectionShare, share_connections


@pytest.mark.parametrize(
    ("installations", "open_files", "share"),
    [
        (1, 1024, ConnectionShare(512, 512, in_turns=False)),
        (100, 1024, ConnectionShare(512, 5, in_turns=False)),
        (512, 1024, ConnectionShare(512, 1, in_turns=False)),
        (2000, 1024, ConnectionShare(512, 1, in_turns=True)),
        (3, 1, ConnectionShare(1, 1, in_turns=True)),
    ],
)
def test_half_of_the_files(installations: int, open_files: int, share: ConnectionShare) -> None:
    """Half of the files are connections, shared equally, never fewer than one for each installation."""
    assert share_connections(installations, open_files) == share


@given(st.integers(1, 5000), st.integers(2, 1 << 60))
def test_never_more_than_half(installations: int, open_files: int) -> None:
    """Installations that work at once, each with all that it may have, stay within half of the limit."""
    share = share_connections(installations, open_files)
    at_once = share.total if share.in_turns else installations * share.each
    assert at_once <= share.total <= open_files / 2
