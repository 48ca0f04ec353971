import pytest
from PIL import Image

from zokusei.corpora import import_corpus
from zokusei.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.jpg", "sub/c.webp", "sub/d.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    return tmp_path


def tags_by_path(manifest):
    return dict(zip(manifest.column("path"), manifest.column("tags"), strict=True))


def test_sidecars_in_every_habit_of_writing(folder):
    (folder / "a.txt").write_text("long hair, skadi \\(arknights\\), ^_^\n")
    (folder / "b.jpg.txt").write_bytes("\ufeffsmile,long_hair,smile".encode())
    (folder / "sub/c.txt").write_text("\n")
    manifest, problems = import_corpus(folder)
    assert tags_by_path(manifest) == {
        "a.png": ["long_hair", "skadi_(arknights)", "^_^"],
        "b.jpg": ["smile", "long_hair"],
        "sub/c.webp": [],
    }
    assert problems.found == [(str(folder / "sub/d.png"), "no tags: d.txt is missing")]


def test_a_sidecar_of_unknown_encoding_is_named_and_the_rest_goes_on(folder):
    (folder / "a.txt").write_bytes("笑顔".encode("shift-jis"))
    (folder / "b.txt").write_text("smile")
    manifest, problems = import_corpus(folder)
    assert tags_by_path(manifest) == {"b.jpg": ["smile"]}
    assert ("a.txt" in problems.found[0][0], "UTF-8" in problems.found[0][1]) == (True, True)


def test_an_empty_folder_and_one_without_labels_are_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no labelled picture"):
        import_corpus(tmp_path / "empty")
    with pytest.raises(DataError, match=r"no tags: a\.txt is missing"):
        import_corpus(folder)
    with pytest.raises(DataError, match="does not exist"):
        import_corpus(tmp_path / "nothing")


def test_a_table_of_tags(folder):
    (folder / "labels.csv").write_text('file,tags\na.png,"long hair, smile"\nb.jpg,red eyes\n')
    manifest, problems = import_corpus(folder)
    assert tags_by_path(manifest) == {"a.png": ["long_hair", "smile"], "b.jpg": ["red_eyes"]}
    assert not problems


def test_a_table_separated_by_spaces_with_unsure_tags_and_a_vocabulary(folder):
    (folder / "v.txt").write_text("smile\nhat\nbow\n")
    (folder / "labels.csv").write_text(
        "file,source,tags,unsure\na.png,s1,smile hat,bow\nb.jpg,s2,hat,\n"
    )
    manifest, _ = import_corpus(folder, group_column="source", vocabulary=folder / "v.txt")
    assert manifest.tags.names == ("smile", "hat", "bow")
    assert manifest.compute_targets().tolist() == [[True, True, False], [False, True, False]]
    assert manifest.compute_known().tolist() == [[True, True, False], [True, True, True]]
    assert manifest.column("group") == ["s1", "s2"]


def test_columns_that_hold_one_attribute_each(folder):
    (folder / "labels.csv").write_text(
        "file,group,hair,eyes\na.png,1,blonde,blue\nb.jpg,1,light blue,\nsub/c.webp,2,blonde,red\n"
    )
    manifest, _ = import_corpus(
        folder / "labels.csv", columns={"hair": "{}_hair", "eyes": "{}_eyes"}
    )
    assert tags_by_path(manifest)["b.jpg"] == ["light_blue_hair"]
    known = dict(zip(manifest.tags.names, manifest.compute_known()[1], strict=True))
    assert known == {
        "blonde_hair": True, "light_blue_hair": True, "blue_eyes": False, "red_eyes": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,tags\na.png,x\n", "no column for the picture"),
        ("file,labels\na.png,x\n", "no column 'tags'"),
        ("", "no column for the picture"),
        ("file,tags\n", "no labelled picture"),
    ],
)
def test_a_table_that_lacks_a_column_is_refused(folder, text, says):
    (folder / "labels.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        import_corpus(folder / "labels.csv")


def test_rows_that_cannot_be_used_are_named_with_their_line(folder):
    (folder / "labels.csv").write_text(
        "file,tags\na.png,x\na.png,y\ngone.png,x\n../a.png,x\n/etc/a.png,x\n,x\nb.jpg\n"
    )
    manifest, problems = import_corpus(folder)
    assert tags_by_path(manifest) == {"a.png": ["x"]}
    lines = sorted(int(where.split("line ")[1]) for where, _ in problems.found)
    assert lines == [3, 4, 5, 6, 7, 8]


def test_a_table_of_unknown_encoding_is_refused(folder):
    (folder / "labels.csv").write_bytes("file,tags\na.png,笑顔\n".encode("shift-jis"))
    with pytest.raises(DataError, match="not UTF-8"):
        import_corpus(folder)


def test_several_tables_in_a_folder_are_not_guessed_between(folder):
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("file,tags\na.png,x\n")
    with pytest.raises(DataError, match="several tables"):
        import_corpus(folder)
