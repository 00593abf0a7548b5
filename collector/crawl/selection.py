"""What is collected: which workspaces and projects are selected. Pure."""

from collections.abc import Callable

import msgspec

from collector.buddy.requests import Kind


class Selection(msgspec.Struct, frozen=True):
    """What is collected: whether a workspace or project is selected, and the exact workspaces if they were named."""

    workspace: Callable[[str], bool]
    project: Callable[[str], bool]
    exact_workspaces: tuple[str, ...] | None = None

    def selects(self, kind: Kind, name: str) -> bool:
        """Return whether an item of a list of this kind is selected; below projects everything is."""
        is_selected = {Kind.WORKSPACES: self.workspace, Kind.PROJECTS: self.project}.get(kind)
        return is_selected is None or is_selected(name)
