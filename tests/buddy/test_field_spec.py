"""Laws of a declared field: it is declared once, and read back in full."""

from typing import Annotated, Any

import msgspec
import pytest

from collector.buddy.field_spec import BuddyObject, Int, Name, field, field_specs


class Inner(BuddyObject, frozen=True):
    """A nested object."""

    a: Annotated[str | None, field("An a")] = None


class Sample(BuddyObject, frozen=True, kw_only=True):
    """One field of every type."""

    text: Annotated[str | None, field("A text", values=("A", "B"))] = None
    name: Annotated[Name, field("A required name")]
    number: Annotated[Int | None, field("A number", unit="s")] = None
    required: Annotated[Int, field("A required number")]
    flag: Annotated[bool | None, field("A flag")] = None
    texts: Annotated[list[str] | None, field("Texts")] = None
    numbers: Annotated[list[Int] | None, field("Numbers")] = None
    moment: Annotated[str | None, field("A moment", column_type="timestamp")] = None
    anything: Annotated[Any, field("Any JSON")] = None
    either: Annotated[str | dict[str, Any] | None, field("A text or an object")] = None
    inner: Annotated[Inner | None, field("An object")] = None
    inners: Annotated[list[Inner] | None, field("Objects")] = None


def test_a_field_is_read_back_as_declared() -> None:
    """Order, type, nested class and whether it is required are those of the annotation."""
    assert [(d.name, d.column_type, d.nested) for d in field_specs(Sample)] == [
        ("text", "string", None), ("name", "string", None), ("number", "int", None), ("required", "int", None),
        ("flag", "bool", None), ("texts", "strings", None), ("numbers", "ints", None), ("moment", "timestamp", None),
        ("anything", "json", None), ("either", "string", None), ("inner", "object", Inner), ("inners", "objects", Inner),
    ]  # fmt: skip
    assert [d.name for d in field_specs(Sample) if d.required] == ["name", "required"]


def test_meaning_unit_and_values_are_kept() -> None:
    """Meaning, unit and values are those of the declaration."""
    declared = {d.name: d for d in field_specs(Sample)}
    assert (declared["text"].meaning, declared["text"].values, declared["text"].unit) == ("A text", ("A", "B"), None)
    assert (declared["number"].meaning, declared["number"].values, declared["number"].unit) == ("A number", (), "s")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30, 1.0, True, "1"])
def test_a_number_that_no_column_holds_is_refused(number: object) -> None:
    """An integer beyond 64 bits, a float, a boolean or a text is never taken for an integer."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.number"):
        msgspec.convert({"name": "n", "required": 1, "number": number}, Sample)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0])
def test_the_whole_range_of_a_column_is_accepted(number: int) -> None:
    """Both ends of 64 bits are data."""
    assert msgspec.convert({"name": "n", "required": number}, Sample).required == number


def test_unknown_members_are_left_alone() -> None:
    """A member that is not declared is no violation."""
    assert msgspec.convert({"name": "n", "required": 1, "new": {"x": [1]}}, Sample).name == "n"
