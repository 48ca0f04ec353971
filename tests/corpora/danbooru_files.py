"""Small copies of Danbooru data sets, in the exact form of each year."""

import io
import json

from PIL import Image

_file = io.BytesIO()
Image.new("RGB", (8, 8)).save(_file, "JPEG")
JPEG = _file.getvalue()


def old_post(number, tags, rating="s", **more):
    """A line of Danbooru2017 to 2020: numbers are strings, tags are objects."""
    return {
        "id": str(number), "created_at": "2008-07-15 03:23:33 UTC", "uploader_id": "1",
        "score": "3", "source": "", "md5": f"{number:032x}", "last_commented_at": "1970-01-01",
        "rating": rating, "image_width": "797", "image_height": "1000",
        "is_note_locked": False, "file_ext": "png", "parent_id": "0", "has_children": False,
        "approver_id": "0", "file_size": "1120", "up_score": "1", "down_score": "0",
        "is_pending": False, "is_flagged": False, "is_deleted": False, "is_banned": False,
        "pixiv_id": "0", "favs": ["4", "5"], "pools": [],
        "tags": [{"id": "540830", "name": "some_artist", "category": "1"}]
        + [{"id": str(i), "name": tag, "category": "0"} for i, tag in enumerate(tags, 1)],
        **more,
    }  # fmt: skip


def new_post(number, tags, rating="g", **more):
    """A line of Danbooru2021 and later: fields as the site's own."""
    return {
        "id": number, "created_at": "2021-07-15T03:23:33.000-04:00", "score": 3,
        "md5": f"{number:032x}", "rating": rating, "image_width": 797, "image_height": 1000,
        "file_ext": "png", "parent_id": None, "is_deleted": False, "is_banned": False,
        "tag_string": " ".join([*tags, "some_artist", "highres"]),
        "tag_string_general": " ".join(tags), "tag_string_artist": "some_artist",
        "tag_string_character": "", "tag_string_copyright": "original",
        "tag_string_meta": "highres", **more,
    }  # fmt: skip


def write_copy(root, posts, *, name="2020000000000000.json", pictures=None):
    """Write `metadata/NAME` and `512px/0NNN/ID.jpg`, for all posts or for those given."""
    (root / "metadata").mkdir(parents=True, exist_ok=True)
    lines = [post if isinstance(post, str) else json.dumps(post) for post in posts]
    (root / "metadata" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    numbers = [int(p["id"]) for p in posts if isinstance(p, dict)] if pictures is None else pictures
    for number in numbers:
        path = root / "512px" / f"{number % 1000:04d}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(JPEG)
    return root
