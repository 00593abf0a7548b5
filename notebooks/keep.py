"""Execute the notebooks and save those whose code has changed: `make notebooks`, or `python keep.py LAKE`.

Each notebook stores the digest of the code that drew its pictures (`kept.code_sha256`). A test compares it with the
code in the notebook, so that a picture of older code is noticed. With `--all` every notebook is saved: after a change
of the demo, whose runs they show.
"""

import hashlib
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def notebooks() -> list[Path]:
    """Return the notebooks, in order."""
    return sorted(HERE.glob("*.ipynb"))


def code_digest(notebook: nbformat.NotebookNode) -> str:
    """Return the SHA-256 of the code cells and drawing.py."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join([*cells, (HERE / "drawing.py").read_text()]).encode()).hexdigest()


def executed(path: Path, lake: Path) -> nbformat.NotebookNode:
    """Return a notebook after running every cell on `lake`; raise CellExecutionError if one fails."""
    notebook = nbformat.read(path, as_version=4)
    os.environ["COLLECTOR_LAKE"] = str(lake.absolute())
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(HERE)}}).execute()
    return notebook


def keep(path: Path, lake: Path, *, always: bool = False) -> bool:
    """Execute a notebook; save it, without traces of this machine, if its code has changed or `always`; say whether."""
    notebook = executed(path, lake)
    digest = code_digest(notebook)
    if notebook.metadata.get("kept", {}).get("code_sha256") == digest and not always:
        return False
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "kept": {"code_sha256": digest},
    }
    nbformat.write(notebook, path)
    return True


if __name__ == "__main__":
    for each in notebooks():
        saved = keep(each, Path(sys.argv[1]), always="--all" in sys.argv)
        sys.stdout.write(f"{each.name} {'saved' if saved else 'runs; unchanged'}\n")
