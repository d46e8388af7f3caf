"""The model card of a run, in Markdown.

The sections follow Mitchell et al. 2019, "Model Cards for Model Reporting" (figure 1).
"""

from dfdetect.metrics.measures import MEASURES
from dfdetect.render.markdown import escape
from dfdetect.render.run_content import INTERVALS, RunContent
from dfdetect.render.table import markdown
from dfdetect.render.templating import render


def render_model_card(run: RunContent) -> str:
    """The model card as Markdown text; everything from outside is escaped."""
    return render(
        "model_card.md.j2",
        run=run,
        facts={name: value for name, value in run.environment.items() if name != "command"},
        measures=list(MEASURES.values()),
        intervals=INTERVALS,
        metrics=markdown(run.metrics_table(), escape) if run.columns() else "",
        by_group=run.recipe.get("split") != "random",
    )
