"""The errors: what a script may rely on."""

import inspect
import pickle

import pytest

from collector import errors
from collector.cli.failures import EXIT_CODES
from collector.errors import CollectorError

CLASSES = [
    kind for _, kind in inspect.getmembers(errors) if isinstance(kind, type) and issubclass(kind, CollectorError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_one_tree(kind: type[CollectorError]) -> None:
    """Every error has a documented exit code."""
    assert kind.exit_code in EXIT_CODES


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_message_and_advice(kind: type[CollectorError]) -> None:
    """`str` is the message, `advice` the advice, and both survive pickling."""
    error = pickle.loads(pickle.dumps(kind("The lake is damaged.", "Restore it.")))
    assert (str(error), error.advice, type(error)) == ("The lake is damaged.", "Restore it.", kind)


def test_the_tree_in_the_docstring() -> None:
    """The tree at the top of the file names every class with its exit code."""
    tree = inspect.getdoc(errors) or ""
    for kind in CLASSES:
        line = next(line for line in tree.splitlines() if line.lstrip("├└│─ ").split(" ")[0] == kind.__name__)
        assert kind is CollectorError or f" {kind.exit_code} " in line


def test_exported_names_are_the_classes() -> None:
    """`__all__` is complete and sorted."""
    assert errors.__all__ == sorted(kind.__name__ for kind in CLASSES)
