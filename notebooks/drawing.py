"""What the notebooks share: one style, labels that cannot harm, and the lanes of the promotion map."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import MaxNLocator

INK, MUTED, GRID, PAPER = "#1f2430", "#667085", "#e4e7ec", "#ffffff"
# One meaning, one colour, in every picture; chosen to stay apart for colour-blind readers and in grey.
COLOURS = {
    "good": "#2a7f9e", "bad": "#c8442d", "warning": "#d9902f", "other": "#98a2b3",
    "added": "#2a7f9e", "changed": "#7a5ea8", "removed": "#c8442d", "returned": "#d9902f", "ran": "#98a2b3",
}  # fmt: skip
STAGES = ("not named", "development", "test", "staging", "production")


def use_style() -> None:
    """Set the style of every picture in a notebook."""
    plt.rcParams.update({
        "figure.dpi": 110, "savefig.dpi": 110, "figure.facecolor": PAPER, "axes.facecolor": PAPER,
        "font.size": 10, "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left",
        "axes.titlepad": 14, "axes.edgecolor": GRID, "axes.labelcolor": MUTED, "text.color": INK,
        "xtick.color": MUTED, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": GRID, "axes.axisbelow": True, "legend.frameon": False,
        "figure.constrained_layout.use": True,
    })  # fmt: skip


def label(text: object, longest: int = 48) -> str:
    """Return a name as a label: no control characters, no formulas of matplotlib's, and not too long."""
    shown = "".join(char if char.isprintable() else "·" for char in str(text))
    shown = shown if len(shown) <= longest else shown[: longest // 2 - 1] + "…" + shown[-longest // 2 :]
    return shown.replace("$", r"\$")


def bars(ax: Axes, counts: pd.Series, colours: Sequence[str] | str = COLOURS["good"]) -> None:
    """Draw horizontal bars, the largest on top, each with its number."""
    ordered = counts[::-1]
    drawn = ax.barh([label(name) for name in ordered.index], ordered.to_numpy(), color=colours, height=0.7)
    ax.bar_label(drawn, fmt="{:,.0f}", padding=4, color=MUTED)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.12)


def nights_axis(ax: Axes, nights: pd.DataFrame) -> None:
    """Name a dozen nights under an axis at most."""
    step = max(1, len(nights) // 12)
    places = range(0, len(nights), step)
    names = [f"{pd.Timestamp(nights['run_date'].iloc[i]):%d %b}" for i in places]
    ax.set_xticks(list(places), names, rotation=0, fontsize=8.5)
    ax.grid(axis="x", visible=False)


def lanes(ax: Axes, edges: pd.DataFrame, colour_of: dict[str, str]) -> None:
    """Draw promotions as arrows between the columns of environments, one lane for each image.

    `edges` has image, source_stage, destination_stage (names in STAGES), kind (a key of `colour_of`) and
    promotions (how many actions do it).
    """
    images = list(dict.fromkeys(edges["image"]))
    for y, image in enumerate(images):
        ax.axhline(y, color=GRID, lw=1, zorder=0)
        for offset, edge in enumerate(edges[edges["image"] == image].itertuples()):
            _arrow(ax, y, edge, offset, colour_of[edge.kind])
    ax.set_yticks(range(len(images)), [label(image, 62) for image in images], fontsize=9)
    ax.set_xticks(range(len(STAGES)), STAGES, fontsize=10, color=INK)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set(xlim=(-0.25, len(STAGES) - 0.75), ylim=(len(images) - 0.4, -0.8))
    ax.grid(visible=False)
    for x in range(len(STAGES)):
        ax.axvline(x, color=GRID, lw=1, ls=(0, (2, 3)), zorder=0)
    ax.spines[:].set_visible(False)
    handles = [Line2D([], [], color=colour, lw=2.2, label=kind) for kind, colour in colour_of.items()]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.01), ncols=len(handles))


def _arrow(ax: Axes, y: float, edge: Any, offset: int, colour: str) -> None:
    start, end = STAGES.index(edge.source_stage), STAGES.index(edge.destination_stage)
    width = 1.2 + 0.5 * min(edge.promotions, 5)
    ax.plot([start, end], [y, y], "o", color=colour, ms=4.5, zorder=3)
    if start == end:
        ax.plot(start, y, "o", color=colour, ms=11, mfc="none", mew=width * 0.7, zorder=3)
        return
    # All bows are equally high, however far they reach, so that none runs into the lane above.
    bend = 0.0 if abs(end - start) == 1 and not offset else -(0.16 + 0.05 * offset) / abs(end - start)
    arrow = FancyArrowPatch(
        (start, y), (end, y), connectionstyle=f"arc3,rad={bend if end > start else -bend}", arrowstyle="-|>",
        mutation_scale=11, color=colour, lw=width, shrinkA=4, shrinkB=5, alpha=0.9, zorder=2,
    )  # fmt: skip
    ax.add_patch(arrow)
