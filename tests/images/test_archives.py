"""Archives: what is in them comes out, and what is wrong with them is said."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import RGB, encode, pixels
from PIL import Image

from zokusei.errors import ImageError
from zokusei.images import archives, list_members

PNG = encode(Image.fromarray(RGB), "PNG")


def pack(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members:
            info = zipfile.ZipInfo("placeholder")
            # zipfile itself would mend some of the names.
            info.filename, info.compress_type = name, method
            file.writestr(info, data)
    return path


def look(path):
    told = []
    members = list(list_members(path, lambda where, what: told.append((str(where), what))))
    return members, told


def test_pictures_come_out_by_name_as_they_went_in(tmp_path):
    other = encode(Image.fromarray(RGB[::-1]), "PNG")
    names = ["b.png", "A.PNG", "sub/deep/c.png", "notes.txt", ".hidden.png", "__MACOSX/._b.png",
             "sub/", "win\\d.png", "./e//f.png"]  # fmt: skip
    path = pack(tmp_path / "a.cbz", [(n, other if n == "b.png" else PNG) for n in names])
    members, told = look(path)
    assert told == []
    assert [member.path.relative_to(path).as_posix() for member in members] == [
        "A.PNG", "b.png", "e/f.png", "sub/deep/c.png", "win/d.png",
    ]  # fmt: skip
    assert str(members[0]) == f"{path}/A.PNG"
    np.testing.assert_array_equal(pixels(members[0]), RGB)
    np.testing.assert_array_equal(pixels(members[1]), RGB[::-1])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.cbz"]


@pytest.mark.parametrize(("encoding", "name"), [
    ("cp932", "表紙/イラスト ソ.png"),  # two of these signs end with the byte of a backslash
    ("utf-8", "表紙/イラスト.png"),
    ("cp437", "café/naïve ½.png"),
    ("cp437", "München/Größe, señora, château.png"),
    ("cp437", "Ägypten/schön.png"),
])  # fmt: skip
def test_names_are_read_as_they_were_written_where_no_flag_says_how(tmp_path, encoding, name):
    raw = name.encode(encoding)
    path = pack(tmp_path / "a.zip", [("x" * (len(raw) - 4) + ".png", PNG), ("日本.png", PNG)])
    path.write_bytes(path.read_bytes().replace(b"x" * (len(raw) - 4) + b".png", raw))
    members, told = look(path)
    assert told == []
    assert {str(member.path.relative_to(path)) for member in members} == {name, "日本.png"}
    for member in members:
        np.testing.assert_array_equal(pixels(member), RGB)


def test_a_name_in_shift_jis_leads_out_no_more_than_others(tmp_path):
    raw = "../イソ.png".encode("cp932")
    path = pack(tmp_path / "a.zip", [("x" * (len(raw) - 4) + ".png", PNG)])
    path.write_bytes(path.read_bytes().replace(b"x" * (len(raw) - 4) + b".png", raw))
    members, ((_, what),) = look(path)
    assert members == []
    assert "leads out" in what


@pytest.mark.parametrize(
    "name",
    ["../x.png", "a/../../x.png", "/x.png", "C:/x.png", "c:x.png", "..\\x.png", "\\\\host\\x.png"],
)
def test_names_that_lead_out_are_left_out_and_the_others_come(tmp_path, name):
    members, told = look(pack(tmp_path / "a.zip", [(name, PNG), ("ok.png", PNG)]))
    assert [member.path.name for member in members] == ["ok.png"]
    ((where, what),) = told
    assert where.startswith(str(tmp_path / "a.zip"))
    assert "leads out" in what


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_no_name_leads_out_of_its_archive(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        info = zipfile.ZipInfo("placeholder")
        info.filename = f"{name}.png"
        zipped.writestr(info, b"x")
    path = Path(archives.__file__).with_name("never.zip")
    found = zipfile.ZipFile(file).infolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "_open", lambda *_: zipfile.ZipFile(file))
        patch.setattr(archives, "_stamp", lambda *_: (0, 0))
        for member in list_members(path, lambda *_: None):
            assert path in member.path.parents
            assert not {"..", "."} & set(member.path.parts)
            assert member.path.resolve() == member.path
    assert len(found) == 1


def test_what_is_not_read_is_named_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 40 << 20)
    inner = pack(tmp_path / "inner.zip", [("a.png", PNG)]).read_bytes()
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data, method in [
            ("bomb.png", bytes(20 << 20), zipfile.ZIP_DEFLATED),
            ("large.png", bytes(41 << 20), zipfile.ZIP_DEFLATED),
            ("flat.bmp", bytes(10 << 20), zipfile.ZIP_DEFLATED),
            ("lzma.png", PNG, zipfile.ZIP_LZMA),
            ("nested.ZIP", inner, zipfile.ZIP_STORED),
            ("ok.png", PNG, zipfile.ZIP_DEFLATED),
            ("secret.png", PNG, zipfile.ZIP_STORED),
        ]:
            file.writestr(name, data, method)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("ok.png", PNG)
    data = bytearray(path.read_bytes())
    data[data.rindex(b"secret.png") - 46 + 8] |= 1  # the flag of encryption in the list of members
    path.write_bytes(data)
    members, told = look(path)
    assert [member.path.name for member in members] == ["flat.bmp", "ok.png"]
    reasons = {Path(where).name: what for where, what in told}
    for name, reason in {
        "bomb.png": "zip bombs", "large.png": "more than", "lzma.png": "method 14",
        "nested.ZIP": "inside of an archive", "secret.png": "encrypted", "ok.png": "there twice",
    }.items():  # fmt: skip
        assert reason in reasons.pop(name)
    assert reasons == {}


def test_an_archive_that_is_none_or_too_much_is_named(tmp_path, monkeypatch):
    (tmp_path / "text.zip").write_text("no archive at all")
    cut = pack(tmp_path / "cut.zip", [("a.png", PNG)])
    cut.write_bytes(cut.read_bytes()[:-30])
    for path in (tmp_path / "text.zip", cut, tmp_path / "gone.zip"):
        members, ((where, what),) = look(path)
        assert members == []
        assert where == str(path)
        assert "cannot be read as a ZIP archive" in what
    path = pack(tmp_path / "a.zip", [(f"{i}.png", PNG) for i in range(3)])
    for limit in ("MAX_MEMBERS", "MAX_TOTAL_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(archives, limit, 2)
            members, ((where, what),) = look(path)
            assert members == []
            assert "claims 3 members" in what
    assert len(look(path)[0]) == 3


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(tmp_path):
    path, size = tmp_path / "a.zip", 40 << 20
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, size, 0, 0))
    members, ((_, what),) = look(path)
    assert members == []
    assert f"its list of members claims {size} bytes" in what


def test_a_lie_about_sizes_unpacks_no_more_than_was_claimed(tmp_path):
    import tracemalloc

    path = pack(tmp_path / "a.zip", [("a.png", bytes(64 << 20))], zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"a.png") - 46 + 24, 1000)
    path.write_bytes(data)
    ((member,), told) = look(path)
    assert told == []
    tracemalloc.start()
    with pytest.raises(ImageError, match=r"a\.png cannot be unpacked.*CRC"):
        member.read()
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_damage_is_an_image_error_of_the_member(tmp_path):
    path = pack(tmp_path / "a.zip", [("a.png", PNG), ("b.png", PNG)], zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    (first, second), _ = look(path)
    with pytest.raises(ImageError, match=r"a\.zip/a\.png cannot be unpacked"):
        pixels(first)
    np.testing.assert_array_equal(pixels(second), RGB)
    path.write_bytes(data + b"\0")
    with pytest.raises(ImageError, match="was changed"):
        second.read()
    path.unlink()
    with pytest.raises(ImageError, match="No such file"):
        second.read()


def test_many_archives_keep_few_files_open(tmp_path):
    paths = [pack(tmp_path / f"{i}.zip", [("a.png", PNG)]) for i in range(30)]
    before = len(list(Path("/proc/self/fd").iterdir()))
    members = [member for path in paths for member in look(path)[0]]
    for member in members:
        np.testing.assert_array_equal(pixels(member), RGB)
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 10
