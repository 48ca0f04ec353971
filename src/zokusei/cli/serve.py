"""`zokusei serve`."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from zokusei.cli.options import Device, TaggerFolder, TagThreshold

if TYPE_CHECKING:
    from zokusei.serving import Answered


def serve(
    model: TaggerFolder = "base",
    name: Annotated[
        str | None,
        typer.Option(help="Clients call the model so; by default as its folder is called."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets the whole network in.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="That of the A1111 web UI by default; 0 for any that is free."
        ),
    ] = 7860,
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Let pages of this site use the server; may be repeated."),
    ] = None,
    max_upload: Annotated[
        int, typer.Option(min=1, metavar="MIB", help="Largest request, in MiB.")
    ] = 64,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CATEGORY=]P",
            help="Give tags from this probability on where a request names none, instead of the "
            "model's own thresholds: 0.35 for all, character=0.85 for a category; may be repeated.",
        ),
    ] = None,
    tag_threshold: TagThreshold = None,
    device: Device = "auto",
) -> None:
    """Keep a model loaded, and answer over HTTP to other programs and to people.

    The page at its address tags pictures that are dropped on it. Programs ask as they ask the
    tagger of the A1111 web UI (`/tagger/v1/interrogate`) or Danbooru's autotagger (`/evaluate`):

        curl http://127.0.0.1:7860/evaluate -F file=@picture.png

    Pictures are sent nowhere else and not kept. There is no password: whoever reaches the address
    may use the server, which is this machine alone unless `--host` says otherwise.

    Needs `pip install 'zokusei[web]'`. Ctrl+C ends it.
    """
    from zokusei.cli.console import tell
    from zokusei.inference.thresholds import create_selection
    from zokusei.serving import Access, ServedModel, check_web, create_app
    from zokusei.serving.access import MIB, parse_origin
    from zokusei.serving.address import bind, find_hosts, write_url

    check_web()
    import uvicorn

    # It warns of every damaged form, which the answer says already.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)

    origins = tuple(parse_origin(text) for text in origin or ())
    with (
        bind(host, port) as listening,
        ServedModel(
            model,
            name=name,
            device=device,
            choose=lambda tags: create_selection(tags, threshold or (), tag_threshold or ()),
        ) as served,
    ):
        address, number = listening.getsockname()[:2]
        hosts = find_hosts(address)
        tell(f"{served.description}, at {write_url(address, number)}; Ctrl+C ends it")
        if hosts is None:
            tell(
                "warning: anybody who reaches this machine through the network can use the "
                "server; it asks for no password"
            )
        access = Access(hosts, origins, max_upload * MIB)
        config = uvicorn.Config(
            create_app(served, access, _Journal()),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
        )
        uvicorn.Server(config).run(sockets=[listening])


class _Journal:
    """Prints a line of each answer."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, answered: "Answered") -> None:
        from zokusei.cli.console import tell

        self._count += 1
        pictures = {0: "", 1: ", 1 picture"}.get(
            answered.pictures, f", {answered.pictures} pictures"
        )
        tell(
            f"{self._count}: {answered.method} {answered.path} {answered.status}{pictures}, "
            f"{1000 * answered.seconds:.0f} ms"
        )
