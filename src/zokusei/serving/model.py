"""The model behind the addresses: loaded once, used by one thread, whoever asks."""

import gc
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from zokusei.errors import ImageError
from zokusei.images import Picture
from zokusei.inference.tagger import Tagger, Tags
from zokusei.inference.thresholds import Selection, create_selection
from zokusei.memory import give_back_memory
from zokusei.model_folder import BASE
from zokusei.tags import TagSet


@dataclass(frozen=True, eq=False)
class Upload:
    """A picture file that somebody sent.

    Attributes:
        name: of the file, as the sender has it.
        data: its bytes.
    """

    name: str
    data: bytes

    def read(self) -> bytes:
        """Give its bytes."""
        return self.data

    def __str__(self) -> str:
        """Give the name on one line, for messages."""
        return " ".join(self.name.split())[:200] or "the picture"


class ServedModel:
    """A tagger that stays loaded, and can be asked from any thread; it works on one thing at once.

    Args:
        folder: see `Tagger.load`.
        name: clients call the model by it; by default its folder's.
        device: where to compute.
        choose: gives which scores become tags, from the tags of the model.

    Attributes:
        tags: of the model, whether or not it is loaded just now.
        thresholds: from which each of them is given where a request names none.
        description: the model and the device in one line.
        device: where it was computed last.

    Raises:
        CheckpointError: the folder is missing, damaged or of another version.
        ConfigError: the device is not there, or the choice does not fit the tags.

    Example::

        with ServedModel("runs/mine") as model:
            (found,) = model.tag([Upload("a.png", Path("a.png").read_bytes())]).result()
    """

    tags: TagSet
    thresholds: tuple[float, ...]
    description: str
    device: str

    def __init__(
        self,
        folder: Path | str = BASE,
        *,
        name: str | None = None,
        device: str = "auto",
        choose: Callable[[TagSet], Selection] = create_selection,
    ) -> None:
        self.name = name or name_model(folder)
        self._folder, self._asked, self._choose = folder, device, choose
        self._tagger: Tagger | None = None
        # One thread and not a lock: torch and OpenMP keep threads of their own for each that calls.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        try:
            self._thread.submit(self._load).result()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    @property
    def is_loaded(self) -> bool:
        """Whether it is in memory just now."""
        return self._tagger is not None

    def tag(self, pictures: Sequence[Upload]) -> Future[list[Tags | ImageError]]:
        """Tag pictures when it is their turn, and load the model before where it was unloaded.

        Returns:
            Of each picture its tags, or why it cannot be read; or the error of loading.
        """
        return self._thread.submit(self._tag, pictures)

    def unload(self) -> Future[bool]:
        """Free the model when what was asked before is done; say whether there was one."""
        return self._thread.submit(self._unload)

    def close(self) -> None:
        """End the thread; what waits for its turn is cancelled."""
        self._thread.shutdown(cancel_futures=True)

    def _load(self) -> Tagger:
        if self._tagger is None:
            tagger = Tagger.load(self._folder, device=self._asked)
            self.tags = tagger.checkpoint.tags
            tagger.selection = self._choose(self.tags)
            self.thresholds = tagger.selection.thresholds
            self.description, self.device = tagger.describe(), tagger.backend.place
            self._tagger = tagger
        return self._tagger

    def _tag(self, pictures: Sequence[Upload]) -> list[Tags | ImageError]:
        tagger = self._load()
        failed: dict[Picture, ImageError] = {}
        # To the end, before it is known which of them failed.
        found = iter(list(tagger.tag(pictures, on_error=failed.__setitem__)))
        return [failed[picture] if picture in failed else next(found) for picture in pictures]

    def _unload(self) -> bool:
        there = self._tagger is not None
        self._tagger = None
        gc.collect()
        torch = sys.modules.get("torch")  # which a model that was exported does without
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()
        give_back_memory()
        return there


def name_model(folder: Path | str) -> str:
    """Give what clients call a model: the name of its run or folder, without the way there.

    >>> name_model("base"), name_model("runs/mine"), name_model("runs/mine/model")
    ('base', 'mine', 'mine')
    """
    if folder == BASE:
        return BASE
    path = Path(folder).resolve()
    return path.parent.name if path.name == "model" else path.name
