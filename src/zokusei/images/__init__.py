"""Open any picture safely, find pictures in folders, and the only preprocessing there is.

`preprocess` makes tensors and is imported by its own name: reading pictures needs no torch.
"""

from zokusei.images.folders import IMAGE_SUFFIXES, find_images
from zokusei.images.reading import MAX_PIXELS, Picture, Size, open_image, open_sized

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Picture",
    "Size",
    "find_images",
    "open_image",
    "open_sized",
]
