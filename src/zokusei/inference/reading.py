"""Pictures for a network, decoded one batch ahead of the one that is computed."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from zokusei.errors import ImageError
from zokusei.images import Picture, open_image
from zokusei.images.preprocess import Preprocess


def read_batches(
    pictures: Iterable[Picture],
    preprocess: Preprocess,
    *,
    batch_size: int,
    on_error: Callable[[Picture, ImageError], None] | None,
    workers: int,
) -> Iterator[tuple[list[Picture], Tensor]]:
    """Give pictures with their fitted bytes, in order, in memory that does not grow.

    Args:
        pictures: paths, encoded bytes or Pillow pictures; read as they are needed.
        preprocess: fits them.
        batch_size: pictures a batch.
        on_error: told of each picture that cannot be read, which is then left out; without it the
            first one ends the work.
        workers: decoding threads.

    Raises:
        ImageError: a picture cannot be read and nobody is to be told.
    """

    def decode(picture: Picture) -> tuple[Picture, Tensor | ImageError]:
        try:
            fitted = preprocess.fit_image(open_image(picture, at_least=preprocess.min_side))
        except ImageError as error:
            return picture, error
        return picture, torch.from_numpy(np.array(fitted)).permute(2, 0, 1)

    iterator = iter(pictures)
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        ahead = pool.map(decode, list(islice(iterator, batch_size)))
        while decoded := list(ahead):
            # The next batch is decoded while this one is computed.
            ahead = pool.map(decode, list(islice(iterator, batch_size)))
            readable = []
            for picture, pixels in decoded:
                if isinstance(pixels, Tensor):
                    readable.append((picture, pixels))
                elif on_error is None:
                    raise pixels
                else:
                    on_error(picture, pixels)
            if readable:
                yield [p for p, _ in readable], torch.stack([pixels for _, pixels in readable])
