"""Where the experiments have things from and put them, and what a stage of them is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from zokusei.corpora import flickr8k
from zokusei.data.row_file import Counting
from zokusei.errors import ConfigError
from zokusei.stylize.weights import default_weights_path
from zokusei.training.loop import Reporter

_DATA = Path("../shared/data")
_HELP = {
    "anime-faces": "a folder with images/ and labels.csv (file,group,hair,eyes)",
    "real-art": "a folder with images/, labels.csv (file,source,tags,unsure) and vocabulary.txt",
    "danbooru": "a copy of Danbooru2020 (metadata/ and 512px/): gwern.net/danbooru2021 says how",
    "flickr8k": "Flickr8k: the pictures in Images/, Flickr8k.token.txt and the official lists",
}


@dataclass(frozen=True)
class Places:
    """Where things are and go.

    Attributes:
        out: all that is made.
        given: where corpora lie that nobody can make here; defaults for the others.
        white_box: published weights of the generator, or `.safetensors`.
        captioners: captioners that are there already, by `photographs` and `adapted`.
        costs: a table of what models cost; see `costs`.
    """

    out: Path
    given: dict[str, Path] = field(default_factory=dict)
    white_box: Path | None = None
    captioners: dict[str, Path] = field(default_factory=dict)
    costs: Path | None = None

    def find_source(self, name: str) -> Path:
        """Say where a corpus comes from that is not made here."""
        return self.given.get(name, _DATA / name)

    def find_corpus(self, name: str) -> Path:
        """Say where the trainings have a corpus from."""
        is_made = name in ("drawn", "danbooru")
        return self.out / "corpora" / name if is_made else self.find_source(name)

    @property
    def unseen(self) -> Path:
        """Where drawn pictures of styles that nobody learns lie."""
        return self.out / "corpora" / "drawn-unseen"

    @property
    def photographs(self) -> Path:
        """Where Flickr8k's pictures lie."""
        return flickr8k.find_pictures(self.find_source("flickr8k"))

    def find_captioner(self, name: str) -> Path:
        """Say where a captioner is, or will be."""
        return self.captioners.get(name, self.out / "captioners" / name)

    def explain_missing(self, name: str) -> str:
        """Say what is missing of a corpus and how to get it; empty where it is there."""
        source = self.find_source(name)
        if name == "drawn" or source.exists():
            return ""
        return f"{name} is not at {source}: give --{name} FOLDER, {_HELP[name]}"


@dataclass(frozen=True)
class Tools:
    """How a stage speaks: messages, bars, and what is told of the steps of a training."""

    tell: Callable[[str], None]
    counting: Counting
    report_training: Callable[[], AbstractContextManager[Reporter]]
    report_captioner: Callable[[], AbstractContextManager[Reporter]]


@dataclass(frozen=True)
class Stage:
    """One thing to make.

    Attributes:
        name: what it is.
        needs: what it is made from.
        makes: where it goes.
        is_done: says whether it is there.
        run: makes it, or goes on; called by every process.
    """

    name: str
    needs: str
    makes: Path
    is_done: Callable[[], bool]
    run: Callable[[Tools], object]


def find_weights(places: Places) -> Path:
    """Say where the White-box weights are: given, in the user's data folder, or by default.

    Raises:
        ConfigError: nowhere.
    """
    packed = _DATA / "white-box" / "whitebox_cartoon_gan_fp16.tflite"
    found = [places.white_box] if places.white_box else [default_weights_path(), packed]
    for path in found:
        if path.exists():
            return path
    raise ConfigError(
        f"the White-box weights are not at {found[0]}: give --white-box FILE, the authors' "
        ".tflite or .onnx, or cartoons.method=plain, which draws without any"
    )
