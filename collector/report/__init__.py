"""`collector report`: one HTML file that needs no other file and no network.

escape     what keeps names, addresses and data from acting inside the page
findings   which questions are findings, how severe each is, and why it matters
rows       answers as tables of the page, limited to a size that a browser can hold
contents   asks the questions about one run and collects what the page shows
page       the template, the inlined scripts, and the policy that lets nothing else run

Rules for whoever edits it: data comes from questions only; text from Buddy reaches the page through the template's
escaping or the one JSON block, and from there through textContent; nothing is loaded from anywhere.
"""

from collector.report.contents import collect_contents
from collector.report.page import render

__all__ = ["collect_contents", "render"]
