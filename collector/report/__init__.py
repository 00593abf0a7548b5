"""`collector report`: one HTML file that needs no other file and no network.

Rules for whoever edits it: data comes from questions only; text from Buddy reaches the page through the template's
escaping or the one JSON block, and from there through textContent; nothing is loaded from anywhere.
"""

from collector.report.contents import collect_contents
from collector.report.page import render

__all__ = ["collect_contents", "render"]
