"""What a metric is: one object with its function and all that reports and protocols need to know about it."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any

from torch import Tensor

from atsal.errors import ConfigError
from atsal.evaluation.metric_inputs import INPUTS, MetricInputs, Score


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric; called like a function: `cc(target, prediction, weights=weights)`.

    It takes the arrays of `inputs` in that order or by name, then by name `weights` (H, 1) or (H, W) and the options of
    `function`. `docs/metrics.md` says what the arrays are.
    """

    name: str  # in protocols and result files: "auc_judd"
    label: str  # in tables: "AUC-Judd"
    meaning: str  # one phrase for readers of a report, without the unit
    inputs: tuple[str, ...]  # the arrays it compares, names of `metric_inputs.INPUTS`
    function: Callable[..., Tensor]  # (MetricInputs, **options) -> scores (B,); an option `seed` makes draws repeatable
    unit: str = ""  # "nats"
    higher_is_better: bool = True
    version: int = 1  # raise it when the same maps get another score: kept scores are then computed again

    def __post_init__(self) -> None:
        """Raise `ConfigError` for a declaration that reports or scoring could not use."""
        for field in ("name", "label", "meaning"):
            text = getattr(self, field)
            if not isinstance(text, str) or not text.strip():
                raise ConfigError(f"metric {self.name!r}: {field} is {text!r}; expected a text")
        if not self.inputs or any(name not in INPUTS for name in self.inputs):
            raise ConfigError(f"metric {self.name!r}: inputs {self.inputs}; expected some of {', '.join(INPUTS)}")
        if (
            not isinstance(self.unit, str)
            or not isinstance(self.higher_is_better, bool)
            or type(self.version) is not int
        ):
            raise ConfigError(f"metric {self.name!r}: expected unit as text, higher_is_better as bool, version as int")
        self._check_function()
        self.__dict__["__doc__"] = self.function.__doc__  # for `help` in notebooks

    def _check_function(self) -> None:
        """Raise `ConfigError` unless scoring can call the function: with a `MetricInputs`, and a seed at most."""
        try:
            inspect.signature(self.function).bind(object())
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"metric {self.name!r}: its function cannot be called with the inputs alone ({error}); expected "
                "function(inputs, **options), each option with a default"
            ) from error

    @property
    def sign(self) -> int:
        """1 if higher scores are better, else -1."""
        return 1 if self.higher_is_better else -1

    @property
    def heading(self) -> str:
        """The label with an arrow that shows which direction is better: "KLD ↓"."""
        return f"{self.label} {'↑' if self.higher_is_better else '↓'}"

    @property
    def description(self) -> str:
        """The meaning with the unit."""
        return f"{self.meaning}, in {self.unit}" if self.unit else self.meaning

    @cached_property
    def __signature__(self) -> inspect.Signature:
        maps = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in self.inputs]
        weights = inspect.Parameter("weights", inspect.Parameter.KEYWORD_ONLY, default=None)
        return inspect.Signature([*maps, weights, *self._options])

    @property
    def _options(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.function).parameters.values())[1:]

    def __call__(self, *arrays: Any, **named: Any) -> Score:
        """Return the score; raises `ShapeError` for arrays that do not fit."""
        given = self.__signature__.bind(*arrays, **named).arguments
        maps = {name: given.pop(name) for name in self.inputs}
        inputs = MetricInputs(given.pop("weights", None), **maps)
        return inputs.as_given(self.function(inputs, **given))

    def compute(self, inputs: MetricInputs, seed: int = 0) -> Score:
        """Return the score of arrays that other metrics are computed of, too."""
        options = {"seed": seed} if any(option.name == "seed" for option in self._options) else {}
        return inputs.as_given(self.function(inputs, **options))


def metric(**facts: Any) -> Callable[[Callable[..., Tensor]], Metric]:
    """Make a function a metric of its name: a decorator that takes the other fields of `Metric`.

    Raises `ConfigError` when the function is defined, for fields that are missing or unknown.
    """
    own = {field.name: field for field in fields(Metric) if field.name not in ("name", "function")}
    missing = [name for name, field in own.items() if field.default is MISSING and name not in facts]
    unknown = [name for name in facts if name not in own]
    if missing or unknown:
        wrong = " and ".join([*(f"no {name}" for name in missing), *(f"an unknown {name}" for name in unknown)])
        raise ConfigError(f"a metric with {wrong}; expected {', '.join(own)}")
    return lambda function: Metric(name=function.__name__, function=function, **facts)
