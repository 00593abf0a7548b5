"""`collector report`: one HTML file that needs nothing else, for those who would rather look than read.

inert      what a name, an address or a document may do inside a page: nothing
findings   which questions are findings, how grave each is, and why it matters
rows       answers as tables of a page, cut to a size that a browser can hold
contents   asks the questions of one night and gathers what the page shows
page       the template, the scripts inlined, and the policy that lets nothing else run

Rules for whoever edits it: data comes from questions only; whatever Buddy said reaches the page through the
template's escaping or the one JSON block, and from there through textContent; nothing is loaded from anywhere.
"""

from collector.report.contents import gather
from collector.report.page import render

__all__ = ["gather", "render"]
