"""The servers that the tests of the gateway share."""
import os

import support  # noqa: F401
from certs import PEM
from contract import ALL_STORES, COMMANDS, entry, inventory
from gateway import Gateway
from harness import BrokerTest, certs, servers
from test_sealing import publish

import tokens

ISSUER, AUDIENCE = "https://issuer.example", "certswap"
ALICE = "DOMAIN\\alice"
# Serves everybody in her name.
AS_ALICE = ["--insecure-principal", ALICE, *(f"--insecure-permission={permission}" for permission in ALL_STORES)]
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2VjcmV0LXNpZ25hdHVyZQ"


class GatewayTest(BrokerTest):
    """A certswapd in claims mode, and four gateways to it: one for everybody as alice, one by TLS that wants tokens, one
    with narrow bounds, and one that does not wait for long: what is to take long is sent while certswapd stands still.
    And a certswapd that judges tokens, on topics of its own for commands and results, with a gateway by TLS."""

    daemon_at_start = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._failed = True
        cls.service = certs.Identity("certswap")
        publish(os.path.join(cls.folder, "pairs"), {"tls": cls.service})
        cls.secrets.add("the token", TOKEN)
        cls.path("service.crt", cls.service.certificate.public_bytes(PEM))
        server = certs.Identity("gateway.example", cls.ca, names=["127.0.0.1"])
        cls.secrets.add("the TLS key", server.secret_bytes())
        cls.path("tls.crt", server.certificate.public_bytes(PEM) + cls.ca.certificate.public_bytes(PEM))
        cls.path("tls.key", server.key_pem())
        cls.ca_file = cls.path("ca.crt", cls.ca.certificate.public_bytes(PEM))
        cls.daemon = cls.start_daemon(CERTSWAP_RETRY_DELAY_MS="20", CERTSWAP_SEALING_DIR=os.path.join(cls.folder, "pairs"))
        cls.open = cls.start_gateway("open", *AS_ALICE)
        cls.tls = cls.start_gateway("tls", "--tls-certificate", cls.path("tls.crt"), "--tls-key", cls.path("tls.key"),
                                    ca=cls.ca_file)
        cls.narrow = cls.start_gateway("narrow", *AS_ALICE, "--max-waiting", "2", "--max-connections", "8",
                                       "--client-timeout", "1", "--prefix", "/")
        cls.hasty = cls.start_gateway("hasty", *AS_ALICE, "--timeout", "1")
        cls.key = certs.make_key("P-256")
        judging = {f"CERTSWAP_TOPIC_{role}": f"jwt.{role.lower()}" for role in ("COMMANDS", "RETRY", "RESULTS", "JOBS", "DLQ")}
        created = servers.run(servers.CERTSWAP, ["topics", "create", "--partitions", "1"],
                              cls.kafka_settings("operator") | judging)
        if created.returncode != 0:
            raise RuntimeError(created.stderr)
        cls.start_daemon(**judging, CERTSWAP_GROUP_ID="jwt", CERTSWAP_AUTH="jwt", CERTSWAP_JWT_ISSUER=ISSUER,
                         CERTSWAP_JWT_JWKS=cls.path("keys.json", tokens.jwks({"one": cls.key}).encode()),
                         CERTSWAP_JWT_AUDIENCE=AUDIENCE, CERTSWAP_RETRY_DELAY_MS="20",
                         CERTSWAP_SEALING_DIR=os.path.join(cls.folder, "pairs"))
        cls.judged = cls.start_gateway("judged", "--tls-certificate", cls.path("tls.crt"), "--tls-key", cls.path("tls.key"),
                                       ca=cls.ca_file, settings=judging)
        for daemon in cls.daemons:
            daemon.wait_ready()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, _ = case.stage()
        cls.stores = [inventory([entry("x", cls.existing, "AB" * 20)]) for _ in range(2)]
        cls.unapproved = inventory([entry("x", cls.existing, "AB" * 20)], approved=False)
        case.add_stores(cls.existing, cls.new, cls.stores + [cls.unapproved])
        cls._failed = False

    def setUp(self):
        """Staged material ends after 300 seconds, and a slow machine may take longer for all tests."""
        if int(self.redis("PTTL", f"certswap:staged:{self.new}")) < 200_000:
            self.stage(self.identity, self.new)
            servers.wait_for(lambda: int(self.redis("PTTL", f"certswap:staged:{self.new}")) > 250_000,
                             "the material to be staged anew")

    @classmethod
    def path(cls, name, content=None):
        path = os.path.join(cls.folder, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    @classmethod
    def start_gateway(cls, name, *arguments, ca=None, settings=None):
        if "--seal-to" not in arguments and "--insecure-plain-passwords" not in arguments:
            arguments += ("--seal-to", cls.path("service.crt"))
        gateway = Gateway(cls.folder, cls.kafka_settings("operator") | (settings or {}), arguments, f"gateway-{name}", ca)
        cls.daemons.append(gateway)
        return gateway

    def token(self, **claims):
        """The header Authorization of alice, unless the claims say otherwise."""
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": ALICE, "permissions": list(ALL_STORES)} | claims
        made = tokens.token(self.key, "one", **said)
        self.secrets.add(f"a token of {said['sub']}", made)
        return "Bearer " + made

    def refused(self, status, *arguments):
        """What a gateway that must not start says."""
        done = self.tool("gateway", *arguments)
        self.assertEqual(status, done.returncode, done.stderr)
        return done.stderr

    def commands(self, command_id):
        """The values of all commands of that id on the topic."""
        return [message.value for message in self.client.read_all(COMMANDS) if message.key == command_id.encode()]

    def command(self, command_id):
        """The one ReplaceCommand of that id."""
        values = self.commands(command_id)
        self.assertEqual(1, len(values))
        return self.client.schemas.decode(values[0])[1]

    def asks(self, **fields):
        return {"ExistingCertificateId": self.existing, "CertificateId": self.new} | fields

    def assert_error(self, answer, status, code):
        self.assertEqual(status, answer.status, answer)
        self.assertEqual("application/json; charset=utf-8", answer.headers["Content-Type"])
        self.assertEqual(code, answer.json["ErrorCode"], answer)
        self.assertGreater(len(answer.json["Message"]), 15)
        self.assertLessEqual(set(answer.json), {"ErrorCode", "Message", "CommandId"})
        return answer

    def assert_stores(self, answer):
        self.assertEqual(200, answer.status, answer)
        self.assertEqual({"SuccessfulStores": sorted(store["storeId"] for store in self.stores),
                          "FailedStores": [self.unapproved["storeId"]]}, answer.json)
