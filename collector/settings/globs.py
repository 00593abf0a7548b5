"""The globs by which workspaces and projects are selected; a leading `!` excludes."""

from fnmatch import fnmatchcase


def selects(globs: tuple[str, ...], name: str) -> bool:
    """Return whether `name` is collected: it matches a glob, or there are only excludes, and it matches no exclude."""
    wanted = [glob for glob in globs if not glob.startswith("!")]
    if wanted and not any(fnmatchcase(name, glob) for glob in wanted):
        return False
    return not any(fnmatchcase(name, glob[1:]) for glob in globs if glob.startswith("!"))


def exact_names(globs: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the selected names when no glob has a wildcard, so that no list is needed; None when a list is needed."""
    wanted = [glob for glob in globs if not glob.startswith("!")]
    if not wanted or any(char in glob for glob in wanted for char in "*?["):
        return None
    return tuple(name for name in wanted if selects(globs, name))
