"""Answers from a lake: views over the files that its manifest names, questions, checks, changes and the catalog."""
