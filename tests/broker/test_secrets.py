"""No secret is readable where certswap leaves traces: a run in which everything is sealed, then a search for every key
and password of it, in every form, in Kafka's and Redis' files, in what certswapd writes, answers, and has in its memory.
The same run without sealing shows that the search finds what is there."""
import os
import re
import secrets
import subprocess
import sys
import unittest

import support  # noqa: F401
import needles
from certs import DER, PEM, open_pem, open_pkcs12
from contract import (COMMANDS, DLQ, ENROLLMENTS, INVENTORY, JOBS, RENEWALS, RESULTS, RETRY, enrollment, entry, inventory,
                      new_id, plain_credential, renewal, replace_command, sealed_credential, store_type)
from harness import BrokerTest, certs, main, sealing, servers

TOPICS = ENROLLMENTS, RENEWALS, INVENTORY, COMMANDS, RETRY, DLQ, JOBS, RESULTS
FORMATS = {"PKCS12": "PKCS12", "legacy PKCS12": "PKCS12", "PEM": "PEM", "PEM with a plain key": "PEM"}


def new_password():
    """Random from end to end: no piece of one is in another."""
    return secrets.token_urlsafe(12) + "ü" + secrets.token_urlsafe(12)


def content_of(identity, format, password):
    return {"PKCS12": lambda: identity.pfx(password), "legacy PKCS12": lambda: identity.pfx(password, legacy=True),
            "PEM": lambda: identity.pem(password), "PEM with a plain key": identity.pem}[format]()


def encrypted_key(pem):
    """The DER of a PEM file's encrypted key."""
    body = re.search(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----(.*)-----END", pem, re.DOTALL)
    return needles.base64.b64decode(body[1])


class Run:
    """Events in every format, with keys of every kind, and commands for them to stores of every format, sealed or not;
    also what is refused on the way. `needles` has all its secrets."""

    def __init__(self, test, sealed):
        self.test, self.client, self.sealed, self.needles = test, test.client, sealed, needles.Needles()
        self.existing, self.ids = test.new_certificate_id(), []
        self.agent = certs.Identity("agent", test.ca, "P-256")
        self.agent_rsa = certs.Identity("agent RSA", test.ca, "RSA-2048")
        self.services = test.service, test.service_rsa

    def new_identity(self, kind):
        identity = certs.Identity("new.example", self.test.ca, kind)
        self.needles.add_key(f"{kind} key {len(self.ids)}", identity.key)
        return identity

    def new_password(self, name):
        password = new_password()
        self.needles.add_password(name, password)
        return password

    def seal(self, number, data):
        to = self.services[number % 2].certificate
        return {"recipient": sealing.recipient(to), "cms": sealing.seal(to, data)}

    def send_event(self, identity, format, password, opens=None, key=None):
        """`opens`: the password that the event says, where it is a wrong one; `key`: another than the certificate's."""
        number, certificate_id = len(self.ids), self.test.new_certificate_id()
        content = identity.pfx(password, key=key) if key else content_of(identity, format, password)
        if FORMATS[format] == "PKCS12":
            self.needles.add_ciphertext(f"{format} {number}", content)
        said = None if format == "PEM with a plain key" else opens or password
        credential = plain_credential(content, said, FORMATS[format])
        if self.sealed:
            body = self.client.schemas.encode_body("Credential", credential[1])
            credential = sealed_credential(**self.seal(number, body))
        event = enrollment(certificate_id, credential, identity.thumbprint)
        if number % 2:
            self.client.renew(renewal(certificate_id, credential, identity.thumbprint, 1))
        else:
            self.client.enroll(event)
        self.ids.append(certificate_id)
        return certificate_id

    def events(self):
        kinds = "P-256", "RSA-2048", "P-384", "P-256"
        self.staged = [self.send_event(self.new_identity(kind), format, self.new_password(f"event {format}"))
                       for kind, format in zip(kinds, FORMATS)]
        self.plain_key = f"{kinds[-1]} key {len(kinds) - 1}"
        refused = [self.send_event(self.new_identity("P-256"), "PKCS12", self.new_password("event of a wrong key"),
                                   key=self.new_identity("RSA-2048").key)]
        if self.sealed:  # the dead letters of others hold what came
            refused.append(self.send_event(self.new_identity("P-256"), "legacy PKCS12", self.new_password("the right one"),
                                           opens=self.new_password("a wrong one")))
        for certificate_id in self.staged:
            self.test.wait_staged(certificate_id)
        for certificate_id in refused:
            self.test.wait_marker(certificate_id)

    def stores(self):
        def store(agent, **type):
            certificate = agent.certificate.public_bytes(DER) if self.sealed else None
            return inventory([entry("alias", self.existing, "AB" * 20)], store_type(**type),
                             agent={"agentId": new_id(), "certificate": certificate})
        stores = [store(self.agent), store(self.agent_rsa, profile="LEGACY"), store(self.agent, key="FORBIDDEN"),
                  store(self.agent_rsa, short_name="PEM", format="PEM")]
        self.test.add_stores(self.existing, self.staged[0], stores)
        self.agents = {stores[0]["storeId"]: self.agent, stores[1]["storeId"]: self.agent_rsa,
                       stores[2]["storeId"]: self.agent, stores[3]["storeId"]: self.agent_rsa}

    def commands(self):
        """Under passwords that came, and under one of the service's own, which is in the job alone."""
        for number, certificate_id in enumerate(self.staged):
            password = self.new_password(f"command {number}") if number else None
            given = self.seal(number, password.encode()) if password and self.sealed else password
            result, jobs = self.test.replace(self.existing, certificate_id, password=given)
            self.test.assertEqual(("COMPLETED", 4), (result.record["status"], len(jobs)), result.record)
            credentials = [self.open(job) for job in jobs.values()]
            for job, credential in enumerate(credentials):
                self.add_content(f"{credential['format']} job {number}.{job}", credential, password)
            if password is None:
                own = {credential["password"] for credential in credentials} - {None}
                self.test.assertEqual(1, len(own))
                self.needles.add_password("the service's own", own.pop())
        if self.sealed:
            broken = dict(self.seal(0, self.new_password("of a broken seal").encode()))
            broken["cms"] = sealing.flipped(broken["cms"], -1)
            self.test.assert_rejected(self.test.replace(self.existing, self.staged[0], password=broken)[0], "SEAL_INVALID")

    def open(self, job):
        kind, record = job.record["credential"]
        if kind == "io.certswap.v1.Credential":
            return record
        plain = sealing.unseal(self.agents[job.record["storeId"]], record["cms"])
        return self.client.schemas.decode_body("Credential", plain)

    def add_content(self, name, credential, password):
        """What a job has for its agent, where there is a key in it."""
        content, is_pem = credential["content"], credential["format"] == "PEM"
        opened = (open_pem if is_pem else open_pkcs12)(content, credential["password"] or password)
        if opened.key is not None:
            self.needles.add_ciphertext(name, encrypted_key(content) if is_pem else content)


class Secrets(BrokerTest):
    daemon_at_start = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for option in (("rdbcompression", "no"), ("aof-use-rdb-preamble", "no"), ("appendonly", "yes")):
            cls.redis("CONFIG", "SET", *option)
        cls.pairs = os.path.join(cls.folder, "pairs")
        os.mkdir(cls.pairs)
        cls.service, cls.service_rsa = certs.Identity("certswap"), certs.Identity("certswap RSA", cls.ca, "RSA-2048")
        for name, identity in (("tls", cls.service), ("rsa", cls.service_rsa)):
            for suffix, content in ((".crt", identity.certificate.public_bytes(PEM)), (".key", identity.key_pem())):
                with open(os.path.join(cls.pairs, name + suffix), "wb") as file:
                    file.write(content)

    def written(self, search):
        """What is found in each place: the class's folder, which has the broker's and Redis' files and certswapd's output;
        the topics as they are read; Redis' values; what the HTTP server answers."""
        self.redis("SAVE")
        for path in ("kafka", "appendonlydir", "dump.rdb", f"{self.daemon.name}.log"):
            self.assertTrue(os.path.exists(os.path.join(self.folder, path)), path)
        messages = [part for message in self.client.read_all(*TOPICS)
                    for part in (message.key, message.value, *(value for _, value in message.header_list)) if part]
        return {"files": search.found_in_folder(self.folder), "topics": search.found_in(b"\n".join(messages)),
                "Redis": search.found_in(b"\n".join(self.redis("DUMP", key) for key in self.redis("KEYS", "*"))),
                "HTTP": search.found_in("".join(self.daemon.get(path)[1] for path in ("/metrics", "/readyz")).encode())}

    def in_memory(self, search):
        self.daemon.pause()
        try:
            return search.found_in_process(self.daemon.process.pid)
        except PermissionError:
            if os.environ.get("CI") == "true":
                raise
            print("not searched: certswapd's memory, which root alone may read", file=sys.stderr)
            return {}
        finally:
            self.daemon.resume()

    def of_process(self, file, *names):
        """Lines of a file in certswapd's /proc folder, by name."""
        with open(f"/proc/{self.daemon.process.pid}/{file}", encoding="utf-8") as lines:
            found = {name: line.removeprefix(name).split() for line in lines for name in names if line.startswith(name)}
        return [found[name] for name in names]

    def test_sealed(self):
        type(self).daemon = self.start_daemon(CERTSWAP_REQUIRE_SEALED="true", CERTSWAP_SEALING_DIR=self.pairs,
                                              CERTSWAP_LOG_LEVEL="debug").wait_ready()
        self.addCleanup(self.daemon.stop)
        run = Run(self, sealed=True)
        run.events()
        self.assertEqual({}, self.in_memory(run.needles))
        run.stores()
        run.commands()
        self.assertEqual({}, self.in_memory(run.needles))
        self.assertEqual({"files": {}, "topics": {}, "Redis": {}, "HTTP": {}}, self.written(run.needles))
        self.assertEqual([["1"], ["2"]], self.of_process("status", "NoNewPrivs:", "Seccomp:"))
        self.assertEqual([["0", "0", "bytes"]], self.of_process("limits", "Max core file size"))
        self.assertEqual(0, os.stat(f"/proc/{self.daemon.process.pid}/mem").st_uid, "no dumps, so root's")
        self.assert_locked()

    def assert_locked(self):
        """Or the log says that memory is not, and what to do; no swap, nothing to say."""
        (locked, _), (size, _) = self.of_process("status", "VmLck:", "VmSize:")
        told = "memory is not locked" in {line.get("message") for line in self.daemon.log()}
        with open("/proc/swaps", encoding="utf-8") as swaps:
            has_swap = len(swaps.readlines()) > 1
        self.assertEqual(has_swap and int(locked) == 0, told)
        if os.geteuid() == 0 and int(locked) > 0:
            self.assertGreater(int(locked), int(size) / 2)

    def test_unsealed(self):
        """What comes in clear is found, so the search works. Redis is encrypted all the same."""
        type(self).daemon = self.start_daemon(CERTSWAP_REQUIRE_SEALED="false", CERTSWAP_SECCOMP="false").wait_ready()
        self.addCleanup(self.daemon.stop)
        run = Run(self, sealed=False)
        run.events()
        run.stores()
        run.commands()
        expected = {(name, form) for name, form in run.needles.forms()
                    if form == "UTF-8" and name != "event PEM with a plain key"
                    or form == ("base64" if name.startswith("PEM job") else "ciphertext")}
        expected.add((run.plain_key, "base64"))
        found = self.written(run.needles)
        self.assertEqual(({}, {}), (found["Redis"], found["HTTP"]))
        for place in ("files", "topics"):
            self.assertEqual(expected, set(found[place]))
        for where in found["files"].values():
            self.assertIn(os.path.join(self.folder, "kafka", ""), where)
        self.assertEqual([["1"], ["0"]], self.of_process("status", "NoNewPrivs:", "Seccomp:"))


class Search(unittest.TestCase):
    """The search finds every form, whole or a piece of it, wherever it stands, and nothing else."""

    @classmethod
    def setUpClass(cls):
        cls.needles = needles.Needles()
        for kind in ("P-256", "P-384", "RSA-2048"):
            cls.needles.add_key(kind, certs.make_key(kind))
        cls.needles.add_password("password", new_password())
        cls.needles.add_ciphertext("PKCS#12", certs.Identity("x").pfx("password"))
        cls.examples = cls.needles.examples()

    def pieces(self, size):
        """Of the size, from the beginning, the middle and the end of each form, at every alignment; between two of them
        noise that goes on neither."""
        data = b""
        for number, (_, _, form) in enumerate(self.examples):
            for at in (0, (len(form) - size) // 2, len(form) - size):
                before = form[at - 1] ^ 1 if at > 0 else 0xFE
                after = form[at + size] ^ 1 if at + size < len(form) else 0xFE
                data += bytes((before, *form[at:at + size], after)) + b"\xfe" * (29 + number % 8)
        return data

    def test_pieces(self):
        self.assertEqual(self.needles.forms(), set(self.needles.found_in(self.pieces(needles.PIECE))))
        self.assertEqual({}, self.needles.found_in(self.pieces(needles.PIECE - 1)))

    def test_across_chunks(self):
        name, form, data = self.examples[0]
        for before in range(2 ** 20 - 20, 2 ** 20 + 4):
            for noise in (b"\0", b"\xfe"):
                self.assertEqual({(name, form)}, set(self.needles.found_in(noise * before + data[:needles.PIECE])))

    def test_in_folder(self):
        with servers.new_folder() as folder:
            os.mkdir(os.path.join(folder, "within"))
            with open(os.path.join(folder, "within", "file"), "wb") as file:
                file.write(self.pieces(needles.PIECE))
            self.assertEqual(self.needles.forms(), set(self.needles.found_in_folder(folder)))

    def test_in_process(self):
        """One that has them in its memory, and one that has not."""
        for planted, expected in ((self.pieces(needles.PIECE), self.needles.forms()), (b"nothing", set())):
            program = "import sys; kept = sys.stdin.buffer.read(int(sys.argv[1])); print(flush=True); sys.stdin.read()"
            with subprocess.Popen([sys.executable, "-c", program, str(len(planted))], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as process:
                process.stdin.write(planted)
                process.stdin.flush()
                process.stdout.readline()
                self.assertEqual(expected, set(self.needles.found_in_process(process.pid)))
                process.stdin.close()


if __name__ == "__main__":
    main()
