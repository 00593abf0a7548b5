"""The workspaces, projects, pipelines and actions of one night by path, with the edits of a test applied to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .edits import Edits, Path
from .lookup import Lookup
from .promotions import JsonObject

# What the last step of a path holds, by its length.
_KEYS = ("domain", "name", "id", "id")


class ItemTree:
    """The items that are there: computed or added, and not removed."""

    def __init__(self, lookup: Lookup, edits: Edits) -> None:
        self._lookup = lookup
        self._edits = edits

    def has(self, path: Path) -> bool:
        """Return whether a path, and everything above it, exists."""
        return not self.is_removed(path) and (self._added(path) is not None or self._lookup.find(path) is not None)

    def is_removed(self, path: Path) -> bool:
        """Return whether a test has removed what a path leads to, or something above it."""
        removed = self._edits.removed
        return bool(removed) and any(path[:depth] in removed for depth in range(1, len(path) + 1))

    def item(self, path: Path) -> JsonObject:
        """Return the item at a path as its own GET shows it; LookupError if there is none."""
        if self.is_removed(path):
            raise LookupError(path)
        added, indexes = self._added(path), self._lookup.find(path)
        if added is None and not indexes:
            raise LookupError(path)
        found = self._lookup.item(indexes or ()) if added is None else dict(added)
        if len(path) == len(_KEYS) and "pipeline" not in found:
            pipeline = self._lookup.item(indexes[:3]) if indexes else self.item(path[:3])
            found["pipeline"] = self._edits.apply(path[:3], pipeline)
        return self._edits.apply(path, found)

    def children(self, parent: Path) -> Iterator[JsonObject]:
        """Yield the children of a parent in the order of creation; LookupError if there is no such parent."""
        for path, item in self.children_by_path(parent):
            yield self._edits.apply(path, item)

    def children_by_path(self, parent: Path) -> Iterator[tuple[Path, JsonObject]]:
        """Yield each child with its path, before edits of the child itself, in the order of creation."""
        if not self.has(parent):
            raise LookupError(parent)
        indexes = self._lookup.find(parent)
        for index in self._lookup.children(indexes) if indexes is not None else ():
            item = self._lookup.item((*(indexes or ()), index))
            path = (*parent, item[_KEYS[len(parent)]])
            if path not in self._edits.removed:
                yield path, item
        for added in self._edits.added.get(parent, ()):
            path = (*parent, added[_KEYS[len(parent)]])
            if path not in self._edits.removed:
                yield path, dict(added)

    def paths(self, parent: Path) -> Iterator[Path]:
        """Yield the paths of a parent's children without computing the items."""
        indexes = self._lookup.find(parent)
        for index in self._lookup.children(indexes) if indexes is not None else ():
            path = (*parent, self._lookup.name((*(indexes or ()), index)))
            if path not in self._edits.removed:
                yield path
        for item in self._edits.added.get(parent, ()):
            path = (*parent, item[_KEYS[len(parent)]])
            if path not in self._edits.removed:
                yield path

    def _added(self, path: Path) -> Mapping[str, Any] | None:
        # The children of an added item can only be added items.
        if not path or path[:-1] not in self._edits.added:
            return None
        key = _KEYS[len(path) - 1]
        return next((item for item in self._edits.added[path[:-1]] if item[key] == path[-1]), None)
