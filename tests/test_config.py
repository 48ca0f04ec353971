from pathlib import Path

import pytest
import yaml

from zokusei.captioner_config import CaptionerConfig
from zokusei.config import Config
from zokusei.config_file import create_config, flatten, load_config, read_recipe, save_config
from zokusei.errors import ConfigError
from zokusei.white_box_config import WhiteBoxConfig

# Plans of comparisons are tested in reproduce/test_compare.py.
CONFIGS = [
    path
    for path in sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
    if not path.name.startswith("compare-")
]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_configuration_is_valid_and_names_its_command(path):
    kinds = {"classifier": Config, "white-box": WhiteBoxConfig, "captioner": CaptionerConfig}
    load_config(path, kind=kinds[read_recipe(path)])
    assert path.read_text().splitlines()[0].startswith("# zokusei ")


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("optimiser.lr=0.1", "optimizer.lr"),
        ("train.epoch=3", "train.epochs"),
        ("lr=0.1", "optimizer.lr"),
        ("model.nam=gap", "model.name"),
    ],
)
def test_a_mistyped_key_is_refused_with_the_nearest_one(override, meant):
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
        load_config(None, [override])


@pytest.mark.parametrize(
    "override",
    ["train.epochs=many", "train.epochs=0", "augment.flip=2", "data.val=1", "data=3", "a", "=3",
     "preprocess.fit=stretch", "data.path.x=1", "augment.scale=[1]"],
)  # fmt: skip
def test_wrong_values_are_one_line(override):
    with pytest.raises(ConfigError) as error:
        load_config(None, ["data.path=x", override])
    assert "\n" not in str(error.value)


def test_an_unreadable_file_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    for text in ("a: [", "- 1", "\tx"):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"a\.yaml"):
            load_config(path)
    with pytest.raises(ConfigError, match=r"missing\.yaml"):
        load_config(tmp_path / "missing.yaml")


def test_numbers_that_yaml_takes_for_text_are_numbers():
    assert load_config(None, ["optimizer.weight_decay=1e-4"]).optimizer.weight_decay == 1e-4


def test_saved_settings_are_complete_and_read_back(tmp_path):
    config = load_config(None, ["model.options={dropout: 0.5}", "data.columns={a: '{}_b'}"])
    save_config(config, tmp_path / "c.yaml")
    assert load_config(tmp_path / "c.yaml") == config
    assert set(yaml.safe_load((tmp_path / "c.yaml").read_text())) == set(vars(create_config({})))


def test_flatten_names_every_setting_once():
    names = flatten(Config())
    assert names["schedule.milestones"] == (0.6, 0.8)
    assert load_config(None, [f"{key}={value}" for key, value in names.items()
                              if isinstance(value, int | float)]) == Config()  # fmt: skip


@pytest.mark.parametrize(("kind", "setting"), [
    (CaptionerConfig, "optimizer.weight_decay=0.01"), (WhiteBoxConfig, "schedule.milestones=[0.5]"),
    (Config, "optimizer.lr=0.3"),
])  # fmt: skip
def test_one_setting_of_a_section_leaves_the_others_as_the_recipe_has_them(kind, setting):
    plain, changed = (flatten(load_config(None, given, kind=kind)) for given in ([], [setting]))
    key = setting.partition("=")[0]
    assert changed.pop(key) != plain.pop(key)
    assert changed == plain
