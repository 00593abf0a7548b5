"""The view promotion_paths over many promotions of few images, which have more paths than memory holds."""

from pathlib import Path

from collector.lake.database import Database
from collector.query.views import view_sources

# Every one of 54 images is promoted to every other: 2,862 promotions.
_EDGES = """
select
    'r1' as run_id, date '2026-11-23' as run_date, 'us' as installation,
    from_name as source, to_name as destination, to_name as destination_image,
    from_name.split('-')[2] as source_environment, to_name.split('-')[2] as destination_environment,
    true as certain, 1 as enabled_promotions, [from_name || to_name] as actions
from names as sources(from_name), names as destinations(to_name)
where from_name <> to_name
"""
_NAMES = """
select n || '-' || environment as name
from range(18) as numbers(n), (values ('development'), ('staging'), ('production')) as environments(environment)
"""


def test_paths_are_no_more_than_pairs_of_references(tmp_path: Path) -> None:
    """Every way into production is there once past staging and once not, each as short as it can be."""
    with Database([tmp_path], tmp_path / "spill", memory_limit="200MB", threads=1) as database:
        database.materialise("names", _NAMES)
        database.materialise("promotion_edges", _EDGES)
        paths = database.rows(view_sources()["promotion_paths"].sql)
    steps = {(row["first_reference"], row["last_reference"], row["passes_staging"]): row["steps"] for row in paths}
    assert len(steps) == len(paths)
    assert steps == {
        (f"{first}-development", f"{last}-production", passes_staging): 2 if passes_staging else 1
        for first in range(18)
        for last in range(18)
        for passes_staging in (False, True)
    }
