"""Answers from the lake: views over exactly the files that the manifest names, questions, checks, changes.

engine     the one home of duckdb: locked-down connections, read-only SQL, duckdb's errors in our words
sources    finds and reads the files of sql/
views      files → base views → sql/clean and sql/facts, made only when a query needs them
questions  headers of sql/questions: the sentence, the parameters
reader     the face: open a lake, ask, get an Answer
arrow_types  which duckdb types are sent as text, because Arrow would change them
values     Arrow's values as Python's, also the moments that Python does not have
answer     what an answer is: rows, the run it rests on, what that run is missing
render     rows as text, json, jsonl, csv, markdown, parquet
night      checks and changes over one night's staging
sorting    an external merge sort of record batches, for files larger than memory
merge      sorted merges and filters of the lake's files, for compact and prune
catalog    catalog.duckdb, the same views for any DuckDB client
"""
