"""`zokusei tag --write`: files beside pictures, and what was there before."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pictures import write_tree
from zokusei.cli.keeping import name_journal
from zokusei.files import LOCKED_NAME
from zokusei.inference import reading
from zokusei.inference.journal import Journal

ODD = ["two\nlines.png", "qu\"o'te.png", "\U0001f3b4.png", "x" * 251 + ".png", "-o.png"]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A small tree in the current folder, one picture with a caption of its own."""
    monkeypatch.chdir(tmp_path)
    art = write_tree(tmp_path)
    (art / "a.txt").write_bytes(b"my own words\r\nsecond line")
    return art


@pytest.fixture
def write(zokusei, untrained, pictures):
    """`zokusei tag art --write` with a state of its own."""

    def run(formats, *more, source="art"):
        return zokusei(
            "tag", source, "--model", untrained, "--write", formats, "--state", "state", *more
        )

    return run


def files(folder="."):
    return {
        str(path): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.parts[0] != "state"
    }


def rounded(data):
    """Read JSON lines, or a caption; a batch of another size rounds scores in another way."""
    if not data.startswith(b"{"):
        return data
    records = [json.loads(line) for line in data.splitlines()]
    return [
        {**record, "scores": {name: round(score, 4) for name, score in record["scores"].items()}}
        for record in records
    ]


def journals():
    return sorted(Path("state/journals").glob("*.jsonl"))


def test_captions_that_are_there_are_kept(write, pictures):
    before = files()
    code, out, err = write("kohya,json")
    assert (code, out) == (0, "")
    assert "5 files beside pictures written" in err
    assert "1 files were there and are kept" in err
    after = files()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {
        "art/a.png.json", "art/sub/b.txt", "art/sub/b.png.json", "art/sub/deep/c.txt",
        "art/sub/deep/c.jpg.json",
    }  # fmt: skip
    record = json.loads(after["art/a.png.json"])
    line = ", ".join("^_^" if name == "^_^" else name.replace("_", " ") for name in record["tags"])
    assert line


def test_pictures_with_captions_are_not_even_read(write, pictures, monkeypatch):
    assert write("kohya")[0] == 0
    before = files()
    monkeypatch.setattr("zokusei.inference.done.hash_file", None)
    # With other options all captions are somebody else's.
    code, _, err = write("kohya", "--topk", "1")
    assert code == 0
    assert "3 files were there and are kept" in err
    assert files() == before


def test_undo_restores_every_byte_and_lets_the_same_command_do_it_again(write, zokusei, pictures):
    before = files()
    code, _, err = write("kohya,xmp", "--existing", "append")
    after = files()
    assert after["art/a.txt"].startswith(b"my own words, ")
    assert after["art/a.txt"].endswith(b"\r\nsecond line")
    (journal,) = journals()
    assert f"zokusei undo {journal}" in err
    code, _, err = zokusei("undo", journal)
    assert code == 0
    assert "6 files are as they were" in err
    assert files() == before
    write("kohya,xmp", "--existing", "append")
    assert files() == after
    (pictures / "sub/b.txt").write_text("changed by me")
    code, _, err = zokusei("undo", journals()[-1])
    assert code == 3
    assert "left: " in err
    assert (pictures / "sub/b.txt").read_text() == "changed by me"


def test_without_a_journal_those_that_are_there_are_listed(write, zokusei, pictures, monkeypatch):
    from zokusei.cli import keeping

    monkeypatch.setattr(keeping, "default_state", lambda out: Path("state"))
    code, out, err = zokusei("undo")
    assert (code, out) == (0, "")
    assert "no journal lies in state/journals" in err
    write("kohya")
    write("xmp", source="art/a.png")
    first, second = journals()
    Path("state/journals/0.jsonl").write_text("no record\n")
    Path("state/journals/1.jsonl").write_text('{"about"')  # killed before anything was changed
    before = files()
    for given in ([], ["state"]):
        code, out, err = zokusei("undo", *given)
        assert code == 0
        lines = out.splitlines()
        assert lines[0].startswith(f"{first}: 2 files, the first /")
        assert lines[0].endswith("sub/b.txt")
        assert lines[1].startswith(f"{second}: 1 file /")
        assert lines[1].endswith("art/a.png.xmp")
        assert len(lines) == 2
        assert "0.jsonl" in err
    assert files() == before


def test_undo_brings_files_back_though_nobody_knows_what_was_done(write, zokusei, pictures):
    before = files()
    write("kohya,json", "--existing", "append")
    for path in Path("state").glob("done.sqlite*"):
        path.unlink()
    Path("state/done.sqlite").write_bytes(b"no database at all, and longer than a header of one")
    code, _, err = zokusei("undo", journals()[-1])
    assert code == 0
    assert "6 files are as they were" in err
    assert err.count("still count as done") == 1
    assert files() == before


def test_going_back_to_earlier_options_does_their_work_again(write, zokusei, pictures):
    few, many = (("--existing", "replace", "--threshold", value) for value in ("1", "0"))
    write("kohya", *few)
    made = files()
    write("kohya", *many)
    assert files() != made
    assert "3 pictures tagged" in write("kohya", *few)[2]
    assert files() == made
    assert "3 pictures were done before" in write("kohya", *few)[2]
    # What changes nothing leaves both done.
    adding = ("--existing", "append", "--threshold", "1")
    write("kohya", *adding)
    for options in (adding, few):
        assert "3 pictures were done before" in write("kohya", *options)[2]
    # So it is when other options are undone.
    write("kohya", *many)
    write("kohya", *few)
    assert zokusei("undo", journals()[-1])[0] == 0
    assert files() != made
    write("kohya", *few)
    assert files() == made
    # A caption that was changed by hand is left alone.
    (pictures / "a.txt").write_text("mine")
    assert "3 pictures were done before" in write("kohya", *few)[2]


def test_a_dry_run_says_what_would_be_and_does_nothing(write, zokusei, pictures):
    before = files()
    code, dry, err = write("kohya,csv", "--existing", "append", "-o", "out", "--dry-run")
    assert code == 0
    assert files() == before
    assert not Path("state").exists()
    assert dry.startswith("new out/a.txt\n  + ")
    assert "would be written" in err
    code, dry, _ = write("kohya", "--existing", "append", "--dry-run")
    lines = dry.splitlines()
    assert lines[:2] == ["change art/a.txt", "  - my own words"]
    code, _, _ = write("kohya", "--existing", "append")
    assert (pictures / "a.txt").read_text().splitlines()[0] == lines[2].removeprefix("  + ")
    code, dry, err = write("kohya", "--existing", "append", "--dry-run")
    assert (code, dry) == (0, "")
    assert "3 pictures were done before" in err
    assert write("kohya", "--dry-run")[1].splitlines()[0] == "keep art/a.txt"


def test_results_lie_in_the_output_as_the_pictures_do(write, pictures):
    before = files()
    code, out, _ = write("hydrus,jsonl,csv,parquet,coco", "-o", "out", "--json")
    assert code == 0
    after = files()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {
        "out/a.png.txt", "out/sub/b.png.txt", "out/sub/deep/c.jpg.txt", "out/tags.jsonl",
        "out/tags.csv", "out/tags.parquet", "out/tags.coco.json",
    }  # fmt: skip
    # What was printed is what was written.
    assert [json.loads(line) for line in after["out/tags.jsonl"].splitlines()] == [
        json.loads(line) for line in out.splitlines()
    ]


def test_one_file_for_all_grows_and_is_never_somebody_elses(write, pictures):
    write("jsonl", "-o", "out")
    whole = Path("out/tags.jsonl").read_bytes()
    code, _, err = write("jsonl", "-o", "out", "--batch-size", "2")
    assert code == 0
    assert "3 pictures were done before" in err
    assert Path("out/tags.jsonl").read_bytes() == whole
    Image.new("RGB", (9, 9)).save(pictures / "aa.png")
    write("jsonl", "-o", "out")
    grown = Path("out/tags.jsonl").read_bytes().splitlines(keepends=True)
    assert [*grown[:1], *grown[2:]] == whole.splitlines(keepends=True)
    Path("out/tags.jsonl").write_bytes(b"mine")
    code, _, err = write("jsonl", "-o", "out")
    assert code == 2
    assert "--existing replace" in err
    assert Path("out/tags.jsonl").read_bytes() == b"mine"
    assert write("jsonl", "-o", "out", "--existing", "replace")[0] == 0
    assert rounded(Path("out/tags.jsonl").read_bytes()) == rounded(b"".join(grown))


def test_two_pictures_never_share_a_caption(write, pictures):
    Image.new("RGB", (9, 9)).save(pictures / "sub/b.webp")
    code, _, err = write("kohya", "--errors", "e.jsonl")
    assert code == 3
    assert "b.png (b.txt)" in err
    problem = json.loads(Path("e.jsonl").read_text())
    assert problem["file"] == "art/sub/b.webp"
    # The first of them may leave, and then its caption is the other's.
    (pictures / "sub/b.png").unlink()
    assert write("kohya")[0] == 0


def test_names_of_every_kind(write, zokusei, pictures):
    odd = [*ODD, os.fsdecode(b"\xff\xfe.png")]
    for name in odd:
        Image.new("RGB", (9, 9)).save(pictures / name)
    before = files()
    code, _, _ = write("kohya,jsonl", "-o", "out")
    assert code == 0
    written = {json.loads(line)["path"] for line in Path("out/tags.jsonl").read_text().splitlines()}
    assert {f"art/{name}" for name in odd} < written
    for name in odd:
        assert Path("out", name).with_suffix(".txt").read_bytes().endswith(b"\n")
    code, _, err = write("csv", "-o", "table")
    assert code == 3
    assert "no UTF-8" in err
    for journal in reversed(journals()):
        assert zokusei("undo", journal)[0] == 0
    assert files() == before
    # A name that grows too long is named; the others go on.
    code, _, err = write("xmp")
    assert code == 3
    assert err.count("not written: ") == 1
    assert "File name too long" in err


def test_a_folder_that_cannot_be_written_to_is_named_and_the_others_go_on(
    write, pictures, monkeypatch
):
    real = Path.open

    def open_(self, mode="r", *more, **named):
        if self.name == LOCKED_NAME and self.parent.name == "deep" and "w" in mode:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(self, mode, *more, **named)

    monkeypatch.setattr(Path, "open", open_)
    code, _, err = write("kohya")
    assert code == 3
    assert "not written: art/sub/deep/c.jpg" in err
    assert "Permission denied" in err
    assert (pictures / "sub/b.txt").exists()


def test_a_full_disk_ends_the_run_in_one_line_and_it_goes_on_later(write, pictures, monkeypatch):
    real = os.fsync
    before = files()

    def full(handle):
        if "deep" in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = write("kohya,jsonl", "-o", "out")
    assert code == 2
    assert "c.txt was not written: No space left on device" in err
    assert "Traceback" not in err
    assert set(files()) - set(before) == {"out/a.txt", "out/sub/b.txt"}
    monkeypatch.setattr(os, "fsync", real)
    assert write("kohya,jsonl", "-o", "out")[0] == 0
    assert write("kohya,jsonl", "-o", "other")[0] == 0
    one, other = ([rounded(data) for data in files(name).values()] for name in ("out", "other"))
    assert one == other


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_under_the_journal_ends_the_run_with_how_to_undo_it(
    write, zokusei, pictures, monkeypatch, number
):
    real, before = Journal._write, files()

    def fail(self, value):
        real(self, value)
        if "b.txt" in value.get("path", ""):
            self._file = Failing(self._file, number)

    monkeypatch.setattr(Journal, "_write", fail)
    code, _, err = write("kohya", "--existing", "append")
    assert code == 2
    said, advice = err.splitlines()[-1], err.splitlines()[-2]
    assert f"was not written: {os.strerror(number)}; " in said
    assert "art/sub/b.txt is unchanged" in said
    assert advice == f"to undo all of it: zokusei undo {journals()[0]}"
    assert zokusei("undo", journals()[0])[0] == 0
    assert files() == before


class Failing:
    """A file on a disk that takes nothing any more."""

    def __init__(self, file, number):
        self.file, self.error = file, OSError(number, os.strerror(number))

    def flush(self):
        raise self.error

    def close(self):
        self.file.close()
        raise self.error


@pytest.mark.parametrize(("arguments", "says"), [
    (["--write", "kohia"], "did you mean 'kohya'"),
    (["--write", "kohya", "--existing", "over"], "unknown --existing 'over'"),
    (["--write", "csv"], "in which folder with -o"),
    (["-o", "out"], "--write"),
    (["--existing", "append"], "--write"),
    (["--write", "kohya", "--caption-extension", "txt"], "--caption-extension 'txt'"),
    (["--write", "kohya", "--caption-extension", "a/b"], "--caption-extension 'a/b'"),
    (["--write", "kohya", "--caption-extension", ".png"], "'.png' is that of pictures"),
    (["--write", "hydrus", "--caption-extension", ".old.JPG"], "'.old.JPG' is that of pictures"),
    (["--write", "kohya", "--caption-extension", ".mp4"], "'.mp4' is that of pictures"),
    (["--write", "kohya", "--caption-extension", ".cbz"], "'.cbz' is that of pictures"),
    (["--write", "xmp", "--caption-extension", ".caption"], "is about text files"),
    (["--write", "hydrus,json", "--caption-extension", ".json"], "write the same file"),
    (["--write", "kohya", "--dry-run", "--json"], "--dry-run prints what would change"),
    (["--null"], "--null is about a list"),
    (["--write", "kohya", "--caption-extension", ".heic"], "'.heic' is that of pictures"),
    (["--write", "kohya", "--caption-extension", ".PSD"], "'.PSD' is that of pictures"),
    (["--write", "kohya", "--caption-extension", ".."], "--caption-extension '..' is none"),
    (["--write", "kohya", "--caption-extension", "."], "--caption-extension '.' is none"),
    (["--write", "kohya", "-o", "art/a.txt"], "--out art/a.txt is a file"),
    (["--errors", "art/a.png"], "art/a.png is no name of a list"),
    (["--errors", "art/a.txt"], "art/a.txt is no name of a list"),
    (["--errors", "notes.jsonl"], "notes.jsonl is there and is no list"),
    (["--errors", "art.jsonl"], "art.jsonl is there, Is a directory, and is no list"),
    (["--errors", "e.jsonl", "--write", "kohya", "--dry-run"], "not even a list"),
    (["--rules", "gone.yaml"], "gone.yaml cannot be read: No such file"),
    (["--rules", "rules.yaml", "--write", "kohya"], "rules.yaml: the tag 'a,_b'"),
])  # fmt: skip
def test_what_does_not_go_together_is_refused_at_once(
    zokusei, untrained, pictures, arguments, says
):
    Path("notes.jsonl").write_text('{"my": "own"}\n')
    Path("rules.yaml").write_text('add: ["a, b"]')
    Path("art.jsonl").mkdir()
    before = files()
    code, _, err = zokusei("tag", "art", "--model", untrained, *arguments)
    assert code == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert files() == before


def test_formats_may_be_given_one_by_one(write, pictures):
    code, _, err = write("kohya", "--write", "jsonl,xmp", "-o", "out")
    assert code == 0, err
    there = {Path(name).name for name in files("out") if ".zokusei" not in name}
    assert {"tags.jsonl", "a.png.xmp", "a.txt"} <= there


def test_a_list_of_an_earlier_run_makes_room(write, zokusei, untrained, pictures):
    (pictures / "broken.png").write_bytes(b"no picture")
    command = ("tag", "art", "--model", untrained, "--errors", "e.jsonl")
    for _ in range(2):
        assert zokusei(*command)[0] == 3
        (problem,) = map(json.loads, Path("e.jsonl").read_text().splitlines())
        assert problem["file"] == "art/broken.png"
    (pictures / "broken.png").unlink()
    for _ in range(2):
        assert zokusei(*command)[0] == 0
        assert Path("e.jsonl").read_bytes() == b""
    code, _, err = write("jsonl", "-o", "out", "--errors", "art/../out/tags.jsonl")
    assert code == 2
    assert "--errors art/../out/tags.jsonl is the file of all pictures that --write makes" in err


def test_asked_to_end_it_says_how_to_undo(untrained, pictures):
    """As a shutdown asks: SIGTERM."""
    for number in range(60):
        shutil.copy(pictures / "a.png", pictures / f"more{number}.png")
    run = subprocess.Popen(
        [sys.executable, "-m", "zokusei", "tag", "art", "--model", untrained, "--write", "kohya",
         "--state", "state", "--batch-size", "1"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while run.poll() is None and not list(pictures.glob("more*.txt")):
        time.sleep(0.01)
    run.terminate()
    _, err = run.communicate(timeout=60)
    assert run.returncode == 143
    assert "to undo all of it: zokusei undo" in err
    assert err.splitlines()[-1] == "stopped"


def test_a_damaged_caption_is_left_and_named(write, pictures):
    (pictures / "a.txt").write_bytes(b"caf\xe9")
    code, _, err = write("kohya", "--existing", "merge")
    assert code == 3
    assert "not UTF-8 at byte 3" in err
    assert (pictures / "a.txt").read_bytes() == b"caf\xe9"


def test_no_picture_is_ever_written_over(write, pictures):
    """A link may lead to one, and a picture that is named may end as captions do."""
    (pictures / "sub/b.txt").symlink_to("deep/c.jpg")
    (pictures / "a.png").rename(pictures / "a.txt")
    before = files()
    named = ("art/a.txt", "art/sub/b.png", "art/sub/deep/c.jpg")
    code, _, err = write("kohya", "--existing", "replace", *named[1:], source=named[0])
    assert code == 3
    assert err.count("not written: ") == 2
    assert err.count("would be written over") == 2
    assert {name: files()[name] for name in before} == before
    assert (pictures / "sub/deep/c.txt").exists()


def test_a_state_that_is_something_else_is_refused(write, pictures):
    Path("state").mkdir()
    Path("state/done.sqlite").write_bytes(b"no database" * 100)
    code, _, err = write("kohya")
    assert code == 2
    assert "no manifest of what is done" in err


def test_rules_and_thresholds_make_what_is_printed_and_written(zokusei, untrained, write, pictures):
    Path("rules.yaml").write_text(
        "replace: {long_hair: [hair, long]}\nremove: smlie\nfirst: 'd:'\n"
    )
    picture = pictures / "sub/b.png"
    all_of_them = ("--threshold", "0", "--threshold", "rating=1", "--tag-threshold", "smile=1")
    code, out, err = zokusei(
        "tag", picture, "--model", untrained, "--rules", "rules.yaml", "--explain-rules",
        *all_of_them,
    )  # fmt: skip
    assert code == 0
    line, *steps = out.splitlines()
    names = [part.split(" (")[0] for part in line.split(": ", 1)[1].split(", ")]
    assert names[0] == "d:"
    assert {"hair", "long"} < set(names)
    assert not {"smile", "general", "long_hair"} & set(names)
    assert steps == ["  replace: long_hair becomes hair, long", "  first: d:"]
    assert "'smlie' is no tag of this model; did you mean 'smile'?" in err
    write("booru", "--rules", "rules.yaml", *all_of_them, source=picture)
    assert (pictures / "sub/b.txt").read_text().split()[0] == "d:"
    # Other rules or thresholds are other work.
    for more in (("--threshold", "0.9"), ("--rules", "rules.yaml"), ("--topk", "1"), ("--mcut",)):
        code, _, err = write("booru", "--existing", "replace", *more, source=picture)
        assert code == 0
        assert "1 pictures tagged" in err
    Path("rules.yaml").write_text("remove: ['*']\n")
    write("booru", "--existing", "replace", "--rules", "rules.yaml", source=picture)
    assert (pictures / "sub/b.txt").read_bytes() == b"\n"


def test_a_renamed_tag_stays_a_character_and_a_renamed_rating_stays_out_of_captions(
    write, pictures
):
    Path("rules.yaml").write_text(
        "replace: {skadi_(arknights): skadi}\norder: [character]\n"
        "aliases: {general: safe, sensitive: safe, explicit: safe, long_hiar: long_hair}\n"
    )
    picture = pictures / "sub/b.png"
    ruled = ("--rules", "rules.yaml", "--threshold", "0", "--threshold", "rating=0")
    _, _, err = write("kohya,hydrus,xmp", *ruled, source=picture)
    assert "'long_hiar' is no tag of this model; did you mean 'long_hair'?" in err
    line = (pictures / "sub/b.txt").read_text().strip().split(", ")
    assert line[0] == "skadi"
    assert "safe" not in line
    names = (pictures / "sub/b.png.txt").read_text().split("\n")
    assert names[0] == "character:skadi"
    assert "rating:safe" in names
    assert b">safe<" not in (pictures / "sub/b.png.xmp").read_bytes()


@pytest.mark.parametrize("arguments", [["--explain-rules"], ["--rules", "r", "--explain-rules",
                                                            "--json"]])  # fmt: skip
def test_explaining_needs_rules_and_no_json(zokusei, untrained, pictures, arguments):
    code, _, err = zokusei("tag", "art", "--model", untrained, *arguments)
    assert code == 2
    assert "--explain-rules" in err


def test_sizes_in_coco_are_those_of_whole_upright_pictures_each_opened_once(
    write, pictures, monkeypatch
):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (1600, 900), "red").save(pictures / "turned.jpg", exif=turned)
    opened = []
    real = reading.read_frames

    def note(picture, *more, **named):
        opened.append(Path(picture).name)
        for image, size in real(picture, *more, **named):
            assert max(image.size) < 1000, "it is decoded at a part of its size"
            yield image, size

    monkeypatch.setattr(reading, "read_frames", note)
    assert write("coco", "-o", "out")[0] == 0
    images = json.loads(Path("out/tags.coco.json").read_text())["images"]
    sizes = {image["file_name"]: (image["width"], image["height"]) for image in images}
    assert sizes == {
        "a.png": (40, 30), "sub/b.png": (40, 30), "sub/deep/c.jpg": (40, 30),
        "turned.jpg": (900, 1600),
    }  # fmt: skip
    assert sorted(opened) == ["a.png", "b.png", "c.jpg", "turned.jpg"]


def test_pictures_that_are_gone_are_in_no_table(write, pictures):
    again = ("csv,jsonl", "-o", "results")
    assert write(*again)[0] == 0
    names = {line.split(",")[0] for line in Path("results/tags.csv").read_text().splitlines()}
    gone = sorted(path for path in Path("art").rglob("*.png"))[0]
    kept = gone.read_bytes()
    gone.unlink()
    code, _, said = write(*again)
    assert code == 0
    assert "1 pictures that are not there any more are left out" in said
    text = Path("results/tags.csv").read_text()
    assert names - {line.split(",")[0] for line in text.splitlines()} == {
        gone.relative_to("art").as_posix()
    }
    gone.write_bytes(kept)
    assert write(*again)[0] == 0
    assert {
        line.split(",")[0] for line in Path("results/tags.csv").read_text().splitlines()
    } == names


def test_a_picture_that_cannot_be_read_any_more_is_in_no_table(write, pictures):
    assert write("csv", "-o", "results")[0] == 0
    damaged = sorted(path for path in Path("art").rglob("*.png"))[0]
    damaged.write_bytes(b"no picture")
    assert write("csv", "-o", "results")[0] == 3
    assert damaged.name not in Path("results/tags.csv").read_text()


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_tables_of_paths_take_pictures_of_one_name_from_several_folders(write, pictures, form):
    shutil.copytree("art", "more")
    for source in ("art", "more"):
        code, _, said = write(form, "-o", "out", source=source)
        assert code == 0, said
    code, _, said = write("csv", "-o", "out", source="art")
    assert code == 0, said
    code, _, said = write("csv", "-o", "out", source="more")
    assert code == 3
    assert "its results would lie in those of" in said


def test_pictures_of_one_name_as_given_never_meet_in_a_table(
    write, zokusei, pictures, monkeypatch, tmp_path
):
    shutil.copytree("art", "more")
    again = ("jsonl", "-o", str(tmp_path / "out"), "--state", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path / "art")
    assert write(*again, source="a.png")[0] == 0
    table = (tmp_path / "out/tags.jsonl").read_bytes()
    monkeypatch.chdir(tmp_path / "more")
    code, _, said = write(*again, source="a.png")
    assert code == 3
    assert f"its results would lie in those of {tmp_path}/art/a.png" in said
    assert (tmp_path / "out/tags.jsonl").read_bytes() == table


def test_a_folder_by_another_path_is_the_same_folder(write, pictures):
    Path("link").symlink_to("art")
    assert write("kohya", "--existing", "append")[0] == 0
    before = {path: path.read_bytes() for path in Path("art").rglob("*.txt")}
    assert before
    for existing in ("skip", "append"):
        code, _, said = write("kohya", "--existing", existing, source="link")
        assert code == 0, said
        assert before == {path: path.read_bytes() for path in Path("art").rglob("*.txt")}
    # A table would hold each picture twice.
    assert write("csv", "-o", "out")[0] == 0
    code, _, said = write("csv", "-o", "out", source="link")
    assert code == 3
    assert "it is the same picture by another path: tag it by that one" in said
    # Another folder behind the link is another one.
    Path("link").unlink()
    shutil.copytree("art", "other")
    Path("link").symlink_to("other")
    code, _, said = write("csv", "-o", "out", source="link")
    assert code == 3
    assert "rename one of the two, or give them different folders" in said


@pytest.mark.parametrize("source", ["gone/*.png", "gone"])
def test_a_disk_that_is_not_there_empties_no_table(write, pictures, source):
    Path("art").rename("gone")
    assert write("csv", "-o", "out", source="gone/*.png")[0] == 0
    assert write("csv", "-o", "out", source="gone")[0] == 0
    table = Path("out/tags.csv").read_bytes()
    Path("gone").rename("elsewhere")
    code, _, _ = write("csv", "-o", "out", source=source)
    assert code == 3
    assert Path("out/tags.csv").read_bytes() == table


def test_a_name_in_a_table_is_free_when_its_picture_got_another(write, pictures):
    shutil.copytree("art", "more")
    assert write("csv", "-o", "out")[0] == 0
    assert write("csv", "-o", "out", "more")[0] == 0  # from here on art's are art/a.png and so on
    code, _, said = write("csv", "-o", "out", source="more")
    assert code == 0, said
    table = Path("out/tags.csv").read_text().splitlines()
    names = sorted(line.split(",")[0] for line in table[1:])
    inside = ["a.png", "sub/b.png", "sub/deep/c.jpg"]
    assert names == sorted([*inside, *(f"art/{name}" for name in inside)])


def test_output_that_is_a_folder_is_nobodys_table(write, pictures):
    Path("out/tags.csv").mkdir(parents=True)
    code, _, err = write("csv", "-o", "out")
    assert code == 2
    assert "out/tags.csv is there already" in err


def test_files_are_written_though_nobody_reads_what_is_printed(write, pictures, monkeypatch):
    from zokusei.cli import printing

    printed, stopped = [], []

    def print_once(values):
        printed.append(values)
        if len(printed) == 1:
            raise BrokenPipeError

    monkeypatch.setattr(printing, "print_json", print_once)
    monkeypatch.setattr(printing, "stop_printing", lambda: stopped.append(True))
    code, _, err = write("jsonl", "-o", "out", "--json")
    assert code == 0, err
    assert stopped == [True]
    assert len(Path("out/tags.jsonl").read_text().splitlines()) == 3


def test_a_picture_that_is_named_in_another_way_stands_so_in_tables(write, pictures):
    assert write("csv", "-o", "results")[0] == 0
    first = Path("results/tags.csv").read_text()
    Path("more").mkdir()
    shutil.copy("art/a.png", "more/z.png")
    code, _, said = write("csv", "-o", "results", "more")
    assert code == 0, said
    table = Path("results/tags.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in table[1:]} == {
        "more/z.png", *(f"art/{line.split(',')[0]}" for line in first.splitlines()[1:])
    }  # fmt: skip


def test_journals_are_named_in_the_order_of_time():
    second = 10**9
    moments = [1_700_000_000 * second + offset for offset in (0, 5, second - 1, second, 3 * second)]
    names = [name_journal(moment, 9 - place) for place, moment in enumerate(moments)]
    assert names == sorted(names)
    assert len(set(names)) == len(names)
