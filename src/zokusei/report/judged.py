"""An evaluated run, read back: what every part of the report looks at."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zokusei.data.manifest import SPLITS, Manifest
from zokusei.data.splits import select_split
from zokusei.errors import DataError
from zokusei.inference.model_hash import hash_model
from zokusei.model_folder import find_model_folder
from zokusei.tags import RATING, TagSet


@dataclass(frozen=True)
class Judged:
    """Scores of a split beside its truth.

    Attributes:
        evaluation: what `zokusei evaluate` left in `evaluation-NAME.json`.
        tags: the model's, with their thresholds.
        paths: one picture each.
        scores: probabilities, (pictures, classes); NaN where the picture could not be read.
        targets: which pictures have the tag.
        known: entries that can be judged.
    """

    evaluation: dict[str, Any]
    tags: TagSet
    paths: list[Path]
    scores: NDArray[np.float32]
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def given(self) -> NDArray[np.bool_]:
        """Which tags are given: those that reach their threshold, and of ratings the first."""
        given = self.scores >= np.array(self.tags.thresholds, dtype=np.float32)
        ratings = [i for i, tag in enumerate(self.tags) if tag.category == RATING]
        if ratings:
            readable = ~np.isnan(self.scores[:, ratings[0]])
            first = self.scores[:, ratings].argmax(axis=1)
            given[:, ratings] = (np.arange(len(ratings)) == first[:, None]) & readable[:, None]
        return given

    @classmethod
    def load(cls, run: Path, name: str) -> "Judged":
        """Read what `zokusei evaluate RUN` wrote.

        Args:
            run: the run folder.
            name: of the judgement, a split's or another.

        Raises:
            DataError: the run has no such judgement, or its files do not belong together.
        """
        evaluation_path = run / f"evaluation-{name}.json"
        try:
            evaluation = json.loads(evaluation_path.read_text(encoding="utf-8"))
            table = pq.read_table(run / f"scores-{name}.parquet")
            split = evaluation["split"]
            manifest_path = Path(evaluation["manifest"] or run / "manifest.parquet")
        except FileNotFoundError as error:
            asked = f"--split {name}" if name in SPLITS else f"--manifest FILE --name {name}"
            raise DataError(
                f"{error.filename} is missing; run `zokusei evaluate {run} {asked}` first"
            ) from error
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            message = " ".join(str(error).split())
            raise DataError(f"{evaluation_path} is damaged ({message}); evaluate again") from error
        if evaluation.get("model") not in (None, hash_model(run)):
            raise DataError(
                f"{evaluation_path} is of the model as it was before it was trained on; evaluate "
                "again"
            )
        tags = TagSet.load(find_model_folder(run) / "tags.csv")
        manifest = select_split(Manifest.load(manifest_path), split)
        labelled = [name in manifest.tags for name in tags.names]
        manifest = manifest.with_tags(tags)
        fits = table.column_names[1:] == list(tags.names)
        if not fits or table.column("path").to_pylist() != manifest.column("path"):
            raise DataError(f"{evaluation_path} is of another model or manifest; evaluate again")
        scores = np.stack([table.column(name).to_numpy() for name in tags.names], axis=1)
        known = manifest.compute_known() & np.array(labelled) & ~np.isnan(scores)
        return cls(evaluation, tags, manifest.paths, scores, manifest.compute_targets(), known)
