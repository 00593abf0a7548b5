"""One request of each kind."""

from collector.buddy.requests import PER_PAGE, Kind, Request


def token_request(installation: str) -> Request:
    """GET /user/token."""
    return Request(installation, Kind.TOKEN)


def workspaces_request(installation: str) -> Request:
    """GET /workspaces."""
    return Request(installation, Kind.WORKSPACES)


def projects_request(installation: str, workspace: str, page: int = 1, per_page: int = PER_PAGE) -> Request:
    """GET …/projects, paged."""
    return Request(installation, Kind.PROJECTS, workspace, page=page, per_page=per_page)


def pipelines_request(
    installation: str, workspace: str, project: str, page: int = 1, per_page: int = PER_PAGE
) -> Request:
    """GET …/pipelines, paged."""
    return Request(installation, Kind.PIPELINES, workspace, project, page=page, per_page=per_page)


def actions_request(installation: str, workspace: str, project: str, pipeline_id: int) -> Request:
    """GET …/actions."""
    return Request(installation, Kind.ACTIONS, workspace, project, pipeline_id)


def action_request(installation: str, workspace: str, project: str, pipeline_id: int, action_id: int) -> Request:
    """GET …/actions/:id."""
    return Request(installation, Kind.ACTION, workspace, project, pipeline_id, action_id)
