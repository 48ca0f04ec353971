import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from zokusei.data.duplicates import (
    find_copies,
    find_pairs,
    hash_picture,
    hash_pictures,
    join_groups,
    regroup_near_copies,
)

SOME = st.integers(0, 2**64 - 1)


def paint(seed, side=96):
    """A smooth picture of its own, as drawings are at a distance."""
    noise = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def recompress(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def bits(one, other):
    return (hash_picture(one) ^ hash_picture(other)).bit_count()


@pytest.mark.parametrize("seed", range(5))
def test_copies_stay_near_and_other_pictures_far(seed):
    picture = paint(seed)
    assert bits(picture, picture.resize((48, 48))) <= 7
    assert bits(picture, recompress(picture, 40)) <= 7
    assert bits(picture, picture.filter(ImageFilter.GaussianBlur(1))) <= 7
    assert bits(picture, picture.point(lambda value: value * 0.9)) <= 7
    assert min(bits(picture, paint(other)) for other in range(50) if other != seed) > 10


def test_the_transform_is_the_cosine_transform_by_definition():
    from zokusei.data.duplicates import _cosines

    basis = _cosines()
    for k in range(8):
        for n in range(32):
            assert basis[k, n] == pytest.approx(np.cos(np.pi * k * (n + 0.5) / 32))


def test_flat_pictures_of_any_colour_are_copies_of_each_other():
    assert bits(Image.new("RGB", (50, 50), "white"), Image.new("RGB", (9, 70), "navy")) == 0


@given(st.lists(SOME, max_size=30), st.lists(st.integers(0, 63), max_size=9), st.integers(0, 7))
def test_pairs_are_those_of_two_loops(values, flips, distance):
    if values:  # near ones are rare among random numbers
        near = values[0]
        for flip in flips:
            near ^= 1 << flip
            values.append(near)
    expected = [
        [left, right]
        for left in range(len(values))
        for right in range(left + 1, len(values))
        if (values[left] ^ values[right]).bit_count() <= distance
    ]
    assert find_pairs(np.array(values, dtype=np.uint64), distance).tolist() == expected


@pytest.mark.parametrize("alike", range(8))
def test_one_byte_alike_is_enough_to_be_found(alike):
    other = sum(1 << (8 * band) for band in range(8) if band != alike)
    assert find_pairs(np.array([0, other], dtype=np.uint64), 7).tolist() == [[0, 1]]


def test_a_distance_that_could_miss_pairs_is_refused():
    with pytest.raises(ValueError, match="0 to 7"):
        find_pairs(np.zeros(2, dtype=np.uint64), 8)


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=6),
)
def test_groups_are_joined_as_by_relabelling(groups, pairs):
    pairs = [(left % len(groups), right % len(groups)) for left, right in pairs]
    expected = list(groups)
    for _ in groups:
        for left, right in pairs:
            names = {expected[left], expected[right]}
            first = min(names)
            # Every picture that shares a group with one of them comes along.
            expected = [first if name in names else name for name in expected]
    joined = join_groups(groups, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    assert joined == expected


def test_files_that_cannot_be_read_are_told_and_left_alone(tmp_path):
    for name, seed in (("a.png", 1), ("b.png", 2), ("c.png", 1)):
        paint(seed).save(tmp_path / name)
    (tmp_path / "d.png").write_bytes(b"nothing")
    told, seen = [], []
    names = ["a.png", "b.png", "d.png", "c.png"]
    hashes = hash_pictures([tmp_path / name for name in names], workers=2, progress=seen.append,
                           complain=lambda path, what: told.append(path.name))  # fmt: skip
    assert (hashes[2], told, sum(seen)) == (None, ["d.png"], 4)
    assert find_copies(hashes).tolist() == [[0, 3]]
    assert regroup_near_copies(tmp_path, names, names) == ["a.png", "b.png", "d.png", "a.png"]


def test_thousands_of_blank_pictures_are_as_many_pairs():
    hashes = [None, *[0] * 50_000]
    pairs = find_copies(hashes)
    assert pairs.tolist() == [[1, later] for later in range(2, 50_001)]


@given(st.lists(st.none() | st.integers(0, 40) | SOME, max_size=40), st.integers(0, 7))
def test_groups_are_those_of_all_pairs(hashes, distance):
    rows = [row for row, value in enumerate(hashes) if value is not None]
    every = [
        [left, right]
        for left in rows
        for right in rows
        if left < right and (hashes[left] ^ hashes[right]).bit_count() <= distance
    ]
    names = [f"{row:02d}" for row in range(len(hashes))]
    pairs = find_copies(hashes, distance)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    expected = join_groups(names, np.array(every, dtype=np.int64).reshape(-1, 2))
    assert join_groups(names, pairs) == expected
