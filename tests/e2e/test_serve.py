"""`zokusei serve` as people start and end it."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from zokusei.serving.address import bind


@pytest.fixture
def run(monkeypatch):
    """What the server would run, without running it."""
    import uvicorn

    seen = []
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda self, sockets: seen.append((self.config, sockets))
    )
    return seen


def test_it_says_what_answers_where(zokusei, untrained, run):
    code, out, err = zokusei("serve", "--model", untrained, "--port", "0")
    assert (code, out) == (0, "")
    (line,) = err.splitlines()
    assert re.fullmatch(
        r"model gap, 32 px, 9 tags, on cpu, at http://127\.0\.0\.1:\d+; Ctrl\+C ends it", line
    )
    ((config, _),) = run
    assert config.app.state.access.hosts == {"localhost", "127.0.0.1", "[::1]"}


def test_a_server_for_the_network_says_that_it_is_one(zokusei, untrained, run):
    code, _, err = zokusei(
        "serve", "--model", untrained, "--port", "0", "--host", "0.0.0.0", "--max-upload", "3",
        "--origin", "https://booru.example/",
    )  # fmt: skip
    assert code == 0
    assert "warning: anybody who reaches this machine through the network can use" in err
    assert "at http://127.0.0.1:" in err
    ((config, _),) = run
    access = config.app.state.access
    assert (access.hosts, access.origins) == (None, ("https://booru.example",))
    assert access.most_bytes == 3 * 2**20


def test_what_cannot_be_served_is_one_line(zokusei, untrained, tmp_path):
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        wrong = [
            # Before a model is loaded, which this one cannot be.
            (["--model", tmp_path, "--port", port], f"port {port} of '127.0.0.1'"),
            (["--model", tmp_path, "--port", 0], "holds no trained model"),
            (["--model", untrained, "--port", 0, "--origin", "*"], "--origin is the address"),
            (["--model", untrained, "--port", 0, "--threshold", "2"], "between 0 and 1"),
            (["--model", untrained, "--port", 0, "--tag-threshold", "x=0.1"], "is no tag"),
            (["--model", untrained, "--port", 0, "--device", "abacus"], "unknown device"),
        ]
        for arguments, words in wrong:
            code, out, err = zokusei("serve", *arguments)
            assert (code, out) == (2, "")
            assert words in err
            assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "package"),
    [("fastapi", "fastapi"), ("uvicorn", "uvicorn"), ("python_multipart", "python-multipart")],
)
def test_without_the_extra_it_says_how_to_get_it(zokusei, monkeypatch, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    code, _, err = zokusei("serve")
    assert code == 2
    assert err == f"error: serving a model needs {package}: pip install 'zokusei[web]'\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_server_from_its_start_to_its_end(untrained, corpus, ending, code):
    command = [sys.executable, "-m", "zokusei", "serve", "--model", untrained, "--port", "0"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True,
        # Shells let what they start in the background ignore this signal, tests and all.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        first = process.stderr.readline()
        address = re.search(r"http://\S+:\d+", first)[0]
        picture = (corpus / "000.png").read_bytes()
        body = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
            + picture + b"\r\n--x--\r\n"
        )  # fmt: skip
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        request = urllib.request.Request(f"{address}/evaluate", body, kind)
        with urllib.request.urlopen(request, timeout=60) as answer:
            (said,) = json.load(answer)
        assert said["filename"] == "a.png"
        assert "rating:g" in said["tags"]
        # A connection that is left open does not keep it from ending.
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))):
            process.send_signal(ending)
            _, rest = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    # Whether it says that it stopped is up to who read the command line.
    assert re.fullmatch(r"1: POST /evaluate 200, 1 picture, \d+ ms\n(stopped\n)?", rest)
