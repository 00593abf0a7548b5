"""What is remembered of a promote-image action until the next run: its child rows, and a fingerprint of it. Pure.

The next run compares an action with what is remembered: equal fingerprints mean equal values, others that the values
may differ, so that wide rows are read and compared for few actions.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter

import msgspec

from collector.lake.projection import LEADING, Row
from collector.lake.shared_columns import EXTRA
from collector.lake.table import Table
from collector.lake.tables import CHILD_TABLES, COMPARED_COLUMNS, PROMOTE_IMAGE_ACTIONS, TABLES

_FINGERPRINT_DIGITS = 32
_COMPARED = itemgetter(*map(PROMOTE_IMAGE_ACTIONS.column_names.index, (n for n in COMPARED_COLUMNS if n != EXTRA.name)))
_EXTRA = PROMOTE_IMAGE_ACTIONS.column_names.index(EXTRA.name)
_encoder = msgspec.json.Encoder()
# The members of `extra`, whose names are sorted already, as the text that they are.
_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def state_row(action: Row, children: Mapping[str, Sequence[Row]]) -> Row:
    """Return the row of action_state for a row of promote_image_actions and the rows of its child tables, by table.

    The fingerprint tells NULL, '' and [] apart. It is a SHA-256, because whoever chooses the names in Buddy must not be
    able to make two configurations alike; 128 bits of it suffice.
    """
    members = [_MEMBERS[name](children.get(name, ())) for name in CHILD_TABLES]
    compared = _encoder.encode((*_COMPARED(action), _without_pipeline(action[_EXTRA])))
    # JSON text has no line break of its own, so this is one text for one action.
    text = b"\n".join((compared, *map(str.encode, members)))
    run_id = action[0]
    return (*action[: len(LEADING)], None, run_id, None, *members, sha256(text).hexdigest()[:_FINGERPRINT_DIGITS])


def _without_pipeline(extra: str | None) -> str | None:
    """Return `extra` without the fields of the pipeline, which are the pipeline's, and no change of the action."""
    if extra is None or '"pipeline":' not in extra:
        return extra
    rest = _decoder.decode(extra)
    rest.pop("pipeline", None)
    return _encoder.encode(rest).decode() if rest else None


def _members_of(table: Table) -> Callable[[Sequence[Row]], str]:
    """Return the function that makes JSON of an action's rows in a child table, sorted by their key.

    Values of variables are left out, and whether they were kept or redacted is our setting and not Buddy's change.
    """
    names = [name for name in table.column_names if name not in LEADING and name != "value"]
    values = itemgetter(*map(table.column_names.index, names))
    key = itemgetter(*[at for at, name in enumerate(table.column_names) if name in names and name in table.key])
    state = names.index("value_state") if "value_state" in names else None

    def members(rows: Sequence[Row]) -> str:
        if not rows:
            return "[]"
        found = [list(values(row)) for row in sorted(rows, key=key)]
        if state is not None:
            for each in found:
                each[state] = "redacted" if each[state] == "kept" else each[state]
        return _encoder.encode([dict(zip(names, each, strict=True)) for each in found]).decode()

    return members


_MEMBERS = {name: _members_of(TABLES[name]) for name in CHILD_TABLES}
