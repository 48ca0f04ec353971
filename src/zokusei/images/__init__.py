"""Open any picture safely, find pictures in folders, and the only preprocessing there is.

`preprocess` makes tensors and is imported by its own name: reading pictures needs no torch.
"""

from zokusei.images.archives import ARCHIVE_SUFFIXES, Member, list_members
from zokusei.images.folders import (
    IMAGE_SUFFIXES,
    UNREAD,
    UNREAD_SUFFIXES,
    find_images,
    is_unread,
)
from zokusei.images.frames import VIDEO_FRAMES, VIDEO_SUFFIXES, read_frames
from zokusei.images.reading import (
    MAX_PIXELS,
    Original,
    Picture,
    Size,
    Stored,
    name_picture,
    open_image,
)

__all__ = [
    "ARCHIVE_SUFFIXES",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "UNREAD",
    "UNREAD_SUFFIXES",
    "VIDEO_FRAMES",
    "VIDEO_SUFFIXES",
    "Member",
    "Original",
    "Picture",
    "Size",
    "Stored",
    "find_images",
    "is_unread",
    "list_members",
    "name_picture",
    "open_image",
    "read_frames",
]
