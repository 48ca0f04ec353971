"""What `zokusei tag` finds besides tags: captions and embeddings."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zokusei.errors import ConfigError

if TYPE_CHECKING:
    from zokusei.inference import Captioner, Tagger


@dataclass(frozen=True)
class Extras:
    """What was asked for with `--caption`, `--captioner`, `--caption-first` and `--embedding`."""

    caption: bool
    captioner: str | None
    caption_first: bool
    embedding: bool

    @property
    def captions(self) -> bool:
        """Whether captions are written."""
        return self.caption or self.captioner is not None

    def check(self, formats: list[str], *, printed: bool) -> None:
        """See that something becomes of what was asked for, before anything is loaded.

        Args:
            formats: that are written.
            printed: whether all that is found is printed too.

        Raises:
            ConfigError: nothing would.
        """
        from zokusei.tag_text import PRESETS

        holds_embeddings = {"parquet", "npz"} & set(formats)
        if self.embedding and not holds_embeddings:
            raise ConfigError("--embedding is written into parquet and npz; add one to --write")
        if "npz" in formats and not self.embedding:
            raise ConfigError("--write npz holds embeddings and nothing else; add --embedding")
        if self.caption_first and not self.captions:
            raise ConfigError("--caption-first is about captions; add --caption")
        if self.caption_first and not set(formats) & {*PRESETS, "kohya-jsonl"}:
            raise ConfigError(
                "--caption-first is about text files and kohya-jsonl; add one to --write"
            )
        holds_captions = {"json", "jsonl", "csv", "parquet"} & set(formats)
        if self.captions and not (printed or self.caption_first or holds_captions):
            raise ConfigError(
                "captions are written into json, jsonl, csv and parquet, and with --caption-first "
                "into text files and kohya-jsonl; add one to --write, or --json"
            )

    def settle(self, tagger: "Tagger") -> "Extras":
        """Take the packaged captioner where captions are asked for and the model carries none."""
        from zokusei.model_folder import BASE

        carries_one = getattr(tagger.checkpoint, "captions", None) is not None
        if not self.captions or self.captioner is not None or carries_one:
            return self
        return replace(self, captioner=BASE)

    def load_captioner(self, tagger: "Tagger", device: str) -> "Captioner | None":
        """Get the captioner ready that was settled on.

        Raises:
            CheckpointError: it cannot be loaded.
        """
        if not self.captions:
            return None
        from zokusei.inference import Captioner

        if self.captioner is not None:
            return Captioner.load(self.captioner, device=device)
        own = tagger.trained.captions
        assert own is not None, "settle saw to it"
        return Captioner(own.checkpoint, device=device)

    def describe(self) -> dict[str, Any]:
        """Give all that results depend on, in the form of JSON."""
        return {
            "caption": self.captions,
            "captioner": None if self.captioner is None else _hash_captioner(self.captioner),
            "caption_first": self.caption_first,
            "embedding": self.embedding,
        }


def _hash_captioner(folder: str) -> str:
    # Imported here alone: an exported tagger without a captioner needs no PyTorch.
    from zokusei.caption_checkpoint import KIND
    from zokusei.inference.model_hash import hash_model

    return hash_model(folder, KIND)
