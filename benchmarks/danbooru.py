"""How fast and in how much memory a Danbooru subset is chosen, on generated metadata.

python benchmarks/danbooru.py                    2,000,000 posts
python benchmarks/danbooru.py --posts 200000     fewer, to see that memory does not grow
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zokusei.corpora import Problems
from zokusei.corpora.danbooru_subset import choose_subset, read_exclusions
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "danbooru.csv"
COLUMNS = (
    "experiment posts pictures metadata_mb seconds cpu_seconds posts_per_minute peak_mb seed "
    "commit hardware versions command"
).split()
SEED, NAMES, PER_POST, FILES, BUCKETS = 0, 200_000, 30, 10, 20
PICTURES = 2_500


def write_metadata(root: Path, posts: int) -> None:
    """Write lines as long as real ones: two kilobytes, thirty tags whose counts fall as 1/rank.

    Pictures of `BUCKETS` folders are there, as empty files: choosing does not open them.
    """
    rng = np.random.default_rng(SEED)
    weights = np.cumsum(1 / np.arange(1, NAMES + 1))
    (root / "metadata").mkdir()
    for bucket in range(BUCKETS):
        (root / "512px" / f"{bucket:04d}").mkdir(parents=True)
    each = -(-posts // FILES)
    for number in range(FILES):
        with (root / "metadata" / f"2020{number:012d}.json").open("w", encoding="utf-8") as file:
            for post in range(1 + number * each, 1 + min(posts, (number + 1) * each)):
                picks = np.searchsorted(weights, rng.random(PER_POST) * weights[-1])
                file.write(json.dumps(make_post(post, np.unique(picks).tolist())) + "\n")
                if post % 1000 < BUCKETS:
                    (root / "512px" / f"{post % 1000:04d}" / f"{post}.jpg").touch()


def make_post(post: int, tags: list[int]) -> dict[str, object]:
    """Give one line of Danbooru2020."""
    return {
        "id": str(post), "created_at": "2015-07-15 03:23:33.10437 UTC", "uploader_id": "12345",
        "score": "3", "source": f"https://i.pximg.net/img-original/img/2015/07/15/{post}_p0.png",
        "md5": f"{post:032x}", "last_commented_at": "1970-01-01 00:00:00 UTC",
        "rating": "sssq"[post % 4], "image_width": "1200", "image_height": "1600",
        "is_note_locked": False, "file_ext": "png", "last_noted_at": "1970-01-01 00:00:00 UTC",
        "is_rating_locked": False, "parent_id": "0", "has_children": False, "approver_id": "0",
        "file_size": "1120123", "is_status_locked": False, "up_score": "3", "down_score": "0",
        "is_pending": False, "is_flagged": False, "is_deleted": False,
        "updated_at": "2018-07-15 03:23:33.10437 UTC", "is_banned": False, "pixiv_id": str(post),
        "pools": [], "favs": [str(post % 700_000 + user) for user in range(12)],
        "tags": [
            {"id": str(400_000 + tag), "name": f"tag_of_some_length_{tag}",
             "category": "4" if tag % 10 == 9 else "0"}
            for tag in tags
        ],
    }  # fmt: skip


def choose(root: Path, pictures: int) -> None:
    """Choose in this process; print seconds, the processor's, and the most memory, in MB."""
    began, cpu_began = time.perf_counter(), time.process_time()
    subset = choose_subset(root, Problems(), pictures=pictures, excluded=read_exclusions())
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    measured = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak}
    print(json.dumps({**measured, "pictures": len(subset.records)}))


def main() -> None:
    """Generate, measure in a process of its own, and add a row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=2_000_000)
    parser.add_argument("--choose", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.choose is not None:
        choose(asked.choose, min(PICTURES, asked.posts // 500))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_metadata(Path(folder), asked.posts)
        size = sum(path.stat().st_size for path in Path(folder, "metadata").iterdir())
        command = [sys.executable, __file__, "--posts", str(asked.posts), "--choose", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured = json.loads(done.stdout)
    row = {
        "experiment": "danbooru subset", "posts": asked.posts, "seed": SEED,
        "metadata_mb": size / 1e6, "posts_per_minute": 60 * asked.posts / measured["seconds"],
        "command": f"python benchmarks/danbooru.py --posts {asked.posts}", **measured,
    }  # fmt: skip
    append_result(
        RESULTS,
        row,
        COLUMNS,
    )
    print(f"{row['posts_per_minute']:,.0f} posts a minute, {row['peak_mb']:.0f} MB")


if __name__ == "__main__":
    main()
