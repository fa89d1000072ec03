"""The keys that verify tokens, from a file and from a key server with a throwaway CA. The store's clock is turned by the
test, so that nothing here waits for a minute."""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
sys.path[:0] = [os.path.join(SOURCE, "tests", "support"), os.path.join(SOURCE, "tests", "clients", "python")]

import certs  # noqa: E402
import key_server  # noqa: E402
import tokens  # noqa: E402

DRIVER = os.environ["TEST_DRIVER"]


class Store:
    """The driver of a key store."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([DRIVER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def keep(self, at):
        self.tell(f"at {at}")
        return self.tell("keep")

    def key(self, kid):
        return self.tell("key " + kid)

    def end(self):
        """The exit status, and what was logged."""
        _, log = self.process.communicate(timeout=30)
        return self.process.returncode, log


KEY = certs.make_key()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="certswap-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def store(self, *arguments):
        store = Store(*arguments)

        def end():
            status, log = store.end()
            self.assertEqual(0, status, log)
            for sign in ("Sanitizer:", "runtime error:"):
                self.assertNotIn(sign, log)
        self.addCleanup(end)
        return store


class FromServer(Case):
    @classmethod
    def setUpClass(cls):
        cls.ca = certs.Identity("CA", ca=True)
        cls.identity = certs.Identity("server", cls.ca, names=("127.0.0.1", "localhost"))

    def setUp(self):
        super().setUp()
        self.ca_file = os.path.join(self.folder, "ca.pem")
        with open(self.ca_file, "wb") as file:
            file.write(self.ca.certificate.public_bytes(certs.PEM))
        self.server = self.start()
        self.url = f"https://127.0.0.1:{self.server.port}/keys?set=1"

    def start(self, identity=None, port=0):
        server = key_server.KeyServer(identity or self.identity, self.folder, port)
        self.publish(server, "one")
        self.addCleanup(server.stop)
        return server

    @staticmethod
    def publish(server, *kids):
        server.body = tokens.jwks(dict.fromkeys(kids, KEY)).encode()

    def test_an_unknown_key_asks_at_most_every_30_seconds(self):
        store = self.store(self.url, self.ca_file)
        self.assertEqual("none", store.key("one"))
        self.assertEqual("good", store.keep(1000))
        self.assertEqual(("yes 1000", "no 1000"), (store.key("one"), store.key("two")))
        self.publish(self.server, "one", "two")
        store.tell("ask")
        for at in (1001, 15_000, 30_999):
            self.assertEqual("good", store.keep(at))
            store.tell("ask")
        self.assertEqual(1, self.server.requests)
        self.assertEqual("good", store.keep(31_000))
        self.assertEqual(("yes 31000", "yes 31000"), (store.key("one"), store.key("two")))
        for at in (62_000, 200_000, 330_999):  # nobody asks
            self.assertEqual("good", store.keep(at))
        self.assertEqual(2, self.server.requests)
        self.publish(self.server, "two")  # a key that was withdrawn goes within five minutes
        self.assertEqual("good", store.keep(331_000))
        self.assertEqual(("no 331000", "yes 331000"), (store.key("one"), store.key("two")))
        self.assertEqual(3, self.server.requests)

    def test_the_same_set_again_is_a_look_too(self):
        store = self.store(self.url, self.ca_file)
        store.keep(0)
        store.tell("ask")
        self.assertEqual("good", store.keep(30_000))
        self.assertEqual("no 30000", store.key("two"))

    def test_a_server_that_is_down_takes_no_key_away(self):
        store = self.store(self.url, self.ca_file)
        store.keep(0)
        self.server.stop()
        store.tell("ask")
        self.assertRegex(store.keep(30_000), "(?i)connect")
        self.assertEqual("yes 0", store.key("one"))
        self.assertRegex(store.keep(59_999), "(?i)connect", "the trouble is told until a look succeeds")
        server = self.start(port=self.server.port)
        self.publish(server, "two")
        self.assertEqual("good", store.keep(60_000), "the ask is not forgotten")
        self.assertEqual("yes 60000", store.key("two"))

    def test_a_server_that_is_down_at_the_start(self):
        port = self.server.port
        self.server.stop()
        store = self.store(self.url, self.ca_file)
        self.assertRegex(store.keep(0), "(?i)connect")
        self.assertEqual("none", store.key("one"))
        server = self.start(port=port)
        self.assertRegex(store.keep(999), "(?i)connect")
        self.assertEqual(0, server.requests)
        self.assertEqual("good", store.keep(1000))
        self.assertEqual("yes 1000", store.key("one"))

    def test_answers_that_are_no_key_set(self):
        store, at = self.store(self.url, self.ca_file), 0
        self.assertEqual("good", store.keep(at))
        good = self.server.body
        for status, headers, body, part in (
                (404, {}, good, "status 404"), (500, {}, good, "status 500"), (204, {}, b"", "status 204"),
                (301, {"Location": "http://127.0.0.1:1/"}, good, "redirects"),
                (302, {"Location": self.url}, good, "redirects"),
                (200, {}, b"<html>", "no JSON text"), (200, {}, b"", "no JSON text"), (200, {}, b"{}", "no JWK Set"),
                (200, {}, b'{"keys":[]}', "has no keys"), (200, {}, good + b" " * 65536, "more than 65536 bytes"),
                (200, {}, json.dumps({"keys": [tokens.jwk(KEY, "one", use="enc")]}).encode(), "not for signatures")):
            with self.subTest(part, status=status):
                at += 300_000
                self.server.status, self.server.headers, self.server.body = status, headers, body
                self.assertIn(part, store.keep(at))
                self.assertEqual("yes 0", store.key("one"))

    def test_a_slow_server_holds_nobody_up(self):
        store = self.store(self.url, self.ca_file)
        store.keep(0)
        self.server.gate.clear()
        store.tell("at 300000")
        store.tell("start")
        deadline = time.monotonic() + 20
        while self.server.requests < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(2, self.server.requests)
        begin = time.monotonic()
        self.assertEqual("yes 0", store.key("one"))
        store.tell("ask")
        self.assertLess(time.monotonic() - begin, 5, "less than the request may take")
        store.tell("stop")
        self.assertNotEqual("good", store.tell("join"))

    def test_whom_it_believes(self):
        other_ca = certs.Identity("other CA", ca=True)
        servers = {"an unknown issuer": certs.Identity("a", other_ca, names=("127.0.0.1",)),
                   "itself": certs.Identity("b", names=("127.0.0.1",)),
                   "another name": certs.Identity("c", self.ca, names=("127.0.0.2", "other.example")),
                   "a past": certs.Identity("d", self.ca, days=-1, names=("127.0.0.1",))}
        for name, identity in servers.items():
            with self.subTest(name):
                server = self.start(identity)
                store = self.store(f"https://127.0.0.1:{server.port}/", self.ca_file)
                self.assertRegex(store.keep(0), "(?i)certificate|SSL")
                self.assertEqual("none", store.key("one"))
                self.assertEqual(0, server.requests)

    def test_a_private_issuer_counts_by_its_file(self):
        other = os.path.join(self.folder, "other.pem")
        with open(other, "wb") as file:
            file.write(certs.Identity("other CA", ca=True).certificate.public_bytes(certs.PEM))
        for arguments in ((other,), ()):
            self.assertRegex(self.store(self.url, *arguments).keep(0), "(?i)certificate|SSL")
        store = self.store(self.url, other)
        store.keep(0)
        os.replace(self.ca_file, other)
        self.assertEqual("good", store.keep(1000), "a file that was changed")

    def test_no_other_protocol(self):
        path = os.path.join(self.folder, "keys.json")
        with open(path, "wb") as file:
            file.write(self.server.body)
        for url in (f"http://127.0.0.1:{self.server.port}/", f"file://{path}", "ftp://127.0.0.1/keys"):
            store = self.store(url, self.ca_file)
            self.assertIn("Protocol", store.keep(0), url)
            self.assertEqual("none", store.key("one"))


class FromFile(Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "keys.json")
        self.publish("one")

    def publish(self, *kids, text=None):
        fresh = self.path + ".new"
        with open(fresh, "w", encoding="ascii") as file:
            file.write(text if text is not None else tokens.jwks(dict.fromkeys(kids, KEY)))
        os.rename(fresh, self.path)

    def test_a_changed_file_counts_within_30_seconds(self):
        store = self.store(self.path)
        self.assertEqual("good", store.keep(0))
        self.publish("two")
        self.assertEqual("good", store.keep(4999))
        self.assertEqual("yes 0", store.key("one"))
        self.assertEqual("good", store.keep(5000))
        self.assertEqual(("no 5000", "yes 5000"), (store.key("one"), store.key("two")))
        self.publish("three")
        store.tell("ask")
        self.assertEqual("good", store.keep(6000))
        self.assertEqual("yes 6000", store.key("three"))

    def test_a_file_that_cannot_be_used_takes_no_key_away(self):
        store, at = self.store(self.path), 0
        self.assertEqual("good", store.keep(at))
        os.unlink(self.path)
        at += 5000
        self.assertIn("No such file", store.keep(at))
        for text, part in (("", "no JSON text"), ('{"keys":[]}', "has no keys"), (" " * 65537, "larger than 64 KiB")):
            self.publish(text=text)
            at += 5000
            self.assertIn(part, store.keep(at))
            self.assertEqual("yes 0", store.key("one"))
        self.publish("one", "two")
        self.assertEqual("good", store.keep(at + 5000))
        self.assertEqual(f"yes {at + 5000}", store.key("two"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
