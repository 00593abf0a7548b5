"""Laws of a declared field: said once, and read back whole."""

from typing import Annotated, Any

import msgspec
import pytest

from collector.buddy.field_spec import BuddyObject, Int, Name, field, field_specs


class Inner(BuddyObject, frozen=True):
    """A nested object."""

    a: Annotated[str | None, field("An a")] = None


class Sample(BuddyObject, frozen=True, kw_only=True):
    """One field of every sort."""

    text: Annotated[str | None, field("A text", values=("A", "B"))] = None
    name: Annotated[Name, field("A required name")]
    number: Annotated[Int | None, field("A number", unit="s")] = None
    required: Annotated[Int, field("A required number")]
    flag: Annotated[bool | None, field("A flag")] = None
    texts: Annotated[list[str] | None, field("Texts")] = None
    numbers: Annotated[list[Int] | None, field("Numbers")] = None
    moment: Annotated[str | None, field("A moment", logical="timestamp")] = None
    anything: Annotated[Any, field("Any JSON")] = None
    either: Annotated[str | dict[str, Any] | None, field("A text or an object")] = None
    inner: Annotated[Inner | None, field("An object")] = None
    inners: Annotated[list[Inner] | None, field("Objects")] = None


def test_a_field_is_read_back_as_declared() -> None:
    """Order, kind of value and nested view are those of the annotation, required or optional alike."""
    assert [(d.name, d.logical, d.view) for d in field_specs(Sample)] == [
        ("text", "string", None), ("name", "string", None), ("number", "int", None), ("required", "int", None),
        ("flag", "bool", None), ("texts", "strings", None), ("numbers", "ints", None), ("moment", "timestamp", None),
        ("anything", "json", None), ("either", "string", None), ("inner", "view", Inner), ("inners", "views", Inner),
    ]  # fmt: skip


def test_meaning_unit_and_values_are_kept() -> None:
    """What is said about a field in its declaration is what its readers get."""
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
    """A member no view names is no breach."""
    assert msgspec.convert({"name": "n", "required": 1, "new": {"x": [1]}}, Sample).name == "n"
