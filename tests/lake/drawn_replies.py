"""Hypothesis strategies made from the declarations: any valid object, with unknown fields."""

from collections import Counter
from typing import Any

from hypothesis import strategies as st

from collector.buddy import executions, schema
from collector.buddy.field_spec import BuddyObject, FieldSpec, field_specs
from collector.buddy.placeholders import ENCRYPTED, REDACTED
from collector.buddy.timestamps import parse_timestamp

Document = dict[str, Any]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
INT = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
# A careless projection would read the names of our own columns from the reply, or drop them.
NAMES = TEXT | st.sampled_from(["extra", "position", "run_id", "workspace", "src_image", "coverage", "value_state"])
FLOATS = st.floats(0, 100)
MOMENTS = st.sampled_from(["2016-03-29T08:05:30Z", "2016-03-29T08:05:30.33Z", "2026-01-01T00:00:00+02:00"])


def objects(view: type[BuddyObject], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    """Return any valid object: each field missing, null or valid, and up to two unknown members."""
    declared = {d.name: d for d in field_specs(view)}
    known = {name: given.get(name, st.none() | _value(view, each)) for name, each in declared.items()}
    always = {name: strategy for name, strategy in known.items() if name in given}
    sometimes = {name: strategy for name, strategy in known.items() if name not in given}
    unknown = st.dictionaries(NAMES.filter(lambda name: name not in declared), JSON, max_size=2)
    drawn = st.fixed_dictionaries(always, optional=sometimes)
    return st.builds(lambda some, more: {**more, **some}, drawn, unknown)


def _value(view: type[BuddyObject], declared: FieldSpec) -> st.SearchStrategy[Any]:
    if view is schema.PromoteImage and declared.name == "integration":
        names = st.sampled_from(["hash_id", "identifier", "name"]) | TEXT
        return TEXT | st.dictionaries(names, TEXT | JSON, max_size=3)
    if view is schema.Variable and declared.name == "value":
        return TEXT | st.sampled_from([ENCRYPTED, REDACTED, ""])
    if declared.column_type in {"object", "objects"}:
        assert declared.nested is not None
        inner = PRINCIPAL if declared.nested is schema.Principal else objects(declared.nested)
        return inner if declared.column_type == "object" else st.lists(inner, max_size=3)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "string": TEXT, "int": INT, "bool": st.booleans(), "strings": st.lists(TEXT, max_size=2),
        "ints": st.lists(INT, max_size=2), "timestamp": MOMENTS, "json": JSON, "float": FLOATS,
    }  # fmt: skip
    return plain[declared.column_type]


# Few ids, so that a principal is often named twice.
PRINCIPAL = objects(schema.Principal, id=st.integers(1, 3))
PROMOTION = objects(schema.PromoteImageAction, id=st.just(9))
# Elements of promote-image actions, and of others.
ELEMENT = objects(
    executions.ActionExecution,
    action=objects(executions.ExecutedAction, type=st.sampled_from([schema.PROMOTE_IMAGE, "BUILD"])),
)
EXECUTION = objects(executions.Execution, id=st.just(5), action_executions=st.lists(ELEMENT, max_size=3))
ITEMS = {
    schema.ShortWorkspace: objects(schema.ShortWorkspace, domain=st.just("acme")),
    schema.ShortProject: objects(schema.ShortProject, name=st.just("web")),
    schema.ShortPipeline: objects(schema.ShortPipeline, id=st.just(7)),
    schema.ShortAction: objects(schema.ShortAction, id=st.just(9), type=TEXT.filter(bool)),
}


_KEPT = frozenset({"id", "domain", "create_date"})


def made_unique(value: Any, at: str = "", kept: frozenset[str] = _KEPT) -> Any:
    """Return the same shape with every text and number different, so that none can replace another.

    What has a meaning of its own is left: the members in `kept` (ids, moments), marks and the empty text.
    """
    if isinstance(value, dict):
        return {n: v if n in kept else made_unique(v, f"{at}.{n}", kept) for n, v in value.items()}
    if isinstance(value, list):
        return [made_unique(v, f"{at}[{i}]", kept) for i, v in enumerate(value)]
    if value in ("", REDACTED, ENCRYPTED) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if at == ".name" and value == "web" else f"{value}@{at}"
    return value


def scalars(value: Any, name: str = "") -> Counter[tuple[str, Any]]:
    """Return the multiset of scalars anywhere in a JSON value; null is no scalar, because it equals missing."""
    if isinstance(value, dict):
        return sum((scalars(v, n) for n, v in value.items()), Counter())
    if isinstance(value, list):
        return sum((scalars(v) for v in value), Counter())
    if value is None:
        return Counter()
    if name == "create_date":
        moment = parse_timestamp(value) if isinstance(value, str) else None
        value = value if moment is None else moment.isoformat()
    return Counter({(type(value).__name__, value): 1})
