"""What the broker tests stand on: one Kafka, one Redis and, unless a test wants otherwise, one certswapd a test class;
at its end the secrets that the class used are looked for in all that was written, and the daemons must have ended
cleanly."""
import base64
import itertools
import os
import sys
import unittest

SUPPORT = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [SUPPORT, os.path.join(SUPPORT, "..", "clients", "python")]

import certs  # noqa: E402
import contract  # noqa: E402
import least_privilege  # noqa: E402
import sealing  # noqa: E402
import servers  # noqa: E402

STAGING_KEY = bytes(range(32))
STAGING_KEYS = "test:" + base64.b64encode(STAGING_KEY).decode()
SANITIZER_SIGNS = ("Sanitizer:", "runtime error:", "SUMMARY: ")


# For tests that wait for whole minutes: script/test --long.
long_run = unittest.skipUnless(os.environ.get("TEST_LONG"), "script/test --long runs it")


class Secrets:
    """Secrets that must be readable nowhere, each in the forms that a careless program would write."""

    def __init__(self):
        self._forms = {}

    def add(self, name, secret):
        data = secret.encode() if isinstance(secret, str) else secret
        self._forms[name] = {data, base64.b64encode(data).rstrip(b"="), data.hex().encode(),
                             data.hex().upper().encode()}

    def found_in(self, data):
        return [name for name, forms in self._forms.items() if any(form in data for form in forms)]


class BrokerTest(unittest.TestCase):
    """Base of the broker tests. Class attributes: `settings` are added to the daemon's; `daemon_at_start` False leaves
    starting it to the test; `partitions` of each topic; `broker_settings` are added to the broker's; `service` is an
    identity that the credentials of staged events are sealed to, None for plain ones. With `least_privilege`
    (environment TEST_LEAST_PRIVILEGE) the daemon and the tool have the rights of docs/security.md and no other."""

    service = None
    settings = {}
    broker_settings = {}
    daemon_at_start = True
    partitions = 4
    least_privilege = bool(os.environ.get("TEST_LEAST_PRIVILEGE"))
    _ids = itertools.count(1001)
    _passwords = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls._folder = servers.new_folder()
        cls.folder = cls._folder.name
        cls.addClassCleanup(cls._folder.cleanup)
        cls.secrets = Secrets()
        cls.secrets.add("the staging key", STAGING_KEY)
        cls.daemons, cls._failed = [], True  # until the class stands
        cls.kafka = cls.start_kafka()
        cls.addClassCleanup(cls.kafka.stop)
        cls.redis = servers.Redis(cls.folder, acl=least_privilege.redis_line() if cls.least_privilege else None)
        cls.addClassCleanup(cls.redis.stop)
        cls.addClassCleanup(cls._end_daemons)
        created = cls.tool("topics", "create", "--partitions", str(cls.partitions))
        if created.returncode != 0:
            raise RuntimeError(f"certswap topics create: {created.stderr}{created.stdout}")
        cls.client = contract.Client(cls.kafka.bootstrap, os.path.join(servers.SOURCE, "schemas"))
        cls.addClassCleanup(cls.client.close)
        cls.ca = certs.Identity("Test CA", ca=True)
        cls.daemon = None
        if cls.daemon_at_start:
            cls.daemon = cls.start_daemon().wait_ready()
        cls._failed = False

    @classmethod
    def start_kafka(cls):
        if not cls.least_privilege:
            return servers.Kafka(cls.folder, cls.broker_settings)
        kafka, cls.users = least_privilege.start(cls.folder, cls.broker_settings)
        return kafka

    @classmethod
    def kafka_settings(cls, user):
        """How a program comes to the broker: the service ("certswapd") or the tool ("operator")."""
        return (cls.users.settings(user) if cls.least_privilege
                else {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": cls.kafka.bootstrap})

    @classmethod
    def _settings(cls, **more):
        return {
            "CERTSWAP_REDIS_URL": cls.redis.url,
            "CERTSWAP_STAGING_KEYS": STAGING_KEYS, "CERTSWAP_REQUIRE_SEALED": "false",
            "CERTSWAP_HTTP_LISTEN": "127.0.0.1:0", "CERTSWAP_PIPELINES": "2", "CERTSWAP_LOG_FORMAT": "json",
            "CERTSWAP_INSTANCE_ID": "test-0",
        } | cls.kafka_settings("certswapd") | cls.settings | more

    @classmethod
    def start_daemon(cls, name=None, **settings):
        name = name or f"certswapd-{len(cls.daemons)}"
        daemon = servers.Daemon(cls.folder, cls._settings(**settings), name)
        cls.daemons.append(daemon)
        return daemon

    @classmethod
    def tool(cls, *arguments, **options):
        """Runs `certswap` against the class's broker; a CompletedProcess."""
        return servers.run(servers.CERTSWAP, arguments, cls.kafka_settings("operator"), **options)

    @classmethod
    def _end_daemons(cls):
        """Ends what still runs, then judges all daemons of the class: exit status, sanitizer reports, secrets."""
        faults = []
        for daemon in cls.daemons:
            running = daemon.process.poll() is None
            written = b""
            if running:
                try:
                    written = daemon.metrics().encode()
                except (OSError, RuntimeError, TimeoutError):
                    pass
                status, seconds = daemon.stop()
                if status != 0:
                    faults.append(f"{daemon.name} ended with {status} after {seconds:.1f} s")
            elif not daemon.ended_by_test:
                faults.append(f"{daemon.name} ended by itself with {daemon.process.returncode}")
            for path in (daemon.out_path, daemon.log_path):
                with open(path, "rb") as file:
                    written += file.read()
            faults += [f"{secret} is readable in what {daemon.name} wrote" for secret in cls.secrets.found_in(written)]
            faults += [f"{daemon.name} wrote {sign!r}" for sign in SANITIZER_SIGNS if sign.encode() in written]
        try:
            faults += [f"{secret} is readable in Redis" for secret in cls.secrets.found_in(cls.redis.dump())]
        except OSError:
            pass
        if faults or cls._failed:
            for daemon in cls.daemons:
                print(f"--- the end of {daemon.log_path}\n{servers.tail(daemon.log_path)}", file=sys.stderr)
            print(f"--- the end of Kafka's log\n{servers.tail(cls.kafka.log, 15)}", file=sys.stderr)
        if faults:
            raise AssertionError("; ".join(faults))

    def run(self, result=None):
        problems = len(result.failures) + len(result.errors) if result else 0
        outcome = super().run(result)
        if result and len(result.failures) + len(result.errors) > problems:
            type(self)._failed = True
        return outcome

    # Material

    def new_certificate_id(self):
        return next(BrokerTest._ids)

    def new_password(self):
        password = f"Pass-w0rd-{next(BrokerTest._passwords)}-{os.getpid()}"
        self.secrets.add(f"password {password}", password)
        return password

    def new_identity(self, common_name="new.example", kind="P-256"):
        identity = certs.Identity(common_name, self.ca, kind)
        self.secrets.add(f"the key of {common_name}", identity.secret_bytes())
        return identity

    def credential_of(self, content, password, format="PKCS12"):
        """What an event carries: sealed to the service, where the class has its identity."""
        kind, plain = contract.plain_credential(content, password, format)
        if self.service is None:
            return kind, plain
        body = self.client.schemas.encode_body("Credential", plain)
        return contract.sealed_credential(sealing.recipient(self.service.certificate),
                                          sealing.seal(self.service.certificate, body))

    def stage(self, identity=None, certificate_id=None, **fields):
        """Enrolls an identity, waits until it is staged; returns (certificateId, identity, event)."""
        identity = identity or self.new_identity()
        password = self.new_password()
        certificate_id = certificate_id or self.new_certificate_id()
        event = contract.enrollment(certificate_id, self.credential_of(identity.pfx(password), password),
                                    identity.thumbprint, **fields)
        self.client.enroll(event)
        self.wait_staged(certificate_id)
        return certificate_id, identity, event

    def wait_staged(self, certificate_id):
        servers.wait_for(lambda: self.redis("EXISTS", f"certswap:staged:{certificate_id}"),
                         f"certificate {certificate_id} to be staged")

    def wait_marker(self, certificate_id):
        servers.wait_for(lambda: self.redis("EXISTS", f"certswap:marker:{certificate_id}"),
                         f"a marker of certificate {certificate_id}")

    def add_stores(self, existing, certificate_id, stores):
        """Publishes inventories that hold `existing` and waits until a dry run for `certificate_id`, which must be
        staged, finds them all."""
        for store in stores:
            self.client.store(store)
        self.wait_inventory(existing, certificate_id, {store["storeId"] for store in stores})

    def wait_inventory(self, existing, certificate_id, store_ids):
        def found():
            result = self.replace(existing, certificate_id, dryRun=True)[0].record
            return set(result["successfulStores"]) | set(result["failedStores"]) == set(store_ids)
        servers.wait_for(found, f"the inventory to show {len(store_ids)} stores of {existing}")

    def replace(self, existing, certificate_id=None, headers=None, **fields):
        """Sends a command and returns (result message, jobs by (storeId, alias))."""
        command = contract.replace_command(existing, certificate_id, **fields)
        return self.client.outcome(self.client.command(command, headers))

    # Assertions

    def assert_rejected(self, result, code):
        record = result.record
        self.assertEqual("REJECTED", record["status"], record)
        self.assertEqual(code, record["rejection"]["code"], record["rejection"])
        self.assertGreater(len(record["rejection"]["message"]), 20, "a message says what to do next")
        self.assertEqual(([], [], [], 0), (record["successfulStores"], record["failedStores"], record["failures"],
                                           record["jobCount"]))

    def assert_dead_letter(self, letter, origin, stage, key, value, group="certswap", code=None):
        """The dead letter of a record that was at `origin`: whole, with Kafka Connect's headers."""
        prefix = "__connect.errors."
        connect = {name.removeprefix(prefix): text for name, text in letter.headers.items() if name.startswith(prefix)}
        self.assertEqual({"topic", "partition", "offset", "connector.name", "stage", "exception.class.name",
                          "exception.message"}, set(connect))
        self.assertEqual([str(part) for part in origin], [connect["topic"], connect["partition"], connect["offset"]])
        self.assertEqual(stage, connect["stage"])
        self.assertEqual(group, connect["connector.name"])
        self.assertGreater(len(connect["exception.message"]), 10)
        if code is not None:
            self.assertEqual(code, connect["exception.class.name"])
        self.assertEqual(key, letter.key)
        self.assertEqual(value, letter.value)
        return connect


def main():
    unittest.main(verbosity=2)
