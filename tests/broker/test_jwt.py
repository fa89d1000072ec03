"""CERTSWAP_AUTH=jwt from end to end: the token in a command decides alone, judged when the command was first seen. The
issuer is independent code (tests/clients/python/tokens.py)."""
import json
import os
import time

import support  # noqa: F401
from contract import (ALL_STORES, COMMANDS, ENROLLMENTS, RESULTS, RETRY, OpenTransaction, enrollment, entry, inventory,
                      new_id, now_ms, plain_credential, replace_command)
from harness import BrokerTest, certs, main, servers

import key_server
import tokens

ALICE = "DOMAIN\\alice"
ISSUER, AUDIENCE = "https://issuer.example", "certswap"
LEEWAY_S = 60


class Jwt(BrokerTest):
    daemon_at_start = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = {"ec": certs.make_key("P-256"), "rsa": certs.make_key("RSA-2048")}
        cls.path = os.path.join(cls.folder, "keys.json")
        cls.publish()
        cls.settings = {"CERTSWAP_AUTH": "jwt", "CERTSWAP_JWT_JWKS": cls.path, "CERTSWAP_JWT_ISSUER": ISSUER,
                        "CERTSWAP_JWT_AUDIENCE": AUDIENCE}
        cls.daemon = cls.start_daemon().wait_ready()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, cls.event = case.stage()
        cls.stores = [inventory([entry("x", cls.existing, "AB" * 20)], containerId=number) for number in (1, 2)]
        case.add_stores(cls.existing, cls.new, cls.stores)

    @classmethod
    def publish(cls):
        with open(cls.path + ".new", "w", encoding="ascii") as file:
            file.write(tokens.jwks(cls.keys))
        os.rename(cls.path + ".new", cls.path)

    def token(self, kid="ec", key=None, header=None, without=(), **claims):
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": ALICE, "permissions": list(ALL_STORES)} | claims
        made = tokens.token(key or self.keys[kid], kid, header,
                            **{name: value for name, value in said.items() if name not in without})
        self.secrets.add(f"a token of {said['sub']}", made)
        return made

    def replace(self, existing, certificate_id=None, headers=None, **fields):
        """With a good token, unless the fields bring another."""
        return super().replace(existing, certificate_id, headers, **{"authorization": self.token()} | fields)

    def command(self, **fields):
        return replace_command(self.existing, **{"certificateId": self.new, "principal": {"user": "", "permissions": []},
                                                 "authorization": self.token()} | fields)

    def reject(self, code, requested_by="", **fields):
        result = self.client.result(self.client.command(self.command(**fields)))
        self.assert_rejected(result, code)
        self.assertEqual(requested_by, result.record["requestedBy"])
        return result.record

    def results_of(self, command):
        return [message for message in self.client.messages
                if message.topic == RESULTS and message.record["commandId"] == command["commandId"]]

    # Whose the command is

    def test_the_token_decides_alone(self):
        strangers = {"user": "DOMAIN\\eve", "permissions": []}
        for name, token in (("EC", self.token()), ("RSA", self.token("rsa")), ("Bearer", "Bearer " + self.token()),
                            ("audiences", self.token(aud=["other", AUDIENCE])),
                            ("a text", self.token(permissions=" ".join(ALL_STORES)))):
            with self.subTest(name):
                result, jobs = self.replace(self.existing, self.new, principal=strangers, authorization=token)
                self.assertEqual("COMPLETED", result.record["status"], result.record)
                self.assertEqual(ALICE, result.record["requestedBy"])
                self.assertEqual(2, len(jobs))
                self.assertEqual({ALICE}, {job.record["requestedBy"] for job in jobs.values()})

    def test_the_principal_helps_nobody(self):
        powerful = {"user": ALICE, "permissions": list(ALL_STORES)}
        self.reject("UNAUTHENTICATED", principal=powerful, authorization=None)
        self.reject("FORBIDDEN", ALICE, principal=powerful, authorization=self.token(permissions=[]))
        self.reject("NOT_REQUESTER", "DOMAIN\\eve", principal=powerful, authorization=self.token(sub="DOMAIN\\eve"))

    def test_permissions_are_the_tokens(self):
        enroll, _ = ALL_STORES
        own = self.token(permissions=f"{enroll} /certificate_stores/schedule/2/")
        result, jobs = self.replace(self.existing, self.new, authorization=own)
        self.assertEqual("PARTIAL", result.record["status"])
        self.assertEqual({self.stores[1]["storeId"]}, {store for store, _ in jobs})
        self.assertEqual({"NOT_AUTHORIZED"}, {failure["code"] for failure in result.record["failures"]})

    def test_refused(self):
        now = int(time.time())
        none = ".".join(tokens.b64(json.dumps(part).encode()) for part in ({"alg": "none"}, {"sub": ALICE})) + "."
        cases = {
            "no token": None, "empty": "", "no JWT": "Bearer secret", "alg none": none,
            "expired": self.token(exp=now - LEEWAY_S - 5), "not yet": self.token(nbf=now + LEEWAY_S + 60),
            "no exp": self.token(exp=None), "other issuer": self.token(iss=ISSUER + "/"), "no issuer": self.token(without=["iss"]),
            "other audience": self.token(aud="other"), "no audience": self.token(without=["aud"]),
            "no user": self.token(sub=""), "key of another": self.token(key=certs.make_key("P-256")),
            "no kid": self.token(None, self.keys["ec"]), "key of another kind": self.token("rsa", self.keys["ec"]),
            "crit": self.token(header={"crit": ["exp"]}), "longer than 16 KiB": self.token(more="x" * 16384),
            "altered": self.token()[:-4] + "AAAA", "unknown kid": self.token("other", self.keys["ec"]),
        }
        for name, token in cases.items():
            with self.subTest(name):
                record = self.reject("UNAUTHENTICATED", authorization=token)
                self.assertEqual((self.new, None), (record["certificateId"], record["scheduledAt"]))

    def test_order(self):
        bad = "no token"
        self.reject("INVALID_COMMAND", jobTime="never", authorization=bad)
        self.reject("INVALID_COMMAND", storeIds=[], authorization=self.token())
        self.reject("UNAUTHENTICATED", certificateId=999_001, authorization=bad,
                    password={"recipient": "ab" * 32, "cms": b"sealed"})
        stranger = self.token(permissions=None, without=["permissions"])
        self.reject("FORBIDDEN", ALICE, certificateId=999_001, authorization=stranger,
                    password={"recipient": "ab" * 32, "cms": b"sealed"})
        self.reject("SEAL_INVALID", ALICE, certificateId=999_001, password={"recipient": "ab" * 32, "cms": b"sealed"})
        self.reject("NOT_STAGED", ALICE, certificateId=999_001)

    def test_a_conflict_proves_nobody(self):
        command = self.command(principal={"user": ALICE, "permissions": list(ALL_STORES)})
        self.client.result(self.client.command(command))
        self.client.command(command | {"dryRun": True})
        self.client.wait(lambda: len(self.results_of(command)) == 2, "the conflict")
        self.assert_rejected(self.results_of(command)[1], "COMMAND_ID_CONFLICT")
        self.assertEqual("", self.results_of(command)[1].record["requestedBy"])

    # When it is judged

    def sent_in_time(self, **fields):
        """A command that was read before its token expires, which it does in seconds; and when that is. On a machine
        that is slow the token is given more of them."""
        for seconds in (2, 8, 30):
            end = int(time.time()) + seconds
            command = self.command(authorization=self.token(exp=end - LEEWAY_S), **fields)
            self.client.command(command)
            self.client.wait(lambda c=command: self.results_of(c) or self.waits(c), "the command to be read")
            if not any(message.record["rejection"] for message in self.results_of(command)):
                return command, end
        raise TimeoutError("no command was read within 30 s")

    def waits(self, command):
        return any(message.key == command["commandId"].encode() for message in self.client.read_all(RETRY))

    def test_a_token_may_expire_while_its_command_waits(self):
        certificate_id, password = self.new_certificate_id(), self.new_password()
        gate = OpenTransaction(self.client, ENROLLMENTS)
        gate.enroll(enrollment(certificate_id, plain_credential(self.identity.pfx(password), password),
                               self.identity.thumbprint))
        self.addCleanup(gate.commit)
        command, end = self.sent_in_time(certificateId=certificate_id)
        self.client.wait(lambda: time.time() > end + 0.5, "the token to expire")
        self.assertEqual([], self.results_of(command))
        late = self.reject("UNAUTHENTICATED", authorization=command["authorization"])
        self.assertIn("expired", late["rejection"]["message"])
        self.doCleanups()
        result, jobs = self.client.outcome(command["commandId"])
        self.assertEqual(("COMPLETED", ALICE, 2), (result.record["status"], result.record["requestedBy"], len(jobs)))

    def test_first_seen_is_what_the_retry_record_says(self):
        hour = 3600
        now = int(time.time())
        for name, token, status in (("expired since", self.token(exp=now - hour + 5), "COMPLETED"),
                                    ("good since", self.token(nbf=now - 300), "REJECTED")):
            with self.subTest(name):
                command = self.command(authorization=token)
                self.client.send(RETRY, command["commandId"], self.client.schemas.encode("ReplaceCommand", command), [
                    ("certswap-origin", f"{COMMANDS}/0/{10 ** 9 + len(name)}".encode()), ("certswap-attempt", b"1"),
                    ("certswap-first-seen", str(now_ms() - hour * 1000).encode()), ("certswap-not-before", b"1")])
                record = self.client.result(command["commandId"]).record
                self.assertEqual(status, record["status"], record)
                if status == "REJECTED":
                    self.assertEqual("UNAUTHENTICATED", record["rejection"]["code"])

    def test_a_duplicate_is_not_judged_again(self):
        command, end = self.sent_in_time()
        self.client.wait(lambda: self.results_of(command), "the result")
        self.client.wait(lambda: time.time() > end + 0.5, "the token to expire")
        self.client.command(command)
        self.client.wait(lambda: len(self.results_of(command)) == 2, "the result again")
        first, again = self.results_of(command)
        self.assertEqual("COMPLETED", first.record["status"])
        self.assertEqual(first.value, again.value)

    # By which keys

    def test_a_new_key_counts_for_the_first_command_that_names_it(self):
        kid = new_id()
        self.keys[kid] = certs.make_key("P-384")
        self.publish()
        result, _ = self.replace(self.existing, self.new, authorization=self.token(kid))
        self.assertEqual("COMPLETED", result.record["status"], result.record)
        metrics = self.daemon.metrics()
        self.assertIn(f"\ncertswap_key_set_keys {len(self.keys)}\n", metrics)
        self.assertIn("\ncertswap_key_set_refresh_failures_total 0\n", metrics)

    def test_the_tool_sends_a_token(self):
        path = os.path.join(self.folder, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.token() + "\n")
        words = ["replace", "--wait", "-e", str(self.existing), "-c", str(self.new)]
        done = self.tool(*words, "--token-file", path)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(ALICE, json.loads(done.stdout)["requestedBy"])
        os.environ["TEST_TOKEN"] = self.token("rsa")
        self.addCleanup(os.environ.pop, "TEST_TOKEN")
        self.assertEqual(0, self.tool(*words, "--token-env", "TEST_TOKEN").returncode)
        done = self.tool(*words, "--token-env", "TEST_TOKEN_THAT_IS_NOT_SET")
        self.assertEqual(64, done.returncode, done.stderr)
        self.assertEqual(13, self.tool(*words, "--user", ALICE).returncode, "no token")

    # Runs last of the class: it ends the others' daemon.
    def test_zz_a_key_server(self):
        self.daemon.stop()
        ca = certs.Identity("key CA", ca=True)
        identity = certs.Identity("keys", ca, names=("127.0.0.1",))
        ca_file = os.path.join(self.folder, "key-ca.pem")
        with open(ca_file, "wb") as file:
            file.write(ca.certificate.public_bytes(certs.PEM))
        server = key_server.KeyServer(identity, self.folder)
        self.addCleanup(server.stop)
        port = server.port
        url = f"https://127.0.0.1:{port}/keys"
        server.stop()
        daemon = self.start_daemon(CERTSWAP_JWT_JWKS=url, CERTSWAP_JWT_CA=ca_file)
        servers.wait_for(lambda: f"keys: waits for the key set of {url}: " in daemon.get("/readyz")[1], "the reason")
        commands = [self.command(), self.command(authorization="no token"), self.command(storeIds=[])]
        for command in commands:
            self.client.command(command)
        servers.wait_for(lambda: "waits for the key set that tokens are verified by" in daemon.get("/readyz")[1],
                         "all else to be ready")
        self.assertEqual([], [result for command in commands for result in self.results_of(command)])
        self.assertEqual(200, daemon.get("/livez")[0])

        server = key_server.KeyServer(identity, self.folder, port)
        self.addCleanup(server.stop)
        server.body = tokens.jwks(self.keys).encode()
        daemon.wait_ready()
        codes = [(self.client.result(command["commandId"]).record["rejection"] or {}).get("code") for command in commands]
        self.assertEqual([None, "UNAUTHENTICATED", "INVALID_COMMAND"], codes)

        server.stop()
        self.assertEqual("COMPLETED", self.replace(self.existing, self.new)[0].record["status"])
        self.assertEqual(200, daemon.get("/readyz")[0], "it rejects nobody whose key is known")
        waiting = self.command(authorization=self.token("later", self.keys["ec"]))
        self.client.command(waiting)
        self.client.wait(lambda: self.waits(waiting), "the command to wait")
        self.assertEqual([], self.results_of(waiting), "the server may have the key")
        self.served_later(server, identity, port, waiting, daemon)

    def served_later(self, server, identity, port, waiting, daemon):
        if not os.environ.get("TEST_LONG"):
            return
        servers.wait_for(lambda: "certswap_key_set_refresh_failures_total 0\n" not in daemon.metrics(), "it to ask", 60)
        server = key_server.KeyServer(identity, self.folder, port)
        self.addCleanup(server.stop)
        server.body = tokens.jwks(self.keys | {"later": self.keys["ec"]}).encode()
        self.assertEqual("COMPLETED", self.client.result(waiting["commandId"], 60).record["status"])


if __name__ == "__main__":
    main()
