"""The server's answers, against what the tagger itself says of the same pictures."""

import asyncio
import base64
import gc
import io
import json
import re
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zokusei.inference import Tagger, Tags
from zokusei.inference.thresholds import create_selection
from zokusei.serving import Access, ServedModel, create_app
from zokusei.serving.address import find_hosts
from zokusei.serving.dialects import to_evaluation, to_interrogation
from zokusei.tags import TagSet

RATINGS = ["general", "sensitive", "explicit"]
GENERAL = ["1girl", "long_hair", "^_^", "skadi_(arknights)", "smile", "d:"]


def draw(colour):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "PNG")
    return file.getvalue()


RED, GREEN, BLUE = draw("red"), draw("green"), draw("blue")
BROKEN = BLUE[:60]


@pytest.fixture(scope="module")
def scores(untrained):
    """What the tagger says of each picture when it is asked by itself."""
    tagger = Tagger.load(untrained)
    return {data: next(tagger.tag(data)) for data in (RED, GREEN, BLUE)}


@pytest.fixture(scope="module")
def served(untrained):
    with ServedModel(untrained) as model:
        yield model


@pytest.fixture(scope="module")
def client(served):
    return TestClient(create_app(served))


def send(*files, **fields):
    return {"files": [("file", pair) for pair in files], "data": fields}


def interrogate(client, data, **more):
    image = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return client.post("/tagger/v1/interrogate", json={"image": image, **more})


def test_interrogate_answers_as_the_web_ui_does(client, scores):
    said = interrogate(client, RED, threshold=0, model="untrained").json()
    assert list(said) == ["caption"]
    assert list(said["caption"]) == ["tag", "rating"]
    tags, ratings = said["caption"]["tag"], said["caption"]["rating"]
    assert sorted(tags) == sorted(GENERAL)
    assert list(ratings) == RATINGS
    assert {**tags, **ratings} == scores[RED].scores
    assert list(tags.values()) == sorted(tags.values(), reverse=True)


def test_a_threshold_that_is_given_parts_the_tags_and_leaves_all_ratings(client, scores):
    own = scores[RED].scores
    for threshold in sorted(own[name] for name in GENERAL):
        caption = interrogate(client, RED, threshold=threshold).json()["caption"]
        assert set(caption["tag"]) == {name for name in GENERAL if own[name] >= threshold}
        assert len(caption["rating"]) == 3


def test_without_a_threshold_it_is_that_of_the_model_or_of_the_server(untrained, client, scores):
    for asked in ({}, {"threshold": None}):
        caption = interrogate(client, RED, **asked).json()["caption"]
        assert list(caption["tag"]) == [n for n in scores[RED].names if n not in RATINGS]
    limits = ["0.999"], ["smile=0.001"]
    with ServedModel(untrained, choose=lambda tags: create_selection(tags, *limits)) as model:
        client = TestClient(create_app(model))
        caption = interrogate(client, RED).json()["caption"]
        assert list(caption["tag"]) == ["smile"]
        thresholds = {tag["name"]: tag["threshold"] for tag in client.get("/tags").json()}
        assert (thresholds["smile"], thresholds["d:"]) == (0.001, 0.999)


def test_other_ways_of_writing_base64(client):
    plain = interrogate(client, RED).json()
    text = base64.b64encode(RED).decode()
    assert interrogate(client, f"data:image/png;base64,{text}").json() == plain
    assert interrogate(client, "\r\n".join(re.findall(".{1,76}", text))).json() == plain
    # A client that does not say what it sends.
    answer = client.post(
        "/tagger/v1/interrogate", content=json.dumps({"image": text, "name_in_queue": ""})
    )
    assert answer.json() == plain


def test_a_model_without_ratings_has_none():
    tags, found = TagSet.from_names(["hat"]), Tags("", ("hat",), {"hat": 0.5})
    assert to_interrogation(found, tags, 0.1) == {"caption": {"tag": {"hat": 0.5}, "rating": {}}}
    assert to_evaluation(found, tags, 0.1, 50) == {"hat": 0.5}


def test_the_model_is_known_by_its_name(client):
    assert client.get("/tagger/v1/interrogators").json() == {"models": ["untrained"]}
    answer = interrogate(client, RED, model="wd14-vit.v1")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "there is no model 'wd14-vit.v1' here; there is: untrained"}
    assert interrogate(client, RED, model="").status_code == 200


def test_unloading_frees_the_model_and_the_next_picture_loads_it(untrained):
    with ServedModel(untrained, name="mine") as model:
        client = TestClient(create_app(model))
        before = interrogate(client, RED).json()
        network = weakref.ref(model._tagger.model)
        unload = client.post("/tagger/v1/unload-interrogators")
        assert (unload.status_code, unload.json()) == (200, "1 model unloaded")
        gc.collect()
        assert network() is None
        assert client.post("/tagger/v1/unload-interrogators").json() == "0 model unloaded"
        health = client.get("/health").json()
        assert health == {
            "model": "mine",
            "description": "model gap, 32 px, 9 tags, on cpu",
            "device": "cpu",
            "loaded": False,
            "max_upload": 64 * 2**20,
        }
        assert client.get("/tagger/v1/interrogators").json() == {"models": ["mine"]}
        assert len(client.get("/tags").json()) == 9
        assert interrogate(client, RED).json() == before
        assert client.get("/health").json()["loaded"] is True


def test_a_model_that_cannot_be_loaded_again_is_named_until_it_can(untrained, tmp_path):
    folder = shutil.copytree(untrained, tmp_path / "mine")
    with ServedModel(folder) as model:
        client = TestClient(create_app(model))
        client.post("/tagger/v1/unload-interrogators")
        folder.rename(tmp_path / "elsewhere")
        answer = interrogate(client, RED)
        assert answer.status_code == 503
        assert "holds no trained model" in answer.json()["detail"]
        (tmp_path / "elsewhere").rename(folder)
        assert interrogate(client, RED).status_code == 200


def test_evaluate_answers_as_danbooru_does(client, scores):
    answer = client.post("/evaluate", **send(("a b.png", RED), format="json"))
    assert answer.status_code == 200
    (said,) = answer.json()
    assert list(said) == ["filename", "tags"]
    assert said["filename"] == "a b.png"
    letters = {"general": "rating:g", "sensitive": "rating:s", "explicit": "rating:e"}
    own = {letters.get(name, name): score for name, score in scores[RED].scores.items()}
    assert said["tags"] == {name: score for name, score in own.items() if score >= 0.1}
    assert list(said["tags"].values()) == sorted(said["tags"].values(), reverse=True)


def test_evaluate_gives_so_many_tags_from_so_much_on(client, scores):
    ranked = sorted(scores[RED].scores.values(), reverse=True)
    for limit in (1, 4, 50):
        (said,) = client.post("/evaluate", **send(("a", RED), limit=limit)).json()
        assert list(said["tags"].values()) == ranked[:limit]
    (said,) = client.post("/evaluate", **send(("a", RED), threshold=ranked[2])).json()
    assert list(said["tags"].values()) == ranked[:3]
    # Danbooru's reads the address first.
    (said,) = client.post("/evaluate?limit=2&threshold=0", **send(("a", RED), limit=9)).json()
    assert list(said["tags"].values()) == ranked[:2]
    answer = client.post("/evaluate?threshold=2", **send(("a", RED)))
    assert answer.status_code == 422


@given(st.lists(st.sampled_from([RED, GREEN, BLUE, BROKEN]), min_size=1, max_size=9))
def test_what_is_said_of_a_picture_depends_on_no_other(client, scores, sent):
    named = [(f"{number}.png", data) for number, data in enumerate(sent)]
    answer = client.post("/tag", **send(*named))
    if set(sent) == {BROKEN}:
        assert answer.status_code == 422
        assert answer.json()["detail"].count("cannot be decoded") == len(sent)
        return
    assert answer.status_code == 200
    for (name, data), said in zip(named, answer.json(), strict=True):
        assert said["path"] == name
        if data is BROKEN:
            assert list(said) == ["path", "error"]
            assert said["error"].startswith(f"{name} cannot be decoded: ")
        else:
            assert said["scores"] == scores[data].scores
            assert said["tags"] == list(scores[data].names)


def test_tag_answers_as_the_command_prints(zokusei, client, untrained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(GREEN)
    _, out, _ = zokusei("tag", "a.png", "--model", untrained, "--json")
    assert client.post("/tag", **send(("a.png", GREEN))).json() == [json.loads(out)]


def test_a_bad_file_is_named_and_the_others_are_tagged(client, scores):
    sent = ("a.png", RED), ("two\nlines.txt", b"words"), ("", GREEN), ("b.png", b"")
    first, second, third = client.post("/evaluate", **send(*sent[:2], sent[3])).json()
    assert set(first["tags"].values()) <= set(scores[RED].scores.values())
    assert list(second) == ["filename", "error"]
    assert "is no picture of a known format" in second["error"]
    assert "\n" not in second["error"]
    assert third == {"filename": "b.png", "error": "b.png is empty; copy or download it again"}


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"image": "???"}, 422, "the picture is no base64"),
        ({"image": ""}, 422, "the picture is empty"),
        ({"image": "data:image/png,%89PNG"}, 422, "a data: address without base64"),
        ({"image": "aGFsbG8="}, 422, "the picture is no picture of a known format"),
        ({"image": base64.b64encode(BROKEN).decode()}, 422, "the picture cannot be decoded"),
        ({"image": "aGFp", "threshold": 1.5}, 422, "threshold: Input should be less than"),
        ({"image": "aGFp", "threshold": "much"}, 422, "threshold: Input should be a valid number"),
        ({"image": "aGFp", "queue": "q"}, 422, "there are no queues here"),
        ({}, 422, "image: Field required"),
        ([], 422, "Input should be an object"),
    ],
)
def test_what_cannot_be_interrogated(client, asked, status, words):
    answer = client.post("/tagger/v1/interrogate", json=asked)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (send(("a.png", RED), format="html"), "no format 'html' here; ask for format=json"),
        (send(("a.png", RED), threshold="nan"), "threshold: "),
        (send(("a.png", RED), threshold="-1"), "greater than or equal to 0, not '-1'"),
        (send(("a.png", RED), limit="0"), "limit: "),
        (send(format="json"), "file: Field required"),
        (send(("a.png", b"")), "a.png is empty"),
        ({"content": b"{}"}, "file: Field required"),
        ({"files": {"image": ("a.png", RED)}}, "file: Field required"),
    ],
)
def test_what_cannot_be_evaluated(client, sent, words):
    answer = client.post("/evaluate", **sent)
    assert answer.status_code == 422
    assert list(answer.json()) == ["detail"]
    assert words in answer.json()["detail"]


def test_json_that_is_none(client):
    answer = client.post("/tagger/v1/interrogate", content=b'{"image": NaN')
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


def test_what_is_too_large_is_refused_whether_or_not_it_says_so(served):
    client = TestClient(create_app(served, Access(most_bytes=2**20)))
    large, kind = bytes(2**20), {"Content-Type": "multipart/form-data; boundary=x"}

    def form(part, count):
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        yield from [part] * count
        yield b"\r\n--x--\r\n"

    answers = [
        client.post("/evaluate", **send(("a.png", large))),
        client.post("/evaluate", **send(*[("a.png", large)] * 9)),  # not even read
        interrogate(client, large),
        client.post("/tagger/v1/interrogate", content=(large[:1000] for _ in range(2000))),
        client.post("/tag", content=form(large, 2), headers=kind),
        client.post("/tag", content=form(large, 99), headers=kind),  # not all of it read
    ]
    for answer in answers:
        assert answer.status_code == 413
        assert "a request may have 1 MiB" in answer.json()["detail"]
    assert client.get("/health").json()["max_upload"] == 2**20
    assert client.post("/evaluate", **send(("a.png", RED))).status_code == 200


def test_what_says_that_it_is_far_too_large_is_not_read(served):
    sent = []

    async def receive():
        raise AssertionError("it was read")

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", b"5000")]
    scope = {"type": "http", "method": "POST", "path": "/tag", "headers": headers,
             "query_string": b""}  # fmt: skip
    asyncio.run(create_app(served, Access(most_bytes=1000))(scope, receive, send))
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_server_of_this_machine_answers_to_its_names_only(served):
    app = create_app(served, Access(hosts=find_hosts("127.0.0.1")))
    for host in ("localhost", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:80"):
        answer = TestClient(app).get("/health", headers={"Host": host})
        assert answer.status_code == 200
    for host in ("evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.nip.io"):
        answer = TestClient(app).get("/", headers={"Host": host})
        assert answer.status_code == 403
        assert repr(host.partition(":")[0]) in answer.json()["detail"]


def test_pages_of_others_may_not_ask_unless_they_are_named(served):
    own, friend = "http://127.0.0.1:7860", "https://booru.example"
    closed = TestClient(create_app(served), base_url=own)
    opened = TestClient(create_app(served, Access(origins=(friend,))), base_url=own)
    for client in (closed, opened):
        assert client.post("/evaluate", **send(("a", RED))).status_code == 200
        for origin, status in ((own, 200), ("https://evil.example", 403), ("null", 403)):
            answer = client.post("/evaluate", **send(("a", RED)), headers={"Origin": origin})
            assert answer.status_code == status
            assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": friend, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "content-type"}  # fmt: skip
    assert closed.options("/tagger/v1/interrogate", headers=asked).status_code == 403
    for answer in (
        opened.options("/tagger/v1/interrogate", headers=asked),
        opened.post("/evaluate", **send(("a", RED)), headers={"Origin": friend}),
    ):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == friend


def test_every_answer_is_told(served):
    told = []
    client = TestClient(create_app(served, on_answer=told.append), raise_server_exceptions=False)
    client.post("/evaluate", **send(("a", RED), ("b", BROKEN)))
    interrogate(client, RED)
    client.get("/nowhere%0a/there")
    assert [(one.method, one.path, one.status, one.pictures) for one in told] == [
        ("POST", "/evaluate", 200, 2),
        ("POST", "/tagger/v1/interrogate", 200, 1),
        ("GET", "/nowhere%0a/there", 404, 0),
    ]
    assert all(0 < one.seconds < 60 for one in told)


def test_the_model_does_one_thing_at_once(untrained):
    with ServedModel(untrained) as model:
        app, inside, most = create_app(model), [], []
        predict = model._tagger.backend.predict

        def watched(fitted):
            inside.append(threading.get_ident())
            most.append(len(inside))
            found = predict(fitted)
            inside.pop()
            return found

        model._tagger.backend.predict = watched
        with ThreadPoolExecutor(8) as threads:
            jobs = [
                threads.submit(TestClient(app).post, "/tag", **send(("a", data)))
                for data in [RED, GREEN] * 8
            ]
        answers = [job.result().json() for job in jobs]
        assert set(most) == {1}
        assert all(answer == answers[number % 2] for number, answer in enumerate(answers))


def test_more_requests_than_may_wait_are_sent_away(untrained):
    with ServedModel(untrained) as model:
        began, go_on = threading.Event(), threading.Event()
        app = create_app(model, Access(most_requests=1))
        predict = model._tagger.backend.predict

        def slow(fitted):
            began.set()
            go_on.wait(60)
            return predict(fitted)

        model._tagger.backend.predict = slow
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(TestClient(app).post, "/tag", **send(("a", RED)))
            began.wait(60)
            second = TestClient(app).post("/tag", **send(("a", RED)))
            go_on.set()
        assert second.status_code == 503
        assert second.json()["detail"] == "no more than 1 requests may wait; ask again later"
        assert first.result().status_code == 200
        assert TestClient(app).post("/tag", **send(("a", RED))).status_code == 200


def test_a_bug_is_one_line_for_the_client(untrained):
    with ServedModel(untrained) as model:
        client = TestClient(create_app(model), raise_server_exceptions=False)
        model._tagger.backend.predict = lambda fitted: 1 / 0
        answer = interrogate(client, RED)
        assert answer.status_code == 500
        assert answer.json() == {
            "detail": "an error inside of the server: ZeroDivisionError; its terminal has more"
        }


def test_the_page_needs_nothing_from_elsewhere(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == files("zokusei.serving").joinpath("page.html").read_text("utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert set(re.findall(r"https?://[^'\"\s]+", answer.text)) == {"http://www.w3.org/2000/svg"}
    # FastAPI's own pages load scripts from elsewhere.
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_the_page_finds_what_it_shows(client):
    by_name = {tag["name"]: tag for tag in client.get("/tags").json()}
    assert list(by_name) == [*GENERAL, *RATINGS]
    assert by_name["skadi_(arknights)"] == {
        "name": "skadi_(arknights)",
        "category": "character",
        "threshold": 0.5,
        "text": "skadi (arknights)",
    }
    assert by_name["^_^"]["text"] == "^_^"
    assert by_name["general"]["category"] == "rating"
