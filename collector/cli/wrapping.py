"""Break text into lines for a terminal: at spaces and after / . : - _, never inside a word that a line can hold.

Between two digits only / and _ are places to break, so that dates, times and versions stay whole. Text in a script
without spaces is broken between any two of its letters.
"""

import re
import unicodedata
from typing import Final

from rich.cells import cell_len, chop_cells

_MARKS: Final = "/.:-_"
_HEX: Final = re.compile(r"\b[0-9a-f]{40,}\b")
_SHORT_HEX: Final = 12  # as many as Git and Docker show of a revision or digest


def abbreviate(text: str) -> str:
    """Return the text with each Git revision and digest cut to its first characters."""
    return _HEX.sub(lambda found: found[0][:_SHORT_HEX], text)


def pieces(word: str) -> list[str]:
    """Return a word in the pieces between which a line may end."""
    found, start = [], 0
    for at in range(1, len(word)):
        if _may_break(word, start, at):
            found.append(word[start:at])
            start = at
    return [*found, word[start:]]


def longest_piece(text: str) -> int:
    """Return the width of the widest piece: a line of this width breaks no word."""
    return max((cell_len(piece) for word in text.split() for piece in pieces(word)), default=0)


def wrap_text(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` columns, indented alike; a piece wider than a line is cut."""
    words = text.lstrip(" ")
    if indent := text[: len(text) - len(words)][: width // 2]:
        return [indent + line for line in wrap_text(words, width - len(indent))]
    lines = [""]
    for word in text.split(" "):
        separator = " " if lines[-1] else ""
        if cell_len(lines[-1] + separator + word) <= width:
            lines[-1] += separator + word
            continue
        if lines[-1]:
            lines.append("")
        for piece in pieces(word):
            if cell_len(lines[-1] + piece) <= width:
                lines[-1] += piece
            else:
                lines += chop_cells(piece, width)
    return [line for line in lines if line] or [""]


def _may_break(word: str, start: int, at: int) -> bool:
    before, after = word[at - 1], word[at]
    if _is_ideograph(before) or _is_ideograph(after):
        return True
    if before not in _MARKS or after in _MARKS or after == ">" or not word[start : at - 1].strip(_MARKS):
        return False
    return before in "/_" or not (word[at - 2].isdigit() and after.isdigit())


def _is_ideograph(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF" and unicodedata.category(char) == "Lo"
