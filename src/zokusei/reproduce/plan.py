"""What is compared with what: one set of settings, the models, the seeds."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from zokusei.config import Config
from zokusei.config_file import (
    apply_setting,
    create_config,
    describe_problems,
    read_overrides,
    read_yaml,
)
from zokusei.errors import CheckpointError, ConfigError, ModelError, suggest
from zokusei.labels import LabelSpace
from zokusei.losses import create_loss
from zokusei.models import (
    create_model,
    freeze_stages,
    list_models,
    needs_captions,
    needs_embeddings,
)
from zokusei.reproduce.also import check_names
from zokusei.tags import TagSet
from zokusei.training.caption_features import load_source

# What a model may have of its own. Data, pictures, schedule and seeds are everybody's: with other
# ones the rows would no longer compare.
_OWN = ("model", "captions", "loss", "optimizer")
# What all models stand on.
_SHARED = ("model.backbone", "model.weights", "model.freeze")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Plan:
    """A comparison as its YAML file has it.

    Attributes:
        name: of the comparison; the runs lie in runs/NAME.
        base: settings of every run, as in a configuration of `zokusei train`; those of `captions`
            are for the models that read captions.
        seeds: of the trainings; the split has its own in `base`.
        baselines: the plain models that the others are tested against.
        also: other pictures that every run is judged on, apart from the test split of its own: a
            manifest, or the folder that holds it, by what they are called.
        models: what each row of the table changes, by its name there; the model is called like the
            row where `model.name` does not say otherwise. Settings are nested or have full names.
    """

    name: str
    base: dict[str, Any]
    models: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    baselines: Annotated[tuple[str, ...], Field(min_length=1)] = ("gap", "gmp")
    also: dict[str, str] = field(default_factory=dict)

    def list_changes(self, row: str) -> dict[str, Any]:
        """Give what a row changes, by the settings' full names."""
        return dict(flatten_sections(self.models[row]))

    def create_config(self, row: str, seed: int) -> Config:
        """Give the settings of one run.

        Raises:
            ConfigError: a setting is unknown, impossible, or not a model's own to change.
        """
        values: dict[str, Any] = {}
        changes = {"model.name": row, **self.list_changes(row)}
        shared = dict(flatten_sections(self.base))
        if changes["model.name"] in list_models() and not needs_captions(changes["model.name"]):
            shared = {key: value for key, value in shared.items() if not _is_of_captions(key)}
        for key, value in [*shared.items(), *changes.items()]:
            # A copy: a row that sets one option must not add it to the options of the others.
            apply_setting(values, key, deepcopy(value))
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
        ConfigError: the file, a setting, a model, a loss, a baseline or a name is wrong.
    """
    values = read_yaml(path)
    base = values.get("base", {})
    if not isinstance(base, dict):
        raise ConfigError(f"{path}: base must hold settings as `key: value`, not {base!r:.60}")
    values["base"] = nest_sections(base)
    nest_rows(values.get("models"))
    for key, value in read_overrides(overrides):
        apply_setting(values["base"], key, value)
    try:
        plan = TypeAdapter(Plan).validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {describe_problems(error)}") from error
    check_names(plan.also, str(path))
    check_rows(plan, str(path), plan.models)
    for baseline in plan.baselines:
        if baseline not in plan.models:
            raise ConfigError(
                f"{path}: no model is called like the baseline {baseline!r}"
                f"{suggest(baseline, plan.models)}"
            )
    return plan


def check_rows(plan: Plan, source: str, rows: Iterable[str]) -> None:
    """See that every run of some rows can begin.

    Args:
        plan: with the rows.
        source: what messages begin with.
        rows: their names.

    Raises:
        ConfigError: a setting, a model or a loss is wrong.
    """
    for row in rows:
        try:
            _check_row(plan, row)
        except ConfigError as error:
            raise ConfigError(f"{source}: {row} {error}") from error


def _check_row(plan: Plan, row: str) -> None:
    """See that a row changes what it may, and that its model and its loss can be built.

    Raises:
        ConfigError: it does not, or they cannot; the message goes on from the row's name.
    """
    for key in plan.list_changes(row):
        if key.split(".")[0] not in _OWN:
            raise ConfigError(
                f"may not have its own {key}; what differs between models is in {', '.join(_OWN)}"
            )
        if key in _SHARED:
            raise ConfigError(f"may not have its own {key}, which all models share; set it in base")
    try:
        config = plan.create_config(row, plan.seeds[0])
        model = config.model
        needs = needs_embeddings(model.name)
        create_loss(config.loss.name, **config.loss.options)
        labels = LabelSpace.from_targets(TagSet.from_names(["a", "b"]), torch.ones(1, 2).bool())
        labels = labels.with_embeddings(torch.ones(2, 2))
        # Without numbers the largest backbone is built in a moment.
        options, source = dict(model.options), load_source(config)
        if source is not None:
            options["caption_width"] = source.width
        with torch.device("meta"):
            built = create_model(model.name, labels, backbone=model.backbone, **options)
        freeze_stages(built.backbone, model.freeze)
    except (CheckpointError, ConfigError, ModelError) as error:
        raise ConfigError(f"cannot be trained: {error}") from error
    if needs and model.embeddings is None:
        raise ConfigError("needs model.embeddings (glove, one_hot, ...)")
    if not needs and model.embeddings is not None:
        raise ConfigError(f"has model.embeddings = {model.embeddings!r}, but uses none")


def _is_of_captions(key: str) -> bool:
    return key == "captions" or key.startswith("captions.")


def nest_rows(rows: object) -> None:
    """Nest the settings of each row in place; what is no group of rows is left for its reader."""
    if isinstance(rows, dict):
        rows |= {
            row: nest_sections(settings)
            for row, settings in rows.items()
            if isinstance(settings, dict)
        }


def nest_sections(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Give settings nested, whether they were or had full names: two ways to say one thing.

    A setting that is put in later then meets what is there, and takes its place.

    >>> nest_sections({"model.options": {"attention": "mean"}, "model": {"freeze": 3}})
    {'model': {'options': {'attention': 'mean'}, 'freeze': 3}}
    """
    nested: dict[str, Any] = {}
    for key, value in flatten_sections(values):
        apply_setting(nested, key, deepcopy(value))
    return nested


def flatten_sections(values: Mapping[Any, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Give nested sections as full names; two levels, as settings have them."""
    flat: list[tuple[str, Any]] = []
    for key, value in values.items():
        # YAML has keys that are numbers; whoever knows the settings refuses them.
        name = f"{prefix}{key}"
        if isinstance(value, dict) and "." not in name:
            flat += flatten_sections(value, f"{name}.")
        else:
            flat.append((name, value))
    return flat
