"""What is compared with what: one set of settings, the models, the seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from zokusei.config import (
    Config,
    apply_setting,
    create_config,
    describe_problems,
    read_overrides,
    read_yaml,
)
from zokusei.errors import ConfigError, suggest
from zokusei.models import needs_embeddings

# What a model may have of its own. Data, pictures, schedule and seeds are everybody's: with other
# ones the rows would no longer compare.
_OWN = ("model", "loss", "optimizer")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Plan:
    """A comparison as its YAML file has it.

    Attributes:
        name: of the comparison; the runs lie in runs/NAME.
        base: settings of every run, as in a configuration of `zokusei train`.
        seeds: of the trainings; the split has its own in `base`.
        baselines: the plain models that the others are tested against.
        models: what each row of the table changes, by its name there; the model is called like the
            row where `model.name` does not say otherwise.
    """

    name: str
    base: dict[str, Any]
    models: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    baselines: Annotated[tuple[str, ...], Field(min_length=1)] = ("gap", "gmp")

    def create_config(self, row: str, seed: int) -> Config:
        """Give the settings of one run.

        Raises:
            ConfigError: a setting is unknown, impossible, or not a model's own to change.
        """
        values: dict[str, Any] = {}
        changes = {"model.name": row, **self.models[row]}
        for key, value in [*_flatten(self.base), *changes.items()]:
            apply_setting(values, key, value)
        apply_setting(values, "name", self.name)
        apply_setting(values, "train.seed", seed)
        config: Config = create_config(values)
        return config


def load_plan(path: Path | str, overrides: Sequence[str] = ()) -> Plan:
    """Read a plan and see that every run of it can begin.

    Args:
        path: the YAML file.
        overrides: `key=value` settings of `base`, for all models alike.

    Raises:
        ConfigError: the file, a setting, a model or a baseline is wrong.
    """
    values = read_yaml(path)
    for key, value in read_overrides(overrides):
        apply_setting(values.setdefault("base", {}), key, value)
    try:
        plan = TypeAdapter(Plan).validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {describe_problems(error)}") from error
    for row, changes in plan.models.items():
        for key in changes:
            if key.split(".")[0] not in _OWN:
                raise ConfigError(
                    f"{path}: {row} may not have its own {key}; what differs between models is "
                    f"in {', '.join(_OWN)}"
                )
        model = plan.create_config(row, plan.seeds[0]).model
        if needs_embeddings(model.name) and model.embeddings is None:
            raise ConfigError(f"{path}: {row} needs model.embeddings (glove, one_hot, ...)")
    for baseline in plan.baselines:
        if baseline not in plan.models:
            raise ConfigError(
                f"{path}: no model is called like the baseline {baseline!r}"
                f"{suggest(baseline, plan.models)}"
            )
    return plan


def _flatten(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Give nested sections as full names; two levels, as settings have them."""
    flat: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict) and not prefix and "." not in key:
            flat += _flatten(value, f"{key}.")
        else:
            flat.append((prefix + key, value))
    return flat
