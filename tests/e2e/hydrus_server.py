"""A small Hydrus: as much of its client API as tagging needs, over a dictionary of files."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY = "0123456789abcdef" * 4
OWN, OTHERS, REPOSITORY = "aa11", "bb22", "cc33"


class FakeHydrus:
    """Answers at `url`; knows of each hash the bytes and the kind, and the tags by service."""

    def __init__(self):
        self.files, self.tags, self.deleted = {}, {}, set()
        self.permissions, self.asked, self.fail_after = [2, 3], [], None
        self.services = {
            OWN: {"name": "zokusei", "type": 5},
            OTHERS: {"name": "my tags", "type": 5},
            REPOSITORY: {"name": "public tag repository", "type": 0},
        }
        handler = type("Handler", (_Handler,), {"hydrus": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, data, mime, tags=()):
        digest = hashlib.sha256(data).hexdigest()
        self.files[digest] = data, mime
        self.tags[digest] = {OWN: set(), OTHERS: set(tags)}
        return digest

    def answer(self, path, given, body):
        """Give status and answer, as the documentation has them."""
        if path == "/verify_access_key":
            return 200, {"basic_permissions": self.permissions, "human_description": "a key"}
        if path == "/get_services":
            return 200, {"services": self.services}
        needed = 2 if path.startswith("/add_tags") else 3
        if needed not in self.permissions:
            return 403, {"error": "The access key does not have permission."}
        if path == "/get_files/search_files":
            asked = [tag for tag in json.loads(given["tags"][0]) if not tag.startswith("system:")]
            wanted = {tag for tag in asked if not tag.startswith("-")}
            unwanted = {tag[1:] for tag in asked if tag not in wanted}
            known = [self.tags[digest][OTHERS] | self.tags[digest][OWN] for digest in self.files]
            return 200, {"file_ids": [
                number for number, tags in enumerate(known)
                if wanted <= tags and not unwanted & tags
            ]}  # fmt: skip
        if path == "/get_files/file_metadata":
            assert given["only_return_basic_information"] == ["true"]
            numbers, digests = json.loads(given["file_ids"][0]), list(self.files)
            assert len(numbers) <= 256
            return 200, {"metadata": [
                {"file_id": n, "hash": digests[n], "mime": self.files[digests[n]][1]}
                for n in numbers
            ]}  # fmt: skip
        if path == "/get_files/file":
            (digest,) = given["hash"]
            data = self.files[digest][0]
            return (404, {"error": "File\nnot there!"}) if data is None else (200, data)
        assert path == "/add_tags/add_tags"
        assert body["override_previously_deleted_mappings"] is False
        for digest in body["hashes"]:
            for service, actions in body["service_keys_to_actions_to_tags"].items():
                assert set(actions) == {"0"}, "nothing but adding"
                new = {tag.removeprefix(":") for tag in actions["0"]} - self.deleted
                self.tags[digest][service] |= new
        return 200, {}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._reply(None)

    def do_POST(self):
        self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _reply(self, body):
        path, given = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.hydrus.asked.append(path)
        key = self.headers.get("Hydrus-Client-API-Access-Key")
        if self.hydrus.fail_after is not None and len(self.hydrus.asked) > self.hydrus.fail_after:
            self.close_connection = True
            return
        if key != KEY:
            status, answer = 403, {"error": "Did not find an entry for that access key!"}
        else:
            status, answer = self.hydrus.answer(path, given, body)
        if isinstance(answer, dict):
            answer = json.dumps({**answer, "version": 80, "hydrus_version": 640}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_): ...
