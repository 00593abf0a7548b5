"""What a test can do to a world: each method returns the same company with one more edit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from .edits import EXECUTIONS, Edit
from .pipelines import timestamp
from .promotions import JsonObject

_ENDED = ("SUCCESSFUL", "FAILED", "TERMINATED", "SKIPPED", "NOT_EXECUTED")


class WorldEdits(ABC):
    """The edits of a world; the path of an execution is `(workspace, project, pipeline_id, "executions", id)`."""

    night: int

    @abstractmethod
    def edited(self, *edits: Edit) -> Self:
        """Return the same company with more edits."""

    @abstractmethod
    def at(self, night: int) -> Self:
        """Return the same company on another night."""

    @property
    @abstractmethod
    def moment(self) -> datetime:
        """Return the time at which this night is served."""

    @abstractmethod
    def execution(self, workspace: str, project: str, pipeline_id: int, execution_id: int) -> JsonObject:
        """Return one execution with its elements."""

    # Items

    def add(self, *parent: str | int, item: Mapping[str, Any], from_night: int = 1, until: int | None = None) -> Self:
        """Add an item to the list of a parent; it needs its `domain`, `name` or `id`."""
        return self.edited(Edit("add", parent, item, from_night, until))

    def remove(self, *path: str | int, from_night: int = 1, until: int | None = None) -> Self:
        """Remove a workspace, project, pipeline or action from its list; its own GET answers 404."""
        return self.edited(Edit("remove", path, {}, from_night, until))

    def change(self, *path: str | int, from_night: int = 1, until: int | None = None, **fields: Any) -> Self:
        """Change fields of an item; the value `...` removes a field."""
        return self.edited(Edit("change", path, fields, from_night, until))

    def forbid(self, *path: str | int, from_night: int = 1, until: int | None = None) -> Self:
        """Answer 403 to everything under a path; the item stays in its list."""
        return self.edited(Edit("forbid", path, {}, from_night, until))

    def freeze(self, workspace: str, from_night: int = 1, until: int | None = None) -> Self:
        """Freeze a workspace."""
        return self.edited(Edit("freeze", (workspace,), {}, from_night, until))

    def disable(self, workspace: str, code: int = 400, from_night: int = 1, until: int | None = None) -> Self:
        """Disable the API of a workspace, which then answers 400 or 403."""
        return self.edited(Edit("disable" if code == 400 else "disable_403", (workspace,), {}, from_night, until))

    # Executions

    def run(self, *pipeline: str | int, from_night: int | None = None, **fields: Any) -> Self:
        """Add an execution that began shortly before a night (this one); later ones get higher ids."""
        return self.edited(Edit("run", pipeline, fields, from_night or self.night))

    def end(
        self,
        workspace: str,
        project: str,
        pipeline_id: int,
        execution_id: int,
        status: str = "SUCCESSFUL",
        from_night: int | None = None,
    ) -> Self:
        """End an execution with a status, which its elements that have not ended get too."""
        there = self.at(from_night or self.night)
        found = there.execution(workspace, project, pipeline_id, execution_id)
        when = timestamp(there.moment, 1)
        elements = [
            element if element["status"] in _ENDED else {**element, "status": status, "finish_date": when}
            for element in found["action_executions"]
        ]
        path = (workspace, project, pipeline_id, EXECUTIONS, execution_id)
        fields = {"status": status, "finish_date": when, "action_executions": elements}
        return self.edited(Edit("change", path, fields, there.night))

    def retry(
        self, workspace: str, project: str, pipeline_id: int, execution_id: int, from_night: int | None = None
    ) -> Self:
        """Start an execution again under the same id: it is in progress, and so are its elements that failed."""
        there = self.at(from_night or self.night)
        found = there.execution(workspace, project, pipeline_id, execution_id)
        again = {"status": "INPROGRESS", "finish_date": None}
        elements = [
            element if element["status"] in ("SUCCESSFUL", "SKIPPED") else {**element, **again}
            for element in found["action_executions"]
        ]
        path = (workspace, project, pipeline_id, EXECUTIONS, execution_id)
        return self.edited(Edit("change", path, {**again, "action_executions": elements}, there.night))

    def recreate(self, *pipeline: str | int, from_night: int | None = None) -> Self:
        """Delete a pipeline and make it again on a night (this one): its executions count from 1 again."""
        return self.edited(Edit("recreate", pipeline, {}, from_night or self.night))

    def disorder(self, *pipeline: str | int, from_night: int = 1, until: int | None = None) -> Self:
        """List the executions of a pipeline in an order that is not that of their ids."""
        return self.edited(Edit("disorder", pipeline, {}, from_night, until))
