"""Sealed from end to end: what producers seal opens here, what is plain is refused, and what leaves opens for one agent
alone. The other side is the openssl command."""
import base64
import copy
import json
import os

import support  # noqa: F401
from certs import DER, PEM, open_pem, open_pkcs12
from contract import (COMMANDS, DLQ, ENROLLMENTS, INVENTORY, JOBS, RENEWALS, RETRY, enrollment, entry, inventory, new_id,
                      plain_credential, renewal, replace_command, sealed_credential, store_type)
from harness import STAGING_KEY, STAGING_KEYS, BrokerTest, certs, main, sealing, servers

ALICE = "DOMAIN\\alice"
PASSWORD_MAX = 4096


def publish(folder, identities, **files):
    """Makes `folder` hold the pairs of the identities, by name, and further files: all at once, by a symbolic link."""
    version = folder + new_id()
    os.mkdir(version)
    for name, identity in identities.items():
        files |= {name + ".crt": identity.certificate.public_bytes(PEM), name + ".key": identity.key_pem()}
    for name, content in files.items():
        with open(os.path.join(version, name), "wb") as file:
            file.write(content)
    os.symlink(version, version + ".link")
    os.rename(version + ".link", folder)


def agent(identity):
    """An agent of the inventory; of None one without certificate, of bytes one with those for a certificate."""
    der = identity.certificate.public_bytes(DER) if isinstance(identity, certs.Identity) else identity
    return {"agentId": new_id(), "certificate": der}


class SealedTest(BrokerTest):
    """A service with an EC and an RSA pair."""

    daemon_at_start = False
    require = "true"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pairs = os.path.join(cls.folder, "pairs")
        cls.service = certs.Identity("certswap")
        cls.service_rsa = certs.Identity("certswap RSA", cls.ca, "RSA-2048")
        publish(cls.pairs, {"tls": cls.service, "rsa": cls.service_rsa})
        for identity in (cls.service, cls.service_rsa):
            cls.secrets.add(f"the key of {identity.common_name}", identity.secret_bytes())
        cls.daemon = cls.start_daemon(CERTSWAP_REQUIRE_SEALED=cls.require, CERTSWAP_SEALING_DIR=cls.pairs).wait_ready()

    def sealed(self, text, to=None, **how):
        """A SealedPassword."""
        certificate = (to or self.service).certificate
        data = text.encode() if isinstance(text, str) else text
        return {"recipient": sealing.recipient(certificate), "cms": sealing.seal(certificate, data, **how)}

    def open_job(self, job, identity):
        """The Credential that a job holds for the agent."""
        kind, sealed = job.record["credential"]
        self.assertEqual("io.certswap.v1.SealedCredential", kind)
        self.assertEqual(sealing.recipient(identity.certificate), sealed["recipient"])
        return self.client.schemas.decode_body("Credential", sealing.unseal(identity, sealed["cms"]))

    def failures_of(self, result):
        return {failure["storeId"]: failure for failure in result.record["failures"]}

    def held_by(self, *agents, **fields):
        """Stores of a new certificate, one an agent, and that certificate's id."""
        existing = self.new_certificate_id()
        return existing, [inventory([entry("x", existing, "AB" * 20)], agent=held, **fields) for held in agents]


class Required(SealedTest):
    def test_end_to_end(self):
        agents = {kind: certs.Identity(f"agent {kind}", self.ca, kind)
                  for kind in ("RSA-2048", "RSA-3072", "P-256", "P-384")}
        existing = self.new_certificate_id()
        new, identity, _ = self.stage()

        def store(kind, *aliases, **type):
            held = [entry(alias, existing, "AB" * 20) for alias in aliases]
            return inventory(held, store_type(**type), agent=agent(agents[kind]))
        stores = {
            "rsa": store("RSA-2048", "a"), "rsa again": store("RSA-2048", "b", "c"),
            "large rsa": store("RSA-3072", "a"), "p256": store("P-256", "a"), "p384": store("P-384", "a"),
            "pem": store("P-256", "a", short_name="PEM", format="PEM", entry_password=True),
            "without key": store("RSA-2048", "a", short_name="TRUST", key="FORBIDDEN"),
        }
        self.add_stores(existing, new, stores.values())
        password = self.new_password()
        result, jobs = self.replace(existing, new, password=self.sealed(password))
        self.assertEqual("COMPLETED", result.record["status"], result.record)
        self.assertEqual(len(stores) + 1, len(jobs))
        kinds = dict(zip(stores, ("RSA-2048", "RSA-2048", "RSA-3072", "P-256", "P-384", "P-256", "RSA-2048")))
        for (store_id, alias), job in jobs.items():
            name = next(name for name, store in stores.items() if store["storeId"] == store_id)
            with self.subTest(name, alias=alias):
                credential = self.open_job(job, agents[kinds[name]])
                self.assertEqual(password, credential["password"])
                opened = (open_pem if name == "pem" else open_pkcs12)(credential["content"], password)
                self.assertEqual(identity.certificate, opened.leaf)
                if name == "without key":
                    self.assertIsNone(opened.key)
                else:
                    self.assertEqual(identity.secret_bytes(), certs.Identity.of("opened", opened).secret_bytes())
                self.assertEqual([], self.secrets.found_in(job.value))
        self.assert_sealed_once(jobs, stores)
        self.assert_form(jobs, stores)
        self.assert_for_one_agent(jobs[stores["rsa"]["storeId"], "a"], agents)
        self.assert_for_one_agent(jobs[stores["p256"]["storeId"], "a"], agents)

    def assert_sealed_once(self, jobs, stores):
        """One seal for each content and agent certificate."""
        cms = {}
        for (store_id, _), job in jobs.items():
            name = next(name for name, store in stores.items() if store["storeId"] == store_id)
            cms.setdefault(name, set()).add(job.record["credential"][1]["cms"])
        self.assertEqual({1}, {len(values) for values in cms.values()})
        self.assertEqual(cms["rsa"], cms["rsa again"])
        distinct = set.union(*cms.values())
        self.assertEqual(len(stores) - 1, len(distinct))

    def assert_form(self, jobs, stores):
        for name, words in (("rsa", ("rsaesOaep", "sha256")), ("p256", ("id-aes256-wrap", "dhSinglePass-stdDH-sha"))):
            text = sealing.structure(jobs[stores[name]["storeId"], "a"].record["credential"][1]["cms"])
            for word in ("id-smime-ct-authEnvelopedData", "aes-256-gcm", *words):
                self.assertIn(word, text)

    def assert_for_one_agent(self, job, agents):
        """Nobody else's key opens it, and no changed bit goes unnoticed."""
        sealed = job.record["credential"][1]
        owner = next(a for a in agents.values() if sealing.recipient(a.certificate) == sealed["recipient"])
        for other in agents.values():
            if other is not owner:
                with self.assertRaises(sealing.CannotOpen):
                    sealing.unseal(other, sealed["cms"])
        body = sealing.unseal(owner, sealed["cms"])
        for at in (-1, -8, -16, -17, -40, -len(body) // 2, -len(body)):
            with self.assertRaises(sealing.CannotOpen, msg=f"byte {at}"):
                sealing.unseal(owner, sealing.flipped(sealed["cms"], at))

    def test_every_way_to_seal_an_event(self):
        """To either pair, by each key transport of the contract, as an enrollment and as a renewal."""
        identity = self.new_identity("sealed.example")
        ways = {"ECDH": (self.service, {}), "ECDH, openssl's own digest": (self.service, {"options": ()}),
                "OAEP": (self.service_rsa, {}), "PKCS1-v1_5": (self.service_rsa, {"options": ()})}
        for name, (to, how) in ways.items():
            for renew in (False, True):
                with self.subTest(name, renew=renew):
                    password, certificate_id = self.new_password(), self.new_certificate_id()
                    body = self.client.schemas.encode_body("Credential", {
                        "format": "PKCS12", "content": identity.pfx(password), "password": password})
                    # the recipient field is a hint: any will do
                    credential = sealed_credential("ab" * 32, sealing.seal(to.certificate, body, **how))
                    if renew:
                        self.client.renew(renewal(certificate_id, credential, identity.thumbprint, 1))
                    else:
                        self.client.enroll(enrollment(certificate_id, credential, identity.thumbprint))
                    self.wait_staged(certificate_id)

    def refuse_event(self, credential, code, thumbprint="AB" * 20):
        """The event's dead letter; a command for its certificate is CREDENTIAL_INVALID."""
        certificate_id = self.new_certificate_id()
        letter = self.client.dead_letter(self.client.enroll(enrollment(certificate_id, credential, thumbprint)))
        headers = {name.removeprefix("__connect.errors."): text for name, text in letter.headers.items()}
        self.assertEqual((code, "TRANSFORMATION", "certswap-staging"),
                         (headers["exception.class.name"], headers["stage"], headers["connector.name"]),
                         headers["exception.message"])
        self.wait_marker(certificate_id)
        self.assertEqual(0, self.redis("EXISTS", f"certswap:staged:{certificate_id}"))
        self.assert_rejected(self.replace(1, certificate_id)[0], "CREDENTIAL_INVALID")
        return headers["exception.message"]

    def test_plain_credential(self):
        identity, password = self.new_identity(), self.new_password()
        message = self.refuse_event(plain_credential(identity.pfx(password), password), "CREDENTIAL_INVALID",
                                    identity.thumbprint)
        self.assertIn("SealedCredential", message)

    def dlq_open(self, *arguments, status=0, keys=STAGING_KEYS, **options):
        """(what `certswap dlq open` prints, what it says)"""
        more = {"CERTSWAP_STAGING_KEYS": keys} if keys else {}
        done = servers.run(servers.CERTSWAP, ("dlq", "open", *arguments), self.kafka_settings("operator") | more,
                           **options)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def dead_letter_of_plain(self):
        """(its value before it was encrypted, the letter) of an enrollment in clear."""
        identity, password = self.new_identity(), self.new_password()
        event = enrollment(self.new_certificate_id(), plain_credential(identity.pfx(password), password),
                           identity.thumbprint)
        return (self.client.schemas.encode("CertificateEnrolled", event), password,
                self.client.dead_letter(self.client.enroll(event)))

    def test_dead_letters_are_encrypted(self):
        """Of events and commands; whoever has the staging keys, and only that one, gets the record as it was."""
        value, password, letter = self.dead_letter_of_plain()
        self.assertEqual([], self.secrets.found_in(letter.value))
        self.assertEqual([], self.secrets.found_in(str(letter.header_list).encode()))
        self.assertEqual(value, self.client.open_dead_letter(letter, {"test": STAGING_KEY}))
        self.assertEqual(len(value) + 28, len(letter.value))
        poison = b"a command that cannot be read, with a password: " + password.encode()
        headers = [("certswap-encrypted", b"not by us"), ("theirs", b"kept")]
        for topic, group in ((COMMANDS, "certswap"), (RETRY, "certswap"), (RENEWALS, "certswap-staging")):
            with self.subTest(topic):
                letter = self.client.dead_letter(self.client.send(topic, "k", poison, headers))
                self.assertEqual(poison, self.client.open_dead_letter(letter, {"test": STAGING_KEY}))
                self.assertEqual([("theirs", b"kept"), ("certswap-encrypted", b"test")],
                                 [pair for pair in letter.header_list if not pair[0].startswith("__connect")])
                self.assertEqual((b"k", group), (letter.key, letter.headers["__connect.errors.connector.name"]))
                letter = self.client.dead_letter(self.client.send(topic, "k", None, headers))
                self.assertIsNone(letter.value)
                self.assertNotIn("certswap-encrypted", letter.headers)
        letter = self.client.dead_letter(self.client.send(INVENTORY, "k", b"no secret", headers))
        self.assertEqual(b"no secret", letter.value)
        self.assertNotIn("certswap-encrypted", letter.headers)

    def test_dlq_open(self):
        _, password, letter = self.dead_letter_of_plain()
        at = ("--at", f"{letter.partition}/{letter.offset}")
        (view,), _ = self.dlq_open(*at)
        self.assertEqual("(hidden)", view["value"]["credential"]["password"])
        self.assertEqual(letter.key.decode(), view["key"])
        self.assertEqual(letter.headers, view["headers"])
        (view,), _ = self.dlq_open(*at, "--show-secrets")
        self.assertEqual(password, view["value"]["credential"]["password"])
        poison = f"poison with a password: {password}".encode()
        other = self.client.dead_letter(self.client.send(COMMANDS, "k", poison))
        (view,), _ = self.dlq_open("--at", f"{other.partition}/{other.offset}")
        self.assertEqual({"undecoded", "bytes"}, set(view["value"]))
        views, said = self.dlq_open("--show-secrets", keys="new:" + "A" * 43 + "=\n" + STAGING_KEYS)
        found = {(view["partition"], view["offset"]): view for view in views}
        self.assertEqual(poison, base64.b64decode(found[other.partition, other.offset]["value"]["base64"]))
        self.assertEqual(len(self.client.read_all(DLQ)), len(views))
        self.dlq_open("--at", "0/999999", status=65)
        if any("certswap-encrypted" not in view["headers"] for view in views):
            self.assertIn("not encrypted", said)

    def test_dlq_open_of_what_watch_prints(self):
        """From a file, without Kafka; each fault says what it is, and holds nothing else up."""
        _, password, letter = self.dead_letter_of_plain()
        shown = self.tool("watch", "dlq", "--from-beginning", "--until-end")
        self.assertEqual([], self.secrets.found_in(shown.stdout.encode()))
        views = [json.loads(line) for line in shown.stdout.splitlines()]
        view = next(v for v in views if (v["partition"], v["offset"]) == (letter.partition, letter.offset))
        self.assertEqual("test", view["value"]["encrypted"])

        def opened(*given, status=0, keys=STAGING_KEYS):
            path = os.path.join(self.folder, "letters.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(json.dumps(one) for one in given))
            environment = {"CERTSWAP_STAGING_KEYS": keys} if keys else {}
            done = servers.run(servers.CERTSWAP, ("dlq", "open", "--show-secrets", path), environment)
            self.assertEqual(status, done.returncode, done.stdout + done.stderr)
            return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

        self.assertEqual(password, opened(view)[0][0]["value"]["credential"]["password"])
        faulty = {"was altered": copy.deepcopy(view), "or belongs elsewhere": copy.deepcopy(view),
                  "under the staging key gone,": copy.deepcopy(view), "are not all there": copy.deepcopy(view),
                  "its encrypted value is not there": copy.deepcopy(view)}
        altered, elsewhere, unknown, placeless, valueless = faulty.values()
        raw = bytearray(letter.value)
        raw[-1] ^= 1
        altered["value"]["base64"] = base64.b64encode(raw).decode()
        elsewhere["headers"]["__connect.errors.offset"] += "0"
        unknown["headers"]["certswap-encrypted"] = "gone"
        del placeless["headers"]["__connect.errors.topic"]
        del valueless["value"]["base64"]
        for words, one in faulty.items():
            with self.subTest(words):
                views, said = opened(one, view, status=65)
                self.assertIn(words, said)
                self.assertEqual(password, views[0]["value"]["credential"]["password"], "the other is shown")
        self.assertIn("set CERTSWAP_STAGING_KEYS", opened(view, status=78, keys=None)[1])
        plain = copy.deepcopy(view)
        del plain["headers"]["certswap-encrypted"]
        views, said = opened(plain, keys=None)
        self.assertEqual(([plain], True), (views, "it is not encrypted" in said))

    def test_sealed_credentials_that_do_not_open(self):
        identity, password = self.new_identity(), self.new_password()
        body = self.client.schemas.encode_body("Credential", {
            "format": "PKCS12", "content": identity.pfx(password), "password": password})
        cms = sealing.seal(self.service.certificate, body)
        stranger = certs.Identity("a stranger")
        cases = {"no CMS": b"sealed", "nothing": b"", "cut": cms[:-1], "a flipped bit": sealing.flipped(cms, -1),
                 "to another": sealing.seal(stranger.certificate, body),
                 "without authentication": sealing.seal(self.service.certificate, body, "-aes-256-cbc")}
        for name, value in cases.items():
            with self.subTest(name):
                self.refuse_event(sealed_credential("ab" * 32, value), "SEAL_INVALID", identity.thumbprint)

    def test_sealed_credentials_that_are_none(self):
        identity, password = self.new_identity(), self.new_password()
        record = {"format": "PKCS12", "content": identity.pfx(password), "password": password}
        body = self.client.schemas.encode_body("Credential", record)
        cases = {"empty": b"", "cut": body[:-1], "more behind it": body + b"x", "no format of ours": b"\x04" + body[1:],
                 "a length without end": b"\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                 "framed": self.client.schemas.encode("Credential", record), "text": b"a password",
                 "garbage within": self.client.schemas.encode_body("Credential", record | {"content": b"garbage"}),
                 "wrong password": self.client.schemas.encode_body("Credential", record | {"password": "wrong"})}
        for name, content in cases.items():
            with self.subTest(name):
                self.refuse_event(sealed_credential("ab" * 32, sealing.seal(self.service.certificate, content)),
                                  "CREDENTIAL_INVALID", identity.thumbprint)

    def test_passwords(self):
        """Every way in which a password can come."""
        existing, (store,) = self.held_by(agent(certs.Identity("agent", self.ca)))
        new, _, _ = self.stage()
        self.add_stores(existing, new, [store])
        sealed = self.sealed(self.new_password())
        stranger = certs.Identity("a stranger")
        refused = {
            "plain": self.new_password(), "no CMS": dict(sealed, cms=b"sealed"), "empty CMS": dict(sealed, cms=b""),
            "cut": dict(sealed, cms=sealed["cms"][:-3]),
            "flipped tag": dict(sealed, cms=sealing.flipped(sealed["cms"], -1)),
            "flipped text": dict(sealed, cms=sealing.flipped(sealed["cms"], -17)),
            "to another": self.sealed("password", stranger), "CBC": self.sealed("password", cipher="-aes-256-cbc"),
            "no UTF-8": self.sealed(b"pass\xffword"), "too long": self.sealed("x" * (PASSWORD_MAX + 1)),
        }
        for name, password in refused.items():
            with self.subTest(name):
                result, jobs = self.replace(existing, new, password=password)
                self.assert_rejected(result, "SEAL_INVALID")
                self.assertEqual({}, jobs)
        for name, password in {"none": None, "plain and empty": "", "sealed and empty": self.sealed("")}.items():
            with self.subTest(name):
                result, jobs = self.replace(existing, new, password=password)
                self.assertEqual("COMPLETED", result.record["status"], result.record)
                self.assertEqual(1, len(jobs))
        for to in (self.service, self.service_rsa):
            self.assertEqual("COMPLETED", self.replace(
                existing, new, password=self.sealed("pässwörd ☃", to))[0].record["status"])
        self.assertEqual("COMPLETED", self.replace(
            existing, new, password=self.sealed("x" * PASSWORD_MAX), dryRun=True)[0].record["status"])

    def test_order_of_rejections(self):
        broken = {"recipient": "ab" * 32, "cms": b"sealed"}
        nobody = {"user": ALICE, "permissions": []}
        for password in (broken, "plain"):
            self.assert_rejected(self.replace(1, 999_001, password=password, jobTime="never")[0], "INVALID_COMMAND")
            self.assert_rejected(self.replace(1, 999_001, password=password, principal=nobody)[0], "FORBIDDEN")
            self.assert_rejected(self.replace(1, 999_001, password=password)[0], "SEAL_INVALID")
        self.assert_rejected(self.replace(1, 999_001, password=self.sealed("good"))[0], "NOT_STAGED")

    def test_an_empty_sealed_password_is_no_entry_password(self):
        existing, (store,) = self.held_by(agent(certs.Identity("agent", self.ca)), type=store_type(entry_password=True))
        new, _, _ = self.stage()
        self.add_stores(existing, new, [store])
        result, _ = self.replace(existing, new, password=self.sealed(""))
        self.assertEqual(["ENTRY_PASSWORD_REQUIRED"], [f["code"] for f in result.record["failures"]])
        self.assertEqual("COMPLETED", self.replace(existing, new, password=self.sealed("x1"))[0].record["status"])

    def test_agents_whose_jobs_cannot_be_sealed(self):
        """They fail alone, retryable, each with its reason; a dry run says the same."""
        good = certs.Identity("good agent", self.ca)
        agents = {
            "good": agent(good), "none": agent(None), "expired": agent(certs.Identity("expired", self.ca, days=-1)),
            "garbage": agent(b"\x30\x03\x02\x01\x01"), "empty": agent(b""),
            "signs only": agent(certs.Identity("signer", self.ca, usage=("digital_signature",))),
            "signs only, RSA": agent(certs.Identity("signer", self.ca, "RSA-2048", usage=("digital_signature",))),
            "Ed25519": agent(certs.Identity("signer", self.ca, "Ed25519")), "again": agent(good),
        }
        existing, stores = self.held_by(*agents.values())
        new, _, _ = self.stage()
        self.add_stores(existing, new, stores)
        ids = dict(zip(agents, (store["storeId"] for store in stores)))
        for dry in (True, False):
            result, jobs = self.replace(existing, new, password=self.sealed(self.new_password()), dryRun=dry)
            self.assertEqual("PARTIAL", result.record["status"])
            self.assertEqual(sorted([ids["good"], ids["again"]]), result.record["successfulStores"])
            self.assertEqual(set() if dry else {(ids["good"], "x"), (ids["again"], "x")}, set(jobs))
            failures = self.failures_of(result)
            for name in set(agents) - {"good", "again"}:
                with self.subTest(name, dry=dry):
                    failure = failures[ids[name]]
                    self.assertEqual(("SEALING_FAILED", True), (failure["code"], failure["retryable"]))
                    self.assertGreater(len(failure["message"]), 20)
        self.assertIn("expired", failures[ids["expired"]]["message"])
        self.assertIn("no certificate", failures[ids["none"]]["message"])

    def test_what_is_sealed_is_nowhere_in_clear(self):
        """Not in Kafka, events and jobs alike; the class's end looks at logs and Redis."""
        existing, (store,) = self.held_by(agent(certs.Identity("agent", self.ca)))
        new, _, _ = self.stage()
        self.add_stores(existing, new, [store])
        self.replace(existing, new, password=self.sealed(self.new_password()))
        command = replace_command(existing, new, password=self.sealed(self.new_password()))
        self.client.outcome(self.client.command(command))
        self.assertEqual([], [message for message in self.client.read_all(JOBS, DLQ)
                              if self.secrets.found_in(message.value or b"")])
        plain = {message.key for message in self.client.read_all(ENROLLMENTS)
                 if self.secrets.found_in(message.value or b"")}
        refused = {letter.key for letter in self.client.read_all(DLQ)}
        self.assertLessEqual(plain, refused, "only what was sent in clear, and was refused")


class Mixed(SealedTest):
    """CERTSWAP_REQUIRE_SEALED=false: plain is taken too, and jobs are sealed where they can be."""

    require = "false"

    def test_mixed_agents(self):
        sealed_to = certs.Identity("agent", self.ca, "RSA-2048")
        agents = {"sealed": agent(sealed_to), "plain": agent(None),
                  "expired": agent(certs.Identity("expired", self.ca, days=-1))}
        existing, stores = self.held_by(*agents.values())
        ids = dict(zip(agents, (store["storeId"] for store in stores)))
        identity, pfx_password, password = self.new_identity(), self.new_password(), self.new_password()
        plain_id = self.new_certificate_id()
        self.client.enroll(enrollment(plain_id, plain_credential(identity.pfx(pfx_password), pfx_password),
                                      identity.thumbprint))
        self.wait_staged(plain_id)
        sealed_id, _, _ = self.stage(identity)
        self.add_stores(existing, sealed_id, stores)
        for new, sent in ((plain_id, self.sealed(password)), (sealed_id, password)):
            result, jobs = self.replace(existing, new, password=sent)
            self.assertEqual("PARTIAL", result.record["status"])
            self.assertEqual({ids["expired"]: "SEALING_FAILED"},
                             {store: failure["code"] for store, failure in self.failures_of(result).items()})
            kind, plain = jobs[ids["plain"], "x"].record["credential"]
            self.assertEqual("io.certswap.v1.Credential", kind)
            credential = self.open_job(jobs[ids["sealed"], "x"], sealed_to)
            self.assertEqual(plain, credential)
            self.assertEqual(password, credential["password"])
            self.assertEqual(identity.certificate, open_pkcs12(credential["content"], password).leaf)

    def test_sealed_that_does_not_open_is_refused_here_too(self):
        self.assert_rejected(self.replace(1, 999_001, password=dict(self.sealed("x"), cms=b"no"))[0], "SEAL_INVALID")


class Rotation(SealedTest):
    """Pairs come and go without a restart, while commands run."""

    def setUp(self):
        self.store_agent = certs.Identity("agent", self.ca)
        self.existing, (store,) = self.held_by(agent(self.store_agent))
        self.new, _, _ = self.stage()
        self.add_stores(self.existing, self.new, [store])
        self.sent = []

    def load(self, *to):
        """A command for each identity, sealed to it, whose result is not waited for."""
        for identity in to:
            password = self.sealed(f"for {identity.common_name}", identity)
            command = replace_command(self.existing, self.new, password=password)
            self.client.send_later(COMMANDS, command["commandId"],
                                   self.client.schemas.encode("ReplaceCommand", command))
            self.sent.append(command["commandId"])
        self.client.flush()

    def opens(self, identity):
        """Whether a dry run with a password sealed to the identity is carried out, under load by the others."""
        result, _ = self.replace(self.existing, self.new, password=self.sealed("probe", identity), dryRun=True)
        self.assertIn(result.record["status"], ("COMPLETED", "REJECTED"))
        if result.record["status"] == "REJECTED":
            self.assertEqual("SEAL_INVALID", result.record["rejection"]["code"])
        return result.record["status"] == "COMPLETED"

    def assert_all_completed(self):
        for command_id in self.sent:
            self.assertEqual("COMPLETED", self.client.result(command_id).record["status"])

    def until(self, condition, what, *load):
        def reached():
            self.load(*load)
            return condition()
        servers.wait_for(reached, what, timeout_s=60)

    def failures(self):
        line = next(line for line in self.daemon.metrics().splitlines()
                    if line.startswith("certswap_sealing_refresh_failures_total "))
        return int(line.split()[1])

    def test_rotation_under_load(self):
        old, new = self.service, certs.Identity("certswap, the next", self.ca, "RSA-2048")
        self.secrets.add("the next pair's key", new.secret_bytes())
        self.assertFalse(self.opens(new))
        publish(self.pairs, {"tls": old, "rsa": self.service_rsa, "next": new})
        # each pipeline finds the pair on its own: who seals to it before all have it may be refused
        self.until(lambda: all(self.opens(new) for _ in range(8)), "every pipeline to have the new pair", old)
        self.load(*[old, new] * 10)
        publish(self.pairs, {"tls": new, "rsa": self.service_rsa})
        self.until(lambda: not any(self.opens(old) for _ in range(8)), "the old pair to be gone", new)
        type(self).service = new
        self.stage()  # events are opened by the new pair too
        self.load(*[new] * 10)
        self.assert_all_completed()

    def test_a_folder_that_breaks_keeps_the_old_pairs(self):
        before = self.failures()
        pairs = {"tls": self.service, "rsa": self.service_rsa}
        publish(self.pairs, pairs, **{"broken.crt": b"no certificate"})
        self.until(lambda: self.failures() > before, "the failure to be counted", self.service_rsa)
        self.assertTrue(self.opens(self.service_rsa))
        told = [line for line in self.daemon.log() if "broken.crt" in str(line)]
        self.assertTrue(told, "the log names the file")
        publish(self.pairs, pairs)
        self.load(self.service_rsa)
        self.assert_all_completed()


if __name__ == "__main__":
    main()
