"""certswap gateway: callers of Keyfactor's POST Enrollment/PFX/Replace, by HTTP alone, against a real certswapd."""
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import support  # noqa: F401
from certs import open_pkcs12
from contract import ALL_STORES, COMMANDS, RESULTS, conflict_id, enrollment, new_id
from gateway import PATH
from gateway_bounds import Bounds
from gateway_case import ALICE, TOKEN, GatewayTest
from harness import main, servers

CLIENTS = os.path.join(servers.SOURCE, "tests", "clients")
GO_CLIENT = os.path.join(CLIENTS, "go", "run")


class Answers:
    """A mixin of the one class that has the servers, as are the next."""

    def test_curl(self):
        password = self.new_password()
        body = {"ExistingCertificateId": self.existing, "CertificateId": self.new, "Password": password}
        done = subprocess.run(["curl", "-sS", "-D", "-", "-d", json.dumps(body),
                               f"http://127.0.0.1:{self.open.serving}{PATH}"], capture_output=True, text=True,
                              timeout=60, check=True)
        head, _, text = done.stdout.partition("\n\n" if "\r\n\r\n" not in done.stdout else "\r\n\r\n")
        self.assertIn("200 OK", head)
        self.assertEqual(sorted(store["storeId"] for store in self.stores), json.loads(text)["SuccessfulStores"])
        command_id = next(line.split()[1] for line in head.splitlines() if line.startswith("x-certswap-command-id"))
        command = self.command(command_id)
        self.assertEqual({"user": ALICE, "permissions": ALL_STORES}, command["principal"])
        self.assertIsNone(command["authorization"])
        self.assertEqual({"recipient", "cms"}, set(command["password"]))
        _, jobs = self.client.outcome(command_id)
        self.assertEqual(2, len(jobs))
        for job in jobs.values():
            _, credential = job.record["credential"]
            self.assertEqual(password, credential["password"])
            self.assertEqual(self.identity.certificate, open_pkcs12(credential["content"], password).leaf)

    def test_forms_of_a_request(self):
        """Content types, case of names, paths and headers, as clients of an ASP.NET API may write them."""
        whole = self.asks(Password=None, JobTime=None, RequestId=None)
        for content_type in ("application/json", "application/json; charset=utf-8", "text/json; charset=\"UTF-8\"",
                             "application/json-patch+json", "application/vnd.x+json", None):
            with self.subTest(content_type):
                self.assert_stores(self.open.request(whole, Content_Type=content_type))
        lower = {"existingCertificateId": self.existing, "requestid": self.new + 1_000_000, "certificateID": 0}
        self.assert_stores(self.open.request(lower, path=PATH.lower() + "/", x_keyfactor_requested_with="XMLHttpRequest",
                                             x_keyfactor_api_version="1.0"))
        self.assert_stores(self.open.request("\ufeff".encode() + json.dumps(self.asks()).encode()))
        self.assert_stores(self.narrow.request(self.asks(), path="/Enrollment/PFX/Replace"))
        kept = self.open.connect()
        for _ in range(3):
            self.assert_stores(self.open.request(self.asks(), connection=kept))
        kept.close()

    def test_job_time(self):
        for text, wanted in (("2126-11-19T16:23:01.1234567+01:00", "2126-11-19T15:23:01.123000Z"),
                             ("2126-11-19T16:23:01.123456789Z", "2126-11-19T16:23:01.123000Z"),
                             ("2001-11-19T16:23:01Z", None)):
            with self.subTest(text):
                answer = self.open.request(self.asks(JobTime=text))
                self.assert_stores(answer)
                at = self.client.result(answer.command_id).record["scheduledAt"]
                found = at and time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + ".%03d000Z" % (at % 1000)
                self.assertEqual(wanted, found)

    def test_what_the_service_rejects(self):
        """By each code that a claims-mode service gives a request of this kind."""
        expired, foreign, broken, plain = (self.new_certificate_id() for _ in range(4))
        identity, password = self.new_identity(), self.new_password()
        credential = self.credential_of(identity.pfx(password), password)
        self.client.enroll(enrollment(expired, credential, identity.thumbprint, occurredAt=1_700_000_000_000))
        self.client.enroll(enrollment(foreign, credential, identity.thumbprint, requester="bob"))
        self.client.enroll(enrollment(broken, credential, "AB" * 20))
        self.client.enroll(enrollment(plain, credential, identity.thumbprint, certificateFormat="PFX"))
        for certificate in (expired, foreign, broken):
            self.wait_marker(certificate)
        for status, code, certificate in ((404, "STAGING_EXPIRED", expired), (403, "NOT_REQUESTER", foreign),
                                          (409, "CREDENTIAL_INVALID", broken), (404, "NOT_STAGED", plain)):
            with self.subTest(code):
                answer = self.assert_error(self.open.request(self.asks(CertificateId=certificate)), status, code)
                record = self.client.result(answer.json["CommandId"]).record
                self.assertEqual((code, answer.json["Message"]),
                                 (record["rejection"]["code"], record["rejection"]["message"]))
        # Found only through its request: the service says it, not the gateway.
        itself = self.open.request({"ExistingCertificateId": self.new, "RequestId": self.new + 1_000_000})
        self.assert_error(itself, 400, "INVALID_COMMAND")
        self.assertEqual({"SuccessfulStores": [], "FailedStores": []},
                         self.open.request(self.asks(ExistingCertificateId=self.new_certificate_id())).json)
        self.client.enroll(enrollment(self.new_certificate_id(), credential, identity.thumbprint))

    def test_what_the_gateway_refuses(self):
        sent = len(self.client.read_all(COMMANDS))
        ids = {"ExistingCertificateId": self.existing}
        for body in ("", "{", "[]", "null", "{\"ExistingCertificateId\":1,\"ExistingCertificateId\":1}", {}, ids,
                     self.asks(RequestId=3), self.asks(CertificateId=self.existing), self.asks(CertificateId=-1),
                     self.asks(ExistingCertificateId=0), self.asks(CertificateId="5"), self.asks(CertificateId=5.0),
                     self.asks(CertificateId=2**31), self.asks(CertificateId=2**65), self.asks(CertificateId=True),
                     self.asks(JobTime="2026-11-19T16:23:01"), self.asks(JobTime=""), self.asks(JobTime=5),
                     self.asks(Password=5), self.asks(Password="a\0b"), self.asks(Password="x" * 4097),
                     self.asks(StoreIds=[]), self.asks(certificateid=self.new), b"{\"Password\":\"\xff\"}",
                     "[" * 3000, self.asks(ExistingCertificateId={"a": [1]})):
            with self.subTest(body if len(body) < 100 else len(body)):
                self.assert_error(self.open.request(body), 400, "INVALID_COMMAND")
        for status, code, how in ((404, "NOT_FOUND", {"path": "/KeyfactorAPI/Enrollment/PFX"}),
                                  (404, "NOT_FOUND", {"path": "/Enrollment/PFX/Replace"}),
                                  (405, "METHOD_NOT_ALLOWED", {"method": "PUT"}),
                                  (415, "UNSUPPORTED_MEDIA_TYPE", {"Content_Type": "text/plain"}),
                                  (415, "UNSUPPORTED_MEDIA_TYPE", {"Content_Type": "application/json; charset=utf-16"}),
                                  (400, "INVALID_COMMAND", {"x_keyfactor_api_version": "2"}),
                                  (400, "INVALID_COMMAND", {"Idempotency_Key": "7"}),
                                  (403, "FORBIDDEN", {"Origin": "https://example.com"})):
            with self.subTest(how):
                answer = self.assert_error(self.open.request(self.asks(), **how), status, code)
                self.assertEqual("POST" if status == 405 else None, answer.headers["Allow"])
        self.assertEqual(sent, len(self.client.read_all(COMMANDS)), "nothing was sent for any of them")

    def test_idempotency_key(self):
        key = new_id()
        first = self.open.request(self.asks(Password="p"), Idempotency_Key=key)
        self.assert_stores(first)
        self.assertEqual(key, first.command_id)
        again = self.open.request(self.asks(Password="p"), Idempotency_Key=f'"{key.upper()}"')
        self.assertEqual((first.text, key), (again.text, again.command_id))
        other = self.assert_error(self.open.request(self.asks(), Idempotency_Key=key), 409, "COMMAND_ID_CONFLICT")
        self.assertEqual(key, other.json["CommandId"])
        self.assertEqual(1, len(self.commands(key)))
        # Another gateway knows nothing of it: there the service says so, and the first one's callers are not misled.
        elsewhere = self.narrow.request(self.asks(Password="p"), path="/Enrollment/PFX/Replace", Idempotency_Key=key)
        self.assert_error(elsewhere, 409, "COMMAND_ID_CONFLICT")
        self.assertIn(conflict_id(key, self.commands(key)[1]),
                      [message.record["resultId"] for message in self.client.read_all(RESULTS)])

    def test_many_at_once(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.open.request(self.asks()))) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(32, len({answer.command_id for answer in answers}))
        for answer in answers:
            self.assert_stores(answer)

    def test_log(self):
        before = len(self.open.requests_logged())
        answer = self.open.request(self.asks(), path=PATH + "?token=in-the-query")
        line = servers.wait_for(lambda: self.open.requests_logged()[before:], "the request's line")[0]
        self.assertEqual(("127.0.0.1", "POST", PATH, 200, answer.command_id, True),
                         tuple(line[name] for name in ("client", "method", "path", "status", "command_id", "delivered")))
        self.assertEqual([], [line for line in self.open.log() if "in-the-query" in json.dumps(line)])
        self.assertTrue([line for line in self.open.log() if "INSECURE" in line["message"]])

    def test_metrics(self):
        before = self.counted(200)
        self.assert_stores(self.open.request(self.asks()))
        servers.wait_for(lambda: self.counted(200) > before, "the request to be counted")
        text = self.open.metrics()
        self.assertIn('certswap_build_info{version="', text)
        self.assertNotIn("certswap_jobs_total", text)
        self.assertNotIn("certswap_gateway", self.daemon.metrics())

    def counted(self, status):
        line = f'certswap_gateway_requests_total{{status="{status}"}} '
        return int(next(found for found in self.open.metrics().splitlines() if found.startswith(line)).split()[1])


class Tokens:
    def test_without_a_token(self):
        for header in (None, "Basic YTpi", "Bearer", "Bearer a b", "Bearer \u00fc", "Bearer " + "a" * 20000):
            with self.subTest(header and header[:20]):
                answer = self.assert_error(self.tls.request(self.asks(), Authorization=header and header.encode("latin-1")),
                                           401, "UNAUTHENTICATED") if len(header or "") < 10000 else None
                if answer is not None:
                    self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        self.assert_error(self.tls.request(method="GET", path="/KeyfactorAPI/Status/Endpoints"), 401, "UNAUTHENTICATED")

    def test_the_token_is_handed_on(self):
        """And a service that trusts claims does nothing for it."""
        password = self.new_password()
        answer = self.tls.request(self.asks(Password=password), Authorization="bearer  " + TOKEN)
        self.assert_error(answer, 400, "INVALID_COMMAND")
        command = self.command(answer.json["CommandId"])
        self.assertEqual((TOKEN, {"user": "", "permissions": []}), (command["authorization"], command["principal"]))
        self.assertEqual({"recipient", "cms"}, set(command["password"]))

    def test_the_service_judges_the_token(self):
        self.assert_stores(self.patiently_stores(self.judged, Authorization=self.token()))
        now = int(time.time())
        for status, code, claims in ((401, "UNAUTHENTICATED", {"exp": now - 3600}),
                                     (401, "UNAUTHENTICATED", {"aud": "another"}),
                                     (403, "FORBIDDEN", {"permissions": ["/certificates/enrollment/pfx/"]}),
                                     (403, "NOT_REQUESTER", {"sub": "DOMAIN\\eve"})):
            with self.subTest(claims):
                answer = self.assert_error(self.judged.request(self.asks(), Authorization=self.token(**claims)), status, code)
                wanted = 'Bearer realm="certswap", error="invalid_token"' if status == 401 else None
                self.assertEqual(wanted, answer.headers["WWW-Authenticate"])

    def patiently_stores(self, gateway, **how):
        """The answer once this certswapd's inventory, which it reads by itself, shows all stores."""
        def found():
            answer = gateway.request(self.asks(), **how)
            everywhere = answer.status == 200 and len(answer.json["SuccessfulStores"] + answer.json["FailedStores"]) == 3
            return everywhere and answer
        return servers.wait_for(found, "all stores")

    def test_tls(self):
        context = ssl.create_default_context(cafile=self.ca_file)
        with socket.create_connection(("127.0.0.1", self.tls.serving)) as plain, \
                context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
            self.assertEqual("TLSv1.3", wrapped.version())
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", self.tls.serving)) as plain, self.assertRaises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="127.0.0.1")
        with socket.create_connection(("127.0.0.1", self.tls.serving), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1 200", plain.recv(100))

    def test_keyfactors_go_sdk(self):
        built = subprocess.run([GO_CLIENT, "--build"], capture_output=True, text=True, timeout=900, check=False)
        if built.returncode == 3 and os.environ.get("CI") != "true":
            self.skipTest(built.stderr.strip())
        self.assertEqual(0, built.returncode, built.stderr)
        self.patiently_stores(self.judged, Authorization=self.token())
        password = self.new_password()
        asked = [{"Existing": self.existing, "Certificate": self.new, "Password": password,
                  "JobTime": "2126-11-19T16:23:01.123456789+01:00"},
                 {"Existing": self.existing, "Request": self.new + 1_000_000},
                 {"Existing": self.existing, "Certificate": 999_999}, {"Existing": self.existing}]
        done = subprocess.run([GO_CLIENT, f"127.0.0.1:{self.judged.serving}", self.ca_file], text=True, timeout=60,
                              input="".join(json.dumps(one) + "\n" for one in asked), capture_output=True, check=False,
                              env=os.environ | {"TOKEN": self.token().split()[1]})
        self.assertEqual(0, done.returncode, done.stderr)
        scheduled, by_request, missing, neither = [json.loads(line) for line in done.stdout.splitlines()]
        stores = sorted(store["storeId"] for store in self.stores)
        for answer in (scheduled, by_request):
            self.assertEqual((200, stores, [self.unapproved["storeId"]]),
                             (answer["Status"], answer["Successful"], answer["Failed"]), answer)
        self.assertEqual((404, "NOT_STAGED"), (missing["Status"], json.loads(missing["Body"])["ErrorCode"]))
        self.assertEqual((400, "INVALID_COMMAND"), (neither["Status"], json.loads(neither["Body"])["ErrorCode"]))


class OpenApi:
    """docs/openapi.yaml, by a validator, by the gateway's own table of faults, and by schemathesis."""

    @classmethod
    def interpreter(cls):
        return subprocess.run([os.path.join(servers.SOURCE, "tests", "support", "venv"),
                               os.path.join(CLIENTS, "openapi", "requirements.txt")],
                              capture_output=True, text=True, timeout=600, check=True).stdout.strip()

    def run_python(self, *arguments, timeout_s=300):
        done = subprocess.run([self.interpreter(), "-B", *arguments], capture_output=True, text=True, timeout=timeout_s,
                              cwd=self.folder, check=False)
        self.assertEqual(0, done.returncode, (done.stdout + done.stderr)[-6000:])
        return done.stdout

    def schemathesis(self, document, gateway, *options):
        """What it finds within some dozens of requests. What the schema cannot say, that a certificate does not replace
        itself, makes some that it takes for valid be refused."""
        scheme = "https" if gateway.context else "http"
        program = os.path.join(os.path.dirname(self.interpreter()), "schemathesis")
        said = self.run_python(program, "run", document, "--url", f"{scheme}://127.0.0.1:{gateway.serving}/KeyfactorAPI",
                               "--no-color", "--warnings", "off", "--generation-deterministic", "--no-shrink", "--max-examples", "20",
                               "--exclude-checks", "positive_data_acceptance", *options)
        self.assertIn("No issues found", said)

    def test_document(self):
        self.run_python(os.path.join(CLIENTS, "openapi", "check.py"))

    def test_schemathesis(self):
        document = os.path.join(self.folder, "without-tokens.json")
        self.run_python(os.path.join(CLIENTS, "openapi", "check.py"), document, str(self.existing), str(self.new))
        self.schemathesis(document, self.open)

    def test_schemathesis_with_tokens(self):
        self.schemathesis(os.path.join(servers.SOURCE, "docs", "openapi.yaml"), self.judged, "--tls-verify", self.ca_file,
                          "--header", f"Authorization: {self.token()}", "--include-path", "/Enrollment/PFX/Replace")


class Gateways(Answers, Tokens, OpenApi, Bounds, GatewayTest):
    pass


if __name__ == "__main__":
    main()
