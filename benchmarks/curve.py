"""A precision-recall curve as an SVG picture, drawn by matplotlib (extra `bench`)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence


def precision_recall_svg(
    title: str, series: Mapping[str, Sequence[tuple[float, float, str]]]
) -> str:
    """Return a picture of one line a method; a point is (recall, precision, label), 0 to 1.

    The same data gives the same bytes.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "newsalign"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.8))
    for name, points in series.items():
        recalls, precisions, _ = zip(*points, strict=True)
        axes.plot(recalls, precisions, marker="o", label=name)
        for recall, precision, label in points:
            axes.annotate(label, (recall, precision), (5, -12), textcoords="offset points", size=8)
    axes.set(title=title, xlabel="recall of pairs", ylabel="precision of pairs")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
