"""Confluent's framing with a real registry (Apicurio): the usual Python and Java serializers talk to certswap, other
writers' schemas are read by their ids, and a registry that is away loses nothing."""
import base64
import copy
import http.server
import io
import json
import os
import ssl
import struct
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import support  # noqa: F401
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from gateway import Gateway
from gateway_case import AS_ALICE
from harness import BrokerTest, contract, main, servers

SCHEMAS = os.path.join(servers.SOURCE, "schemas")
FILES = {"CertificateEnrolled": "certificate-enrolled", "CertificateRenewed": "certificate-renewed",
         "StoreInventory": "store-inventory", "ReplaceCommand": "replace-command", "StoreJob": "store-job",
         "ReplaceResult": "replace-result"}


def schema_text(name):
    with open(os.path.join(SCHEMAS, FILES[name] + ".avsc"), encoding="utf-8") as file:
        return file.read()


class Registry:
    """Apicurio by script/registry."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "registry")
        self.script = os.path.join(servers.SOURCE, "script", "registry")
        self.url = None

    def start(self):
        """Also again, after stop(): with the same schemas, ids and port."""
        done = subprocess.run([self.script, "start", self.folder], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"script/registry start: {done.stderr}")
        self.url = done.stdout.strip()

    def stop(self):
        subprocess.run([self.script, "stop", self.folder], check=True, capture_output=True)

    def ask(self, method, path, body=None):
        """(status, answer) of its REST API."""
        request = urllib.request.Request(self.url + path, method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None


class Door(http.server.ThreadingHTTPServer):
    """An https server in front of the registry, with a certificate of its own, that lets one user in."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            status, body = 401, b""
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length) if length else None
            expected = base64.b64encode(f"{self.server.user}:{self.server.password}".encode()).decode()
            if self.headers.get("Authorization") == f"Basic {expected}":
                handed_on = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
                request = urllib.request.Request(self.server.behind + self.path, data=content, method=self.command,
                                                 headers=handed_on)
                try:
                    with urllib.request.urlopen(request, timeout=30) as found:
                        status, body = found.status, found.read()
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    def __init__(self, folder, behind):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.behind, self.user, self.password = behind, "certswap", "not this one"
        self.certificate = os.path.join(folder, "door.crt")
        key = os.path.join(folder, "door.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", self.certificate, "-subj", "/CN=registry", "-days", "2", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class IdSchemas(contract.Schemas):
    """The contract's schemas, written by confluent-kafka's AvroSerializer and read by the ids in the messages."""

    def __init__(self, folder, url):
        super().__init__(folder)
        self.registry = SchemaRegistryClient({"url": url})
        self._writers = {name: AvroSerializer(self.registry, schema_text(name)) for name in FILES}
        self._readers = {}

    def encode(self, name, record):
        if name not in FILES:
            return super().encode(name, record)
        return self._writers[name](record, SerializationContext(contract.RECORDS[name], MessageField.VALUE))

    def decode(self, data):
        if data[:1] != b"\0":
            raise ValueError(f"not in Confluent's framing: {data[:10].hex()}")
        schema_id = struct.unpack(">I", data[1:5])[0]
        if schema_id not in self._readers:
            original = json.loads(self.registry.get_schema(schema_id).schema_str)
            self._readers[schema_id] = original["name"], contract.fastavro.parse_schema(
                contract.plain_schema(original), named_schemas={})
        name, schema = self._readers[schema_id]
        body = io.BytesIO(data[5:])
        record = contract.fastavro.schemaless_reader(body, schema, None, return_record_name=True,
                                                     return_record_name_override=True)
        if body.read(1):
            raise ValueError(f"bytes behind the end of a {name}")
        return name, record


class RegistryTest(BrokerTest):
    daemon_at_start = False
    existing = 700_001

    @classmethod
    def setUpClass(cls):
        folder = servers.new_folder()
        cls.addClassCleanup(folder.cleanup)
        cls.registry = Registry(folder.name)
        cls.addClassCleanup(cls.registry.stop)
        beside = threading.Thread(target=cls.registry.start)
        beside.start()
        try:
            super().setUpClass()
        finally:
            beside.join()
        cls.settings = {"CERTSWAP_AVRO_FRAMING": "confluent", "CERTSWAP_SCHEMA_REGISTRY_URL": cls.registry.url}
        cls.plain_schemas = cls.client.schemas
        cls.client.schemas = IdSchemas(SCHEMAS, cls.registry.url)
        cls.daemon = cls.start_daemon().wait_ready(timeout_s=120)
        cls.store_id = contract.new_id()
        cls.client.store(contract.inventory([contract.entry("web", cls.existing, "00" * 20)], storeId=cls.store_id))

    def replace_until_found(self, certificate_id, **fields):
        """Commands until the store is in the inventory; the last one is no dry run."""
        self.wait_inventory(self.existing, certificate_id, {self.store_id})
        return self.replace(self.existing, certificate_id, **fields)

    def assert_completed(self, result):
        self.assertEqual(("COMPLETED", [self.store_id]), (result.record["status"], result.record["successfulStores"]))

    def test_python_serializers(self):
        certificate_id, identity, _ = self.stage()
        result, jobs = self.replace_until_found(certificate_id)
        self.assert_completed(result)
        job = jobs[self.store_id, "web"]
        for message, name in (result, "ReplaceResult"), (job, "StoreJob"):
            context = SerializationContext(message.topic, MessageField.VALUE)
            read = AvroDeserializer(self.client.schemas.registry)(message.value, context)
            self.assertEqual(message.record["commandId"], str(read["commandId"]))
            latest = self.client.schemas.registry.get_latest_version(contract.RECORDS[name] + "-value")
            self.assertEqual(json.loads(schema_text(name)), json.loads(latest.schema.schema_str),
                             "the schema is registered as its file has it, with its docs")
            self.assertEqual(latest.schema_id, struct.unpack(">I", message.value[1:5])[0])
        self.assertEqual(identity.thumbprint, job.record["thumbprint"])
        requests = 'certswap_schema_registry_requests_total{outcome="ok"} '
        metrics = self.daemon.metrics().splitlines()
        self.assertGreaterEqual(int(next(line for line in metrics if line.startswith(requests)).split()[-1]), 3)
        self.assertIn("certswap_schema_registry_schemas", self.daemon.metrics())

    def test_java_serializers(self):
        self.secrets.add("the Java client's PFX password", "java-pfx-password")
        self.secrets.add("the Java client's store password", "java-store-password")
        done = subprocess.run([os.path.join(servers.SOURCE, "tests", "clients", "java", "run"), self.kafka.bootstrap,
                               SCHEMAS, self.registry.url.removesuffix("/apis/ccompat/v7")],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("the Java client is content", done.stdout)

    def test_the_gateway(self):
        certificate_id, _, _ = self.stage()
        self.wait_inventory(self.existing, certificate_id, {self.store_id})
        gateway = Gateway(self.folder, self.kafka_settings("operator") | self.settings,
                          [*AS_ALICE, "--insecure-plain-passwords"], "gateway")
        self.daemons.append(gateway.wait_ready())
        answer = gateway.request({"ExistingCertificateId": self.existing, "CertificateId": certificate_id})
        self.assertEqual([self.store_id], answer.json["SuccessfulStores"], answer)
        sent = [message.value for message in self.client.read_all(contract.COMMANDS)
                if message.key == answer.command_id.encode()]
        self.assertEqual([b"\0"], [value[:1] for value in sent])

    def test_single_objects_are_read_too(self):
        certificate_id, _, _ = self.stage()
        command = contract.replace_command(self.existing, certificate_id, dryRun=True)
        self.client.send(contract.COMMANDS, command["commandId"], self.plain_schemas.encode("ReplaceCommand", command))
        self.assertFalse(self.client.result(command["commandId"]).record["rejection"])

    def newer_command_schema(self, field):
        """A ReplaceCommand of a later version: a field more, and without one that has a default."""
        schema = copy.deepcopy(json.loads(schema_text("ReplaceCommand")))
        schema["fields"] = [{"name": field, "type": "string", "default": ""}] + [
            part for part in schema["fields"] if part["name"] != "jobTime"]
        return json.dumps(schema)

    def newer_command(self, schema, field, certificate_id):
        """(command, its message) written by the newer schema, which is registered thereby."""
        command = contract.replace_command(self.existing, certificate_id, dryRun=True) | {field: "ticket 7"}
        del command["jobTime"]
        serialize = AvroSerializer(self.client.schemas.registry, schema)
        return command, serialize(command, SerializationContext(contract.COMMANDS, MessageField.VALUE))

    def test_a_newer_writer(self):
        certificate_id, _, _ = self.stage()
        command, message = self.newer_command(self.newer_command_schema("ticket"), "ticket", certificate_id)
        self.client.send(contract.COMMANDS, command["commandId"], message)
        self.assertFalse(self.client.result(command["commandId"]).record["rejection"])

    def test_what_cannot_be_read_by_its_id(self):
        command = contract.replace_command(self.existing, 1)
        body = self.plain_schemas.encode("ReplaceCommand", command)[10:]
        registry = self.client.schemas.registry
        store = registry.register_schema("certstore.inventory-value", Schema(schema_text("StoreInventory"), "AVRO"))
        protobuf = registry.register_schema("other-value", Schema('syntax = "proto3"; message A { string b = 1; }',
                                                                  "PROTOBUF"))
        cases = {4_000_000_000: "has no schema 4000000000", 123_456_789: "has no schema 123456789",
                 store: "StoreInventory", protobuf: "no Avro schema"}
        for schema_id, says in cases.items():
            with self.subTest(says):
                message = struct.pack(">bI", 0, schema_id) + body
                origin = self.client.send(contract.COMMANDS, command["commandId"], message)
                connect = self.assert_dead_letter(self.client.dead_letter(origin), origin, "VALUE_CONVERTER",
                                                  command["commandId"].encode(), message, code="AVRO_INVALID")
                self.assertIn(says, connect["exception.message"])

    def test_the_tool(self):
        settings = self.kafka_settings("operator") | self.settings

        def tool(*arguments, **options):
            return servers.run(servers.CERTSWAP, arguments, settings, **options)
        store = contract.inventory([contract.entry("tool", 700_500, "00" * 20)])
        done = tool("inventory", "--file", "-", input=json.dumps(store | {"agent": {"agentId": contract.new_id()}}),
                    stdin=None)
        self.assertEqual(0, done.returncode, done.stderr)
        certificate_id, _, _ = self.stage()
        done = tool("replace", "--existing", str(self.existing), "--certificate-id", str(certificate_id), "--user",
                    "DOMAIN\\alice", *(part for permission in contract.ALL_STORES
                                       for part in ("--permission", permission)), "--dry-run", "--wait")
        self.assertIn(done.returncode, (0, 12), done.stderr)
        self.assertIn("status", json.loads(done.stdout.splitlines()[-1]))
        for role, topic in ("inventory", contract.INVENTORY), ("results", contract.RESULTS):
            done = tool("watch", role, "--from-beginning", "--until-end")
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertTrue(lines, done.stderr)
            self.assertEqual([], [line for line in lines if "undecoded" in (line["value"] or {})], topic)
        done = servers.run(servers.CERTSWAP, ("watch", "results", "--from-beginning", "--until-end"),
                           self.kafka_settings("operator"))
        self.assertIn("set CERTSWAP_SCHEMA_REGISTRY_URL", done.stdout, "without a registry it says what to do")

    def test_what_the_registry_refuses_is_told(self):
        topic = "other.jobs"
        created = servers.run(servers.CERTSWAP, ("topics", "create", "--partitions", "1"),
                              self.kafka_settings("operator") | {"CERTSWAP_TOPIC_JOBS": topic})
        self.assertEqual(0, created.returncode, created.stderr)
        more = {"CERTSWAP_TOPIC_JOBS": topic, "CERTSWAP_GROUP_ID": "other", "CERTSWAP_PIPELINES": "1"}

        def ends_ready_after(daemon, *says, mend):
            def told():
                reasons = daemon.get("/readyz")[1]
                return all(part in reasons for part in says)
            servers.wait_for(told, f"/readyz to say {says}: {daemon.get('/readyz')}")
            mend()
            daemon.wait_ready()
            self.assertEqual(0, daemon.stop()[0])
        daemon = self.start_daemon("only-looks-up", CERTSWAP_SCHEMA_AUTO_REGISTER="false", **more)
        ends_ready_after(daemon, topic + "-value", "CERTSWAP_SCHEMA_AUTO_REGISTER=true",
                         mend=lambda: self.client.schemas.registry.register_schema(
                             topic + "-value", Schema(schema_text("StoreJob"), "AVRO")))
        self.assertEqual([1], self.registry.ask("GET", f"/subjects/{topic}-value/versions")[1])

        self.registry.ask("DELETE", f"/subjects/{topic}-value")
        self.registry.ask("DELETE", f"/subjects/{topic}-value?permanent=true")
        self.registry.ask("POST", f"/subjects/{topic}-value/versions", {"schema": json.dumps(
            {"type": "record", "name": "StoreJob", "namespace": "io.certswap.v1",
             "fields": [{"name": "jobId", "type": "int"}]})})
        self.registry.ask("PUT", f"/config/{topic}-value", {"compatibility": "FULL"})
        daemon = self.start_daemon("is-incompatible", **more)
        ends_ready_after(daemon, topic + "-value", "409", "compatib",
                         mend=lambda: self.registry.ask("PUT", f"/config/{topic}-value", {"compatibility": "NONE"}))
        path = self.settings["CERTSWAP_SCHEMA_REGISTRY_URL"].replace("/apis/", "/elsewhere/")
        daemon = self.start_daemon("wrong-path", CERTSWAP_SCHEMA_REGISTRY_URL=path, **more)
        servers.wait_for(lambda: "correct CERTSWAP_SCHEMA_REGISTRY_URL" in daemon.get("/readyz")[1], "the reason")
        daemon.stop()

    def test_https_with_a_password(self):
        door = Door(self.folder, self.registry.url.removesuffix("/apis/ccompat/v7"))
        self.addCleanup(door.server_close)
        self.addCleanup(door.shutdown)
        password = "s3cret@registry"
        self.secrets.add("the registry's password", password)
        path = os.path.join(self.folder, "registry.url")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"https://certswap:{urllib.parse.quote(password, safe='')}@127.0.0.1:{door.server_port}"
                       "/apis/ccompat/v7/")
        more = {"CERTSWAP_SCHEMA_REGISTRY_URL": None, "CERTSWAP_SCHEMA_REGISTRY_URL_FILE": path,
                "CERTSWAP_GROUP_ID": "door", "CERTSWAP_PIPELINES": "1"}
        stranger = self.start_daemon("trusts-others", **more)
        servers.wait_for(lambda: "certificate" in stranger.get("/readyz")[1], "the certificate not to be trusted")
        self.assertEqual(0, stranger.stop()[0])
        daemon = self.start_daemon("by-https", CERTSWAP_SCHEMA_REGISTRY_TLS_CA=door.certificate, **more)
        servers.wait_for(lambda: "401" in daemon.get("/readyz")[1], "the password to be refused")
        door.password = password
        daemon.wait_ready()
        self.assertEqual(0, daemon.stop()[0])

    def test_z_the_registry_away_loses_nothing(self):
        certificate_id, _, _ = self.stage()
        command, message = self.newer_command(self.newer_command_schema("note"), "note", certificate_id)
        self.replace(self.existing, certificate_id, dryRun=True)  # now the test knows all ids that it needs
        self.registry.stop()
        known = contract.replace_command(self.existing, certificate_id, dryRun=True)
        self.client.command(known)
        self.assertFalse(self.client.result(known["commandId"]).record["rejection"], "what is known needs no registry")
        self.client.send(contract.COMMANDS, command["commandId"], message)
        self.daemon.wait_ready(False)
        self.assertIn("the schema registry does not answer", self.daemon.get("/readyz")[1])
        self.daemon.kill()
        self.daemon.start()
        servers.wait_for(lambda: "inventory: the schema registry does not answer" in self.daemon.get("/readyz")[1],
                         "a new start to wait for the registry", 60)
        self.registry.start()
        self.assertFalse(self.client.result(command["commandId"], 60).record["rejection"])
        self.daemon.wait_ready()
        keys = [letter.key for letter in self.client.read_all(contract.DLQ)]
        self.assertNotIn(command["commandId"].encode(), keys)


if __name__ == "__main__":
    main()
