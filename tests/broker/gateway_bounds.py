"""The bounds of the gateway: time, sizes, numbers, and its start and stop."""
import contextlib
import socket
import threading
import time

import support  # noqa: F401
from certs import PEM
from contract import JOBS, new_id
from gateway import PATH
from gateway_case import AS_ALICE
from harness import certs, servers


class Bounds:
    """A mixin of the one class that has the servers."""

    path_there = "/Enrollment/PFX/Replace"

    def patiently(self, gateway, **how):
        """Asks again, the same, as long as no result has come in time."""
        answer = gateway.request(self.asks(), **how)
        while answer.status == 504:
            answer = gateway.request(self.asks(), **how | {"Idempotency_Key": answer.json["CommandId"]})
        return answer

    def later(self, gateway, answers, **how):
        thread = threading.Thread(target=lambda: answers.append(self.patiently(gateway, **how)))
        thread.start()
        return thread

    def jobs_of(self, command_id):
        return [job for job in self.client.read_all(JOBS) if job.record["commandId"] == command_id]

    def test_no_result_in_time_and_the_same_again(self):
        self.daemon.pause()
        try:
            late = self.assert_error(self.hasty.request(self.asks()), 504, "NO_RESULT")
        finally:
            self.daemon.resume()
        key = late.json["CommandId"]
        self.assertIn(key, late.json["Message"])
        self.assert_stores(self.patiently(self.hasty, Idempotency_Key=key))
        self.assertEqual(2, len(self.jobs_of(key)))

    def test_asked_again_before_there_is_a_result(self):
        """The same bytes go out again: no conflict, the same result for all, and the jobs once."""
        key, answers = new_id(), []
        self.daemon.pause()
        try:
            self.assert_error(self.hasty.request(self.asks(), Idempotency_Key=key), 504, "NO_RESULT")
            threads = [self.later(self.hasty, answers, Idempotency_Key=key) for _ in range(2)]
            servers.wait_for(lambda: len(self.commands(key)) >= 2, "the command to be sent again")
        finally:
            self.daemon.resume()
        for thread in threads:
            thread.join()
        self.assertEqual(2, len(answers))
        for answer in answers:
            self.assert_stores(answer)
        self.assertEqual(1, len(set(self.commands(key))))
        self.assertEqual(2, len(self.jobs_of(key)))

    def test_too_many_wait(self):
        answers = []
        self.daemon.pause()
        try:
            threads = [self.later(self.narrow, answers, path=self.path_there) for _ in range(5)]
            servers.wait_for(lambda: len(answers) >= 3, "three to be refused")
        finally:
            self.daemon.resume()
        for thread in threads:
            thread.join()
        refused = [answer for answer in answers if answer.status == 503]
        self.assertEqual(3, len(refused), answers)
        for answer in refused:
            self.assert_error(answer, 503, "TOO_BUSY")
            self.assertEqual("2", answer.headers["Retry-After"])

    def test_sizes(self):
        large = b'{"Password":"' + b"x" * 70000 + b'"}'
        self.assert_error(self.open.request(large), 413, "BODY_TOO_LARGE")
        chunks = self.open.connect()
        with contextlib.suppress(BrokenPipeError):
            chunks.request("POST", PATH, iter([large[:40000], large[40000:]]), {"Content-Type": "application/json"},
                           encode_chunked=True)
        self.assertEqual(413, chunks.getresponse().status)
        chunks.close()
        answer = self.open.request(self.asks(), X_Large="x" * 60000)
        self.assertIn(answer.status, (413, 431))

    def closed_after(self, gateway, sent):
        """Seconds until the gateway closes a connection that sent this, and then a byte now and again."""
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", gateway.serving), timeout=0.1) as connection:
            connection.sendall(sent)
            while time.monotonic() - begin < 20:
                try:
                    connection.sendall(b"x")
                    if connection.recv(1000) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        return time.monotonic() - begin

    def test_slow_clients(self):
        self.assertLess(self.closed_after(self.narrow, b""), 10)
        self.assertLess(self.closed_after(self.narrow, b"POST /Enrollment/PFX/Replace HTTP/1.1\r\nHost: x\r\nX-A: "), 10)
        self.assertLess(self.closed_after(
            self.narrow, b"POST /Enrollment/PFX/Replace HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{"), 10)

    def test_connections(self):
        """More than it takes are kept waiting, and served when others have gone."""
        kept = [socket.create_connection(("127.0.0.1", self.narrow.serving)) for _ in range(12)]
        try:
            self.assert_stores(self.narrow.request(self.asks(), path=self.path_there))
        finally:
            for connection in kept:
                connection.close()

    def test_stop(self):
        """What waits is answered: with its result if that still comes, else with 503; the status is 0."""
        for name, drain, resumed, status in (("drained", "20", True, 200), ("given-up", "0", False, 503)):
            with self.subTest(name):
                gateway = self.start_gateway(name, *AS_ALICE, "--drain", drain).wait_ready()
                key, answers = new_id(), []
                self.daemon.pause()
                try:
                    thread = self.later(gateway, answers, path=PATH, Idempotency_Key=key)
                    servers.wait_for(lambda: self.commands(key), "the command to be sent")
                    stopping = threading.Thread(target=gateway.stop)
                    stopping.start()
                    servers.wait_for(lambda: [line for line in gateway.log() if line["message"] == "stopping"],
                                     "the stop to begin")
                    if not resumed:
                        thread.join()
                finally:
                    self.daemon.resume()
                thread.join()
                stopping.join()
                self.assertEqual([status], [answer.status for answer in answers])
                self.assertEqual(0, gateway.process.returncode)
                if status == 503:
                    self.assertEqual(key, self.assert_error(answers[0], 503, "STOPPING").json["CommandId"])

    def test_kafka_is_away(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            gateway = self.start_gateway("alone", *AS_ALICE,
                                         settings={"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:%d" % unused.getsockname()[1]})
            self.assert_error(gateway.request(self.asks()), 503, "UNAVAILABLE")
            self.assertEqual(200, gateway.get("/livez")[0])
            status, reasons = servers.wait_for(lambda: "BOOTSTRAP_SERVERS" in gateway.get("/readyz")[1] and gateway.get("/readyz"),
                                               "a reason")
            self.assertEqual(503, status, reasons)
            self.assertEqual(0, gateway.stop()[0])

    def test_starts_that_are_refused(self):
        seal = ("--seal-to", self.path("service.crt"))
        self.path("old.crt", certs.Identity("old", days=-1).certificate.public_bytes(PEM))
        for status, words, said in (
                (64, (), "--seal-to"),
                (64, (*seal, "--tls-key", self.path("tls.key")), "--tls-certificate"),
                (64, (*seal, "--insecure-permission", "/x"), "--insecure-principal"),
                (64, (*seal, "--listen", "nonsense"), "--listen"),
                (64, (*seal, "--prefix", "KeyfactorAPI"), "--prefix"),
                (65, ("--seal-to", self.path("old.crt")), "old.crt"),
                (66, ("--seal-to", self.path("absent.crt")), "absent.crt"),
                (78, (*seal, "--listen", "0.0.0.0:0"), "--plain-http"),
                (78, (*seal, "--listen", f"127.0.0.1:{self.open.serving}"), "in use"),
                (78, (*seal, "--listen", "127.0.0.1:0", "--tls-certificate", self.path("tls.crt"), "--tls-key",
                      self.path("service.crt")), "--tls-key")):
            with self.subTest(words[2:] or words):
                self.assertIn(said, self.refused(status, *words))
