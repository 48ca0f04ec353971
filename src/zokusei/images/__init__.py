"""Open any picture safely, find pictures in folders, and the only preprocessing there is."""

from zokusei.images.folders import IMAGE_SUFFIXES, find_images
from zokusei.images.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from zokusei.images.reading import MAX_PIXELS, Picture, open_image

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Picture",
    "Preprocess",
    "find_images",
    "open_image",
]
