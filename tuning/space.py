"""The space of a search, as data: which fields of a recipe vary, and over which values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from dfdetect.models.registry import family
from dfdetect.recipe import Option, Recipe
from face_extraction.errors import InputError, check_name, unknown_name

if TYPE_CHECKING:
    import keras_tuner
    import optuna

Values = dict[str, Option]

OPTION = "options."
RANGE = ("low", "high", "log", "step")
# These decide which faces validate, or are pure chance: their scores are not comparable.
FIXED = (
    *("manifest", "per_class", "split", "split_seed", "val_share", "test_share", "folds", "fold"),
    *("monitor", "frames", "seed", "options", "partial_weights"),
)


@dataclass(frozen=True)
class Axis:
    """One varied setting: a list of values, or a range.

    Attributes:
        name: a recipe's field, or "options." and the name of a model's option.
        values: the list, all of one type; empty for a range.
        low: lower end of a range, inclusive.
        high: upper end of a range, inclusive.
        log: whether a range is sampled on a logarithmic scale.
        step: distance between a range's values; None for a float range without gaps.
    """

    name: str
    values: tuple[Option, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: int | float | None = None

    @property
    def whole(self) -> bool:
        """Whether a range's values are whole numbers."""
        return isinstance(self.low, int)

    def ends(self) -> tuple[Option, ...]:
        """The values to check a recipe with: if it accepts these, it accepts all."""
        return self.values or (self.low, self.high)

    def suggest(self, trial: "optuna.Trial") -> Option:
        """The value on this axis that an Optuna trial has or now gets."""
        if self.values:
            return cast(Option, trial.suggest_categorical(self.name, self.values))
        if self.whole:
            return trial.suggest_int(
                self.name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log
            )
        return trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.log)

    def declare(self, space: "keras_tuner.HyperParameters") -> None:
        """Add this axis to a Keras Tuner space."""
        if self.values:
            space.Choice(self.name, list(self.values))
            return
        if self.step and not self.whole:
            # Not as a range: Keras Tuner divides by the step to count the values, and 0.6 // 0.1 is 5.
            last = int((self.high - self.low) / self.step + 1e-9)
            values = [self.low + number * self.step for number in range(last + 1)]
            space.Choice(self.name, [self.inside(value) for value in values])
            return
        kind = space.Int if self.whole else space.Float
        step: int | float | None = self.step or (1 if self.whole and not self.log else None)
        kind(self.name, self.low, self.high, step=step, sampling="log" if self.log else "linear")

    def inside(self, value: Option) -> Option:
        """The value as in the list, or brought back into the range if rounding left it."""
        if self.values:  # Keras Tuner turns true into 1
            return self.values[self.values.index(value)]
        value = min(max(cast(float, value), self.low), self.high)
        return int(value) if self.whole else float(value)


Space = tuple[Axis, ...]


def parse_space(content: Mapping[str, Any], where: str) -> Space:
    """Read a space from the [space] table of a job.

    Args:
        content: a list of values by name, or a table of low, high and optionally log or step. The table
            `options` holds the same for options of the model.
        where: the file that holds it.

    Raises:
        InputError: a name is unknown or cannot be searched, or a list or range is not accepted.
    """
    items = dict(content)
    options = items.pop("options", {})
    if not isinstance(options, Mapping):
        raise InputError(f"{where}: space options {options!r}; accepted: a table of the model's options")
    axes = [_axis(name, value, where) for name, value in items.items()]
    axes += [_axis(OPTION + name, value, where) for name, value in options.items()]
    if not axes:
        raise InputError(f"{where}: the space is empty; accepted: at least one of {', '.join(_varied())}")
    return tuple(axes)


def write_space(space: Space) -> dict[str, Any]:
    """The content that `parse_space` reads."""
    content: dict[str, Any] = {}
    for axis in space:
        value: Any = list(axis.values)
        if not value:
            value = {"low": axis.low, "high": axis.high, "log": axis.log}
            value |= {"step": axis.step} if axis.step is not None else {}
        if axis.name.startswith(OPTION):
            content.setdefault("options", {})[axis.name.removeprefix(OPTION)] = value
        else:
            content[axis.name] = value
    return content


def apply(recipe: Recipe, values: Mapping[str, Option]) -> Recipe:
    """The recipe with a trial's values.

    Raises:
        InputError: a value is not accepted.
    """
    changes: dict[str, Any] = {name: v for name, v in values.items() if not name.startswith(OPTION)}
    options = {name.removeprefix(OPTION): v for name, v in values.items() if name.startswith(OPTION)}
    if options:
        changes["options"] = {**recipe.options, **options}
    return recipe.with_changes(**changes)


def check_space(space: Space, recipe: Recipe) -> None:
    """Refuse values that the recipe or its model would refuse in the middle of a search.

    Raises:
        InputError: a value is not accepted; the line names the first.
    """
    for axis in space:
        for value in axis.ends():
            changed = apply(recipe, {axis.name: value})
            family(changed.model).check_options(changed.options)


def _varied() -> list[str]:
    return [item.name for item in fields(Recipe) if item.name not in FIXED]


def _axis(name: str, content: Any, where: str) -> Axis:
    kind: Any = None
    if not name.startswith(OPTION):
        if name in FIXED:
            raise InputError(
                f"{where}: space: {name} cannot vary, because it decides the validation faces or is "
                f"chance; accepted: {', '.join(_varied())}"
            )
        kinds = {item.name: item.type for item in fields(Recipe)}
        if name not in _varied():
            raise unknown_name("name in the space", name, [*_varied(), "options"], where)
        kind = kinds[name]
    if isinstance(content, list):
        return Axis(name, values=_list(name, [_coerced(value, kind) for value in content], where))
    if isinstance(content, Mapping):
        return _range(name, content, kind, where)
    raise InputError(f"{where}: space: {name} {content!r}; accepted: a list, or a table of low and high")


def _coerced(value: Any, kind: Any) -> Any:
    """`value`, as a float if the field holds floats and the value is a whole number."""
    return float(value) if kind is float and type(value) is int else value


def _list(name: str, values: Sequence[Any], where: str) -> tuple[Option, ...]:
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or not kinds <= {str, int, float, bool} or len(set(values)) != len(values):
        raise InputError(f"{where}: space: {name} {list(values)}; accepted: different values of one type")
    return tuple(values)


def _range(name: str, content: Mapping[str, Any], kind: Any, where: str) -> Axis:
    for key in content:
        check_name(f"key of the range {name}", key, RANGE, where)
    low, high = (_coerced(content.get(key), kind) for key in ("low", "high"))
    log, step = content.get("log", False), _coerced(content.get("step"), kind)
    numbers = type(low) is type(high) and type(low) in (int, float) and type(log) is bool
    if not numbers or (kind and type(low) is not kind):
        raise InputError(
            f"{where}: space: {name} {dict(content)}; accepted: numbers low and high, log = true"
        )
    if not low < high or (log and (low <= 0 or step is not None)):
        raise InputError(
            f"{where}: space: {name} from {low} to {high}; accepted: low below high, and with log "
            "low above 0 and no step"
        )
    if step is not None and (type(step) is not type(low) or not 0 < step <= high - low):
        raise InputError(f"{where}: space: {name} step {step}; accepted: above 0, up to {high - low}")
    return Axis(name, low=low, high=high, log=log, step=step)
