"""How much each varied setting mattered."""

import math
import warnings

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

FEWEST = 4
METHOD = (
    "Functional ANOVA over a random forest fitted to the finished trials (Hutter et al. 2014): each "
    "setting's own share of the score's variance, with all shares summing to 1. From few trials it is rough."
)


def importances(study: optuna.Study) -> dict[str, float] | str:
    """The share of the objective's variance that each setting explains, or why it cannot be estimated.

    Args:
        study: the trials of one case; only finished ones count.
    """
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(done) < FEWEST:
        return f"{len(done)} trials finished; {FEWEST} are needed"
    if len({trial.value for trial in done}) == 1:
        return "all trials have the same score"
    names = [name for name in done[0].params if len({trial.params[name] for trial in done}) > 1]
    if len(names) < 2:
        return "fewer than two settings varied"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0), params=names)
    if any(math.isnan(share) for share in found.values()):
        return "the scores do not differ enough"
    return found
