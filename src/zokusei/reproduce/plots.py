"""What each model does for each tag, as SVG text."""

from typing import Any

from zokusei.report.plots import render_svg


def plot_comparison(tags: dict[str, dict[str, Any]], baseline: str) -> str:
    """Draw every tag's AP, and what the models gain over the baseline, by the tag's frequency.

    Args:
        tags: by name: `count` of training pictures, and mean `ap` by model, in per cent.
        baseline: the model whose AP is taken away in the second plot.
    """
    models = sorted({model for tag in tags.values() for model in tag["ap"]})
    styles = {model: {"color": f"C{i % 10}", "marker": "osD^vP*X<>"[i % 10]}
              for i, model in enumerate(models)}  # fmt: skip

    def points(model: str, *, gain: bool) -> tuple[list[int], list[float]]:
        judged = [tag for tag in tags.values() if model in tag["ap"] and baseline in tag["ap"]]
        values = [t["ap"][model] - (t["ap"][baseline] if gain else 0.0) for t in judged]
        return [max(tag["count"], 1) for tag in judged], values

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        for model in models:
            look = {**styles[model], "s": 12, "alpha": 0.7, "linewidths": 0}
            left.scatter(*points(model, gain=False), label=model, **look)
            if model != baseline:
                right.scatter(*points(model, gain=True), **look)
        right.axhline(0, lw=0.8, color="#7c8491")
        left.set(ylim=(0, 104), ylabel="AP of the tag, %")
        right.set(ylabel=f"AP less that of {baseline}, points")
        for axes in (left, right):
            axes.set(xscale="log", xlabel="training pictures that have the tag")
            axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")
        left.legend(fontsize=7, ncols=2)

    return render_svg(draw, width=10, height=4)
