"""Damages picture files in every way and reads them, in a process of its own.

`python mutations.py COUNT SEED` prints what happened as JSON. A crash of a decoder ends the
process, and so does a picture that takes more than five seconds of CPU time.
"""

import io
import json
import resource
import signal
import sys
import time

import av
import numpy as np
from PIL import Image

from zokusei.errors import ImageError
from zokusei.images import read_frames

SECONDS = 5
BIG = (120, 90)


def make_files():
    """Files of every format, small and with some content, by name."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 4), dtype=np.uint8))
    clear = coarse.resize(BIG, Image.Resampling.BICUBIC)
    image = clear.convert("RGB")
    moved = [image.rotate(angle) for angle in (10, 20, 30)]
    wide = Image.fromarray(rng.integers(0, 65536, BIG[::-1], dtype=np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6

    def encode(suffix, source=image, **options):
        file = io.BytesIO()
        source.save(file, suffix, **options)
        return file.getvalue()

    moving = {"save_all": True, "append_images": moved}
    files = {
        "jpeg": encode("JPEG", exif=exif), "progressive": encode("JPEG", progressive=True),
        "cmyk": encode("JPEG", image.convert("CMYK")), "png": encode("PNG", clear),
        "palette": encode("PNG", image.quantize(16)), "16 bits": encode("PNG", wide),
        "apng": encode("PNG", **moving), "gif": encode("GIF", **moving),
        "webp": encode("WEBP", clear), "lossless": encode("WEBP", clear, lossless=True),
        "moving webp": encode("WEBP", **moving),
        "avif": encode("AVIF"), "bmp": encode("BMP"), "tiff": encode("TIFF"),
        "lzw": encode("TIFF", compression="tiff_lzw"), "ppm": encode("PPM"),
    }  # fmt: skip
    for form in ("mp4", "matroska"):
        file = io.BytesIO()
        with av.open(file, "w", format=form) as container:
            stream = container.add_stream("mpeg4", rate=5)
            stream.width, stream.height, stream.pix_fmt = *BIG, "yuv420p"
            for frame in (image, *moved):
                container.mux(stream.encode(av.VideoFrame.from_image(frame)))
            container.mux(stream.encode())
        files[form] = file.getvalue()
    return files


def damage(data, others, rng):
    """Give a file with bytes flipped, cut off, cut out, doubled, or with the header of another."""
    data, way = bytearray(data), rng.integers(5)
    # Headers say most and are damaged most.
    end = int(rng.choice([64, 512, len(data)]))
    start, stop = sorted(rng.integers(0, len(data), 2).tolist())
    if way == 0:
        for place in rng.integers(0, min(end, len(data)), rng.choice([1, 2, 8, 64])):
            data[place] ^= int(rng.integers(1, 256))
    elif way == 1:
        del data[start:]
    elif way == 2:
        del data[start:stop]
    elif way == 3:
        data[start:start] = data[start:stop]
    else:
        length = int(rng.choice([4, 16, 64, 200]))
        data[:length] = others[rng.integers(len(others))][:length]
    return bytes(data)


def main(count, seed):
    files = make_files()
    rng, others = np.random.default_rng(seed), list(files.values())
    for data in others:
        list(read_frames(data, 3))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused, slowest, wrong = 0, 0.0, []
    for number in range(count):
        name = list(files)[number % len(files)]
        data = damage(files[name], others, rng)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # unless it is stopped, it ends the process
        began = time.process_time()
        try:
            for image, _ in read_frames(data, 3, at_least=[None, 64][number % 2]):
                if image.mode != "RGB":
                    wrong.append([name, number, image.mode])
        except ImageError as error:
            refused += 1
            if "\n" in str(error):
                wrong.append([name, number, str(error)])
        except Exception as error:
            wrong.append([name, number, repr(error)])
        signal.setitimer(signal.ITIMER_PROF, 0)
        slowest = max(slowest, time.process_time() - began)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"tries": count, "refused": refused, "wrong": wrong,
                      "slowest": slowest, "grown_mb": grown / 1024}))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
