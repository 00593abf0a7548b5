"""dlt's rest_api source to Parquet files, declared as in its documentation.

`python -m tests.bench.clients.dlt_rest_api --url U --token T --directory PATH [--workers N]`. Without `--workers` dlt
runs with its defaults (one request at a time); with it, every resource is parallelized over that many threads.
"""

import argparse
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.clients.output import print_result

_PAGES = {"type": "page_number", "base_page": 1, "total_path": None, "stop_after_empty_page": True}


def source(url: str, token: str) -> Any:
    """Return the five resources of the crawl; each is requested for every row of its parent."""
    projects = "workspaces/{resources.workspaces.domain}/projects"
    pipelines = "workspaces/{resources.projects._workspaces_domain}/projects/{resources.projects.name}/pipelines"
    actions = (
        "workspaces/{resources.pipelines._projects__workspaces_domain}/projects/{resources.pipelines._projects_name}"
        "/pipelines/{resources.pipelines.id}/actions"
    )
    action = (
        "workspaces/{resources.actions._pipelines__projects__workspaces_domain}"
        "/projects/{resources.actions._pipelines__projects_name}"
        "/pipelines/{resources.actions._pipelines_id}/actions/{resources.actions.id}"
    )
    by_name, by_id = {"per_page": 50, "sort_by": "name"}, {"per_page": 50, "sort_by": "id"}
    return import_module("dlt.sources.rest_api").rest_api_source(
        {
            "client": {"base_url": url + "/", "auth": {"type": "bearer", "token": token}},
            "resources": [
                _resource("workspaces", "workspaces", "single_page", "domain"),
                _resource("projects", projects, _PAGES, "name", ["domain"], by_name),
                _resource("pipelines", pipelines, _PAGES, "id", ["name", "_workspaces_domain"], by_id),
                _resource(
                    "actions", actions, "single_page", "id", ["id", "_projects_name", "_projects__workspaces_domain"]
                )
                | {"processing_steps": [{"filter": lambda item: item["type"] == "PROMOTE_IMAGE"}]},
                {
                    "name": "promote_image_actions",
                    "endpoint": {"path": action, "paginator": "single_page", "data_selector": "$"},
                    "include_from_parent": ["_pipelines_id"],
                },
            ],
        }
    )


def _resource(
    name: str,
    path: str,
    paginator: object,
    key: str,
    parents: list[str] | None = None,
    params: dict[str, object] | None = None,
) -> dict[str, Any]:
    endpoint = {"path": path, "paginator": paginator, "data_selector": name, "params": params or {}}
    return {"name": name, "endpoint": endpoint, "primary_key": key, "include_from_parent": parents or []}


def main() -> None:
    """Load everything into Parquet files in the directory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    if options.workers:
        os.environ["EXTRACT__WORKERS"] = os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(options.workers)

    dlt = import_module("dlt")
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(options.directory / "state"),
        destination=dlt.destinations.filesystem(bucket_url=(options.directory / "out").resolve().as_uri()),
        dataset_name="buddy",
    )
    buddy = source(options.url, options.token)
    if options.workers:
        for resource in buddy.resources.values():
            resource.parallelize()
    pipeline.run(buddy, loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print_result(actions=counts["promote_image_actions"])


if __name__ == "__main__":
    main()
