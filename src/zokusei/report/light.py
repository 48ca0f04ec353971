"""A picture that is bright where a model looked."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

_SHADE = 0.2  # what is dark keeps a trace, so that one sees what was not looked at


def light_up(
    picture: Image.Image, light: Float[NDArray[np.float32], "rows columns"]
) -> Image.Image:
    """Darken a picture where a map is low.

    Args:
        picture: RGB, of any size.
        light: from 0, dark, to 1, as it was; bicubically enlarged to the picture's size.

    >>> half = np.array([[0.0, 1.0]], dtype=np.float32)
    >>> lit = light_up(Image.new("RGB", (40, 20), (200, 100, 50)), half)
    >>> lit.getpixel((0, 10)), lit.getpixel((39, 10))
    ((40, 20, 10), (200, 100, 50))
    """
    field = Image.fromarray(light).resize(picture.size, Image.Resampling.BICUBIC)
    share = _SHADE + (1 - _SHADE) * np.asarray(field).clip(0, 1)
    return Image.fromarray((np.asarray(picture) * share[..., None]).round().astype(np.uint8))
