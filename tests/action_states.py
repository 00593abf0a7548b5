"""The rows of action_state that belong to rows made by hand, as flattening would make them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from collector.lake.action_state import state_row
from collector.lake.projection import Row
from collector.lake.tables import CHILD_TABLES

# Where the place of an action stands in the rows of every one of these tables.
_PLACE = slice(2, 7)


def action_states(rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Return a row of action_state for each row of promote_image_actions, with its rows in the child tables."""
    children: dict[str, defaultdict[Row, list[Row]]] = {name: defaultdict(list) for name in CHILD_TABLES}
    for name, of_place in children.items():
        for row in rows.get(name, ()):
            of_place[row[_PLACE]].append(row)
    return [
        state_row(action, {name: of_place[action[_PLACE]] for name, of_place in children.items()})
        for action in rows.get("promote_image_actions", ())
    ]
