"""What the paper's experiments are run with: one file a scale, desk, paper or one's own."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from zokusei.captioner_config import CaptionerConfig
from zokusei.config import Config
from zokusei.config_file import (
    apply_setting,
    create_config,
    describe_problems,
    read_overrides,
    read_yaml,
)
from zokusei.errors import ConfigError, suggest
from zokusei.models import list_models, needs_captions
from zokusei.reproduce.plan import (
    Plan,
    check_rows,
    flatten_sections,
    nest_rows,
    nest_sections,
)

SCALES = ("desk", "paper")
SUBJECT, BASIS, RIVAL_CAPTIONS = "capgcn", "add_gcn", "photographs"
"""The paper's model, what it was built upon, and itself with the captioner of photographs."""

FEATURES = (
    (SUBJECT, RIVAL_CAPTIONS, "photographs-shuffled"),
    ("capgcn_votes", "photographs-votes", "votes-shuffled"),
)
"""The paper's model and our variant: with the adapted captioner, with that of photographs, and with
what a captioner says of other pictures."""

BASELINES = ("gap", "gmp")
"""The plain models, the better of which the others are tested against."""

CAPTIONERS = ("photographs", "adapted")

UNSEEN = "unseen"
"""What the judgement on drawn pictures of styles that nobody learnt is called."""

_Share = Annotated[float, Field(gt=0.0, lt=1.0)]
_Count = Annotated[int, Field(gt=0)]
_Seeds = Annotated[tuple[int, ...], Field(min_length=1)]
_Strict = ConfigDict(extra="forbid")
CorpusName = Literal["drawn", "anime-faces", "real-art", "danbooru"]


@dataclass(frozen=True, config=_Strict)
class Drawn:
    """How many pictures are drawn, and their side in pixels.

    Attributes:
        count: in the styles that are learnt.
        size: of all of them.
        unseen: in the styles that are kept for testing, to judge on alone.
    """

    count: _Count
    size: Annotated[int, Field(ge=16)]
    unseen: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, config=_Strict)
class Subset:
    """Which part of Danbooru: see `choose_subset`."""

    classes: _Count = 100
    pictures: _Count = 25_000
    labels: Annotated[float, Field(ge=1.0)] = 6.3
    val: _Share = 0.075
    test: _Share = 0.25


@dataclass(frozen=True, config=_Strict)
class Cartoons:
    """How photographs are drawn: `white-box` or `plain`, the shorter side at most `size`."""

    method: Literal["white-box", "plain"] = "white-box"
    size: _Count = 720


@dataclass(frozen=True, config=_Strict)
class Captions:
    """Table 2.

    Attributes:
        corpus: that its classifiers learn.
        rows: its rows beside those of the subjects and `add_gcn`, as in Table 1. Those of `seeds`
            that a row names are the only ones of the scale's that it is trained with.
        pictures: how many test pictures stand for the paper's hundred.
    """

    corpus: CorpusName
    rows: dict[str, dict[str, Any]]
    pictures: _Count = 100


@dataclass(frozen=True, config=_Strict)
class Scale:
    """All experiments.

    Attributes:
        name: of the scale.
        drawn: the drawn corpus.
        base: settings of every classifier; `captions.captioner` is `photographs` or `adapted`.
        corpora: those of Table 1, with the settings that are theirs; `data.vocabulary` is relative
            to the corpus, and `seeds` are in place of the scale's.
        models: the rows of Table 1, as in a plan of `zokusei compare`.
        captions: Table 2.
        photographs: settings of the captioner that learns from photographs.
        adapted: settings of the one that goes on with their cartoons.
        seeds: of the trainings.
        subjects: rows of Table 1 that are compared with all others: the paper's model, and named
            variants of it.
        danbooru: which part of it.
        cartoons: how they are drawn.
        overrides: what was set otherwise than the file has it; `load_scale` fills it in, and no
            file may.
    """

    name: str
    drawn: Drawn
    base: dict[str, Any]
    corpora: Annotated[dict[CorpusName, dict[str, Any]], Field(min_length=1)]
    models: dict[str, dict[str, Any]]
    captions: Captions
    photographs: dict[str, Any]
    adapted: dict[str, Any]
    seeds: _Seeds = (0, 1, 2)
    subjects: tuple[str, ...] = (SUBJECT,)
    danbooru: Subset = field(default_factory=Subset)
    cartoons: Cartoons = field(default_factory=Cartoons)
    overrides: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Every row of both tables by its name."""
        own = {
            name: {key: value for key, value in changes.items() if key != "seeds"}
            for name, changes in self.captions.rows.items()
        }
        return {**self.models, **own}

    @property
    def caption_rows(self) -> tuple[str, ...]:
        """Names of the rows of Table 2."""
        return (BASIS, *self.subjects, *self.captions.rows)

    def reads_captions(self, row: str) -> bool:
        """Say whether a row's model reads captions."""
        name = dict(flatten_sections(self.rows[row])).get("model.name", row)
        return name in list_models() and needs_captions(name)

    def get_shared(self, corpus: str) -> dict[str, Any]:
        """Give the settings of every classifier on a corpus, by their full names."""
        own = {key: value for key, value in self._get_own(corpus).items() if key != "seeds"}
        return dict([*flatten_sections(self.base), *flatten_sections(own)])

    def list_seeds(self, corpus: str) -> tuple[int, ...]:
        """Give the seeds of the trainings on a corpus."""
        return tuple(self._get_own(corpus).get("seeds", self.seeds))

    def list_row_seeds(self, row: str, corpus: str) -> tuple[int, ...]:
        """Give the seeds that a row of either table is trained with on a corpus."""
        seeds = self.list_seeds(corpus)
        own = self.captions.rows.get(row, {}).get("seeds", seeds)
        return tuple(seed for seed in seeds if seed in own)

    def _get_own(self, corpus: str) -> dict[str, Any]:
        return {str(name): settings for name, settings in self.corpora.items()}.get(corpus, {})

    def create_plan(
        self,
        corpus: str,
        path: Path,
        rows: Iterable[str],
        seeds: Sequence[int],
        captioners: Mapping[str, Path],
        also: Mapping[str, Path] | None = None,
    ) -> Plan:
        """Give the trainings of some rows on one corpus as a plan.

        Args:
            corpus: its name.
            path: where it lies.
            rows: names of rows.
            seeds: of the trainings.
            captioners: where each captioner lies.
            also: other pictures that runs are judged on.
        """
        base = nest_sections(self.get_shared(corpus))
        data = base.setdefault("data", {})
        data["path"] = str(path)
        if data.get("vocabulary"):
            data["vocabulary"] = str(path / data["vocabulary"])
        places = {name: str(place) for name, place in captioners.items()}
        chosen = {row: dict(flatten_sections(self.rows[row])) for row in rows}
        if isinstance(base.get("captions"), dict):
            _place(base["captions"], "captioner", places)
        for changes in chosen.values():
            _place(changes, "captions.captioner", places)
        return Plan(
            name=f"reproduce-{self.name}-{corpus}",
            base=base,
            models=chosen,
            seeds=tuple(seeds),
            baselines=(next(iter(chosen)),),
            also={name: str(place) for name, place in (also or {}).items()},
        )

    def create_configs(self, corpus: str) -> dict[str, Config]:
        """Give settings of a run of every model of Table 1 on a corpus, wherever things lie."""
        seeds = self.list_seeds(corpus)
        plan = self.create_plan(corpus, Path(corpus), self.models, seeds, {})
        return {row: plan.create_config(row, seeds[0]) for row in self.models}

    def create_captioner_config(self, name: str, settings: Mapping[str, Any]) -> CaptionerConfig:
        """Give the settings of a captioner with what the command fills in.

        Raises:
            ConfigError: a setting is unknown or impossible.
        """
        values: dict[str, Any] = {}
        own = self.photographs if name == "photographs" else self.adapted
        for key, value in [*flatten_sections(own), *settings.items()]:
            apply_setting(values, key, deepcopy(value))
        apply_setting(values, "name", f"reproduce-{self.name}-{name}")
        apply_setting(values, "recipe", "captioner")
        config: CaptionerConfig = create_config(values, CaptionerConfig)
        return config


def load_scale(name: str, overrides: Sequence[str] = ()) -> Scale:
    """Read a scale and see that what needs no captioner can begin.

    Args:
        name: `desk`, `paper`, or a YAML file of that form.
        overrides: `key=value` settings of the file (`seeds=[0]`, `base.train.epochs=1`). Seeds are
            then those of every corpus for which no others are given here.

    Raises:
        ConfigError: there is no such scale, or something in it is wrong.

    >>> load_scale("desk", ["seeds=[7]"]).seeds
    (7,)
    """
    path = Path(str(files("zokusei.reproduce").joinpath(f"scales/{name}.yaml")))
    if name not in SCALES:
        path = Path(name)
        if path.suffix not in (".yaml", ".yml"):
            raise ConfigError(f"no scale is called {name!r}{suggest(name, SCALES)} or FILE.yaml")
    values = read_yaml(path)
    _nest(values)
    given = dict(read_overrides(overrides))
    for key, value in given.items():
        apply_setting(values, key, value)
    if "overrides" in values:
        raise ConfigError(f"scale {name}: unknown setting 'overrides'")
    try:
        scale = TypeAdapter(Scale).validate_python({**values, "overrides": tuple(overrides)})
    except ValidationError as error:
        raise ConfigError(f"scale {name}: {describe_problems(error)}") from error
    for corpus, settings in scale.corpora.items():
        if "seeds" in given and f"corpora.{corpus}.seeds" not in given:
            settings.pop("seeds", None)
    _check(scale, f"scale {name}")
    return scale


def _nest(values: dict[str, Any]) -> None:
    """Nest all settings of runs in place, so that an override meets what it changes."""
    captions = values.get("captions")
    rows = captions.get("rows") if isinstance(captions, dict) else None
    for group in (values.get("corpora"), values.get("models"), rows):
        nest_rows(group)
    for name in ("base", *CAPTIONERS):
        if isinstance(values.get(name), dict):
            values[name] = nest_sections(values[name])


def _check(scale: Scale, source: str) -> None:
    """See that the rows that the tables are about are there, and that settings fit together."""
    wanted = {"models": (SUBJECT, BASIS), "captions.rows": (RIVAL_CAPTIONS,)}
    for section, names in wanted.items():
        there = scale.models if section == "models" else scale.captions.rows
        for name in names:
            if name not in there:
                raise ConfigError(
                    f"{source}: {section} has no row {name!r}, which tables are about"
                )
    if SUBJECT not in scale.subjects:
        raise ConfigError(f"{source}: subjects = {list(scale.subjects)} must have {SUBJECT!r}")
    for name in scale.subjects:
        if name not in scale.models:
            raise ConfigError(f"{source}: no row of models is called like the subject {name!r}")
    twice = sorted(set(scale.models) & set(scale.captions.rows))
    if twice:
        raise ConfigError(f"{source}: {twice[0]!r} is a row of both tables; give it another name")
    if scale.captions.corpus not in scale.corpora:
        raise ConfigError(
            f"{source}: captions.corpus = {scale.captions.corpus!r} is none of the corpora"
        )
    for row, changes in scale.captions.rows.items():
        if "seeds" in changes:
            _check_seeds(changes["seeds"], f"{source}: captions.rows.{row}.seeds")
    for number, (corpus, settings) in enumerate(scale.corpora.items()):
        if "seeds" in settings:
            _check_seeds(settings["seeds"], f"{source}: corpora.{corpus}.seeds")
        seeds = scale.list_seeds(corpus)
        plan = scale.create_plan(corpus, Path(corpus), scale.rows, seeds, {})
        readers = [row for row in scale.rows if scale.reads_captions(row)]
        if not number:  # models are the same on every corpus
            check_rows(plan, source, [row for row in scale.rows if row not in readers])
        for row in scale.rows:
            plan.create_config(row, seeds[0])
    for captioner in CAPTIONERS:
        scale.create_captioner_config(captioner, {})


def _check_seeds(seeds: object, source: str) -> None:
    try:
        TypeAdapter(_Seeds).validate_python(seeds)
    except ValidationError as error:
        raise ConfigError(f"{source} = {seeds!r} must be a list of whole numbers") from error


def _place(settings: dict[str, Any], key: str, places: Mapping[str, str]) -> None:
    """Put a captioner's folder where a scale has its name.

    Raises:
        ConfigError: it has another name.
    """
    name = settings.get(key)
    if name is None:
        return
    if name not in CAPTIONERS:
        raise ConfigError(f"captions.captioner = {name!r}{suggest(str(name), CAPTIONERS)}")
    settings[key] = places.get(name, name)
