"""What is refused before anything starts, and what of a recursion is given to the engine; no server is needed."""

import pytest

from collector.errors import QueryError, UsageError
from collector.query.engine.spark import connected
from collector.query.engine.translate import split_recursion, translate
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder
from collector.query.views import view_sources


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select list_cosine_similarity([1.0], [2.0])", "list_cosine_similarity"),
        ("pivot runs on status using count(*)", "PIVOT|no select"),
        (r"select regexp_replace('ab', '(a)', '\\')", "regexp_replace"),
        ("select * replace (1 as status) from runs", "replace"),
        ("select from where", "cannot be parsed"),
        ("drop table runs", "no select"),
    ],
)
def test_what_has_no_translation_is_refused_with_the_reason(sql: str, why: str) -> None:
    """The error names the construct and says that nothing was started."""
    with pytest.raises(QueryError, match=why) as caught:
        translate("a_question", sql)
    assert "Nothing was started" in caught.value.advice


def test_every_view_and_question_has_a_translation() -> None:
    """But for the recursive parts, which are split."""
    for name, source in {**view_sources(), **Questions(sql_folder()).all}.items():
        assert translate(name, source.sql)


def test_a_replacement_by_what_was_matched_is_the_same() -> None:
    """DuckDB calls the whole match \\0, Spark $0, also where a value decides what replaces it."""
    translated = translate("a_question", r"select regexp_replace(status, 'a+', coalesce(filters, '\0'), 'g') from runs")
    assert "'$0'" in translated


def test_only_the_recursion_is_left_here() -> None:
    """What does not depend on the recursion is computed by the engine, with the expressions that it builds on."""
    sql = """
        with recursive
        edges as (select source, destination from promotion_edges where $all),
        starts as (select source from edges),
        walks as (select source from starts union all select destination from walks inner join edges using (source)),
        ends as (select source from walks)
        select * from ends cross join runs
    """
    found = split_recursion("paths", sql, (), "fetched {}".format)
    assert set(found.inputs) == {"edges", "starts", "runs"}
    assert ":all" in found.inputs["edges"]
    assert "edges AS" in found.inputs["starts"]
    assert '"fetched edges"' in found.rest
    assert '"fetched runs"' in found.rest
    assert "promotion_edges" not in found.rest


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("http://host:15002", "sc://host:15002"),
        ("sc://host:99999", "sc://host:15002"),
        ("sc://host:15002/;use_ssl=true;token=secret", "SPARK_CONNECT_AUTHENTICATE_TOKEN"),
        ("spark://127.0.0.1:1", "Start the Spark Connect server"),
    ],
)
def test_an_address_that_cannot_be_used(address: str, advice: str) -> None:
    """What is no address, holds a token, or is not answered is refused; a token is not repeated."""
    with pytest.raises(UsageError) as caught, connected(address):
        pass
    assert advice in caught.value.advice
    assert "secret" not in str(caught.value) + caught.value.advice


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("select any_value(x) filter (where y) from t", "ANY_VALUE(x, TRUE) FILTER(WHERE y)"),
        ("select to_json(word) from t", "SUBSTRING(TO_JSON(ARRAY(word)), 2, LENGTH(TO_JSON(ARRAY(word))) - 2)"),
        ("select string_agg(x, ',' order by k) from t", "LISTAGG(x, ',') WITHIN GROUP (ORDER BY k NULLS LAST)"),
        (
            "select count(distinct x), string_agg(distinct x, ',' order by x) from t",
            "NULLIF(ARRAY_JOIN(ARRAY_SORT(COLLECT_SET(x)), ','), '')",
        ),
        (
            "select count(distinct y), string_agg(x, ',' order by k) filter (where z) from t",
            "ARRAY_SORT(COLLECT_LIST(STRUCT(k AS k0, x AS v)) FILTER(WHERE z))",
        ),
    ],
)
def test_what_apache_spark_reads_otherwise(sql: str, written: str) -> None:
    """Sail takes these as they are; Spark 4.3 refuses them or fails in its planner."""
    assert written in translate("a test", sql)
