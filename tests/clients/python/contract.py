"""An independent client of certswap: it knows the contract (schema files, topics, framing, keys, headers) and nothing
of the service. Publishes events, inventories and commands, reads jobs, results and dead letters."""
import glob
import hashlib
import io
import json
import os
import time
import uuid

import confluent_kafka
import fastavro
import fastavro.schema
from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENROLLMENTS = "certificate.enrollments"
RENEWALS = "certificate.renewals"
INVENTORY = "certstore.inventory"
COMMANDS = "certificate.replace.commands"
RETRY = "certificate.replace.commands.retry"
DLQ = "certificate.replace.dlq"
JOBS = "certstore.jobs"
RESULTS = "certificate.replace.results"

RECORDS = {
    "CertificateEnrolled": ENROLLMENTS, "CertificateRenewed": RENEWALS, "StoreInventory": INVENTORY,
    "ReplaceCommand": COMMANDS, "StoreJob": JOBS, "ReplaceResult": RESULTS,
}
ALL_STORES = ["/certificates/enrollment/pfx/", "/certificate_stores/schedule/"]


def now_ms():
    return time.time_ns() // 1_000_000


def new_id():
    return str(uuid.uuid4())


def job_id(command_id, store_id, alias):
    return str(uuid.uuid5(uuid.UUID(command_id), f"{store_id}/{alias}"))


def result_id(command_id):
    return str(uuid.uuid5(uuid.UUID(command_id), "result"))


def conflict_id(command_id, value):
    """The resultId of a COMMAND_ID_CONFLICT; `value`: the record's."""
    return str(uuid.uuid5(uuid.UUID(command_id), "conflict/" + hashlib.sha256(value).hexdigest()))


def murmur2(key):
    """The hash of Kafka's Java clients (org.apache.kafka.common.utils.Utils.murmur2), written after its definition."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        value = (value * m & mask) ^ k
    if whole < len(key):
        value = (value ^ int.from_bytes(key[whole:], "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    return value ^ value >> 15


def partition_of(key, partitions):
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def plain_schema(schema):
    """The schema without logical types, so that GUIDs and times are read as they were written."""
    if isinstance(schema, list):
        return [plain_schema(branch) for branch in schema]
    if isinstance(schema, dict):
        if "logicalType" in schema:
            return schema["type"]
        return {key: plain_schema(value) if key in ("type", "items", "fields") else value
                for key, value in schema.items()}
    return schema


class Schemas:
    """The schema files of a folder, and Avro's single-object encoding with them."""

    def __init__(self, folder):
        self._by_name, self._by_fingerprint = {}, {}
        for path in sorted(glob.glob(os.path.join(folder, "*.avsc"))):
            with open(path, encoding="utf-8") as file:
                original = json.load(file)
            canonical = fastavro.schema.to_parsing_canonical_form(original)
            fingerprint = bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
            parsed = fastavro.parse_schema(plain_schema(original), named_schemas={})
            self._by_name[original["name"]] = (fingerprint, parsed)
            self._by_fingerprint[fingerprint] = (original["name"], parsed)

    def encode(self, name, record):
        fingerprint, schema = self._by_name[name]
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, record, strict_allow_default=True)
        return b"\xc3\x01" + fingerprint + out.getvalue()

    def encode_body(self, name, record):
        """The record's Avro body alone."""
        return self.encode(name, record)[10:]

    def decode_body(self, name, body):
        """The record of a body that stands alone."""
        found, record = self.decode(b"\xc3\x01" + self._by_name[name][0] + body)
        if found != name:
            raise ValueError(f"a {found} for a {name}")
        return record

    def decode(self, data):
        """(record name, record) of a single-object message."""
        if data[:2] != b"\xc3\x01":
            raise ValueError(f"no single-object encoding: {data[:10].hex()}")
        name, schema = self._by_fingerprint[data[2:10]]
        body = io.BytesIO(data[10:])
        record = fastavro.schemaless_reader(body, schema, None, return_record_name=True,
                                            return_record_name_override=True)
        if body.read(1):
            raise ValueError(f"bytes behind the end of a {name}")
        return name, record


class Message:
    """A consumed record: where it stood, its key and headers, and its value, decoded where it is one of ours."""

    def __init__(self, message, schemas):
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.key, self.value = message.key(), message.value()
        self.header_list = message.headers() or []
        self.headers = {name: value.decode() if value is not None else None
                        for name, value in self.header_list if _is_text(value)}
        self.name, self.record = None, None
        if self.topic in (JOBS, RESULTS):
            self.name, self.record = schemas.decode(self.value)

    def __repr__(self):
        return f"<{self.topic}/{self.partition}/{self.offset} {self.headers} {self.record}>"


def _is_text(value):
    try:
        return value is None or value.decode() is not None
    except UnicodeDecodeError:
        return False


class Client:
    def __init__(self, bootstrap, schemas_folder):
        self.bootstrap = bootstrap
        self.schemas = Schemas(schemas_folder)
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "enable.idempotence": True,
            "linger.ms": 2, "log_level": 2})
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
        self._reader = None
        self.messages = []
        self._results, self._jobs = {}, {}

    def close(self):
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    # Writing

    def send(self, topic, key, value, headers=None, partition=None):
        """Sends bytes; returns (topic, partition, offset) once the broker has them."""
        done = []
        options = {} if partition is None else {"partition": partition}
        self.producer.produce(topic, key=key, value=value, headers=headers,
                              on_delivery=lambda error, message: done.append((error, message)), **options)
        self.producer.flush(30)
        if not done or done[0][0] is not None:
            raise RuntimeError(f"cannot send to {topic}: {done}")
        message = done[0][1]
        return message.topic(), message.partition(), message.offset()

    def send_later(self, topic, key, value):
        """Hands bytes to the producer; flush() waits for all."""
        self.producer.produce(topic, key=key, value=value)
        self.producer.poll(0)

    def flush(self):
        if self.producer.flush(60) > 0:
            raise RuntimeError("the broker does not take what was sent")

    def enroll(self, event, headers=None):
        return self.send(ENROLLMENTS, str(event["certificateId"]),
                         self.schemas.encode("CertificateEnrolled", event), headers)

    def renew(self, event, headers=None):
        return self.send(RENEWALS, str(event["certificateId"]),
                         self.schemas.encode("CertificateRenewed", event), headers)

    def store(self, inventory):
        return self.send(INVENTORY, inventory["storeId"], self.schemas.encode("StoreInventory", inventory))

    def remove_store(self, store_id):
        return self.send(INVENTORY, store_id, None)

    def command(self, command, headers=None):
        """Sends a ReplaceCommand; returns its id."""
        self.send(COMMANDS, command["commandId"], self.schemas.encode("ReplaceCommand", command), headers)
        return command["commandId"]

    # Reading

    def _consumer(self, group):
        return confluent_kafka.Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": group, "isolation.level": "read_committed",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "enable.partition.eof": True,
            "fetch.wait.max.ms": 20, "log_level": 2})

    def partitions(self, topic):
        return sorted(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)

    def _poll(self, timeout_s):
        if self._reader is None:
            self._reader = self._consumer("certswap-test-" + new_id())
            self._reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)
                                 for topic in (JOBS, RESULTS, DLQ) for partition in self.partitions(topic)])
        for message in self._reader.consume(500, timeout_s):
            if message.error() is not None:
                if message.error().code() != confluent_kafka.KafkaError._PARTITION_EOF:
                    raise RuntimeError(str(message.error()))
                continue
            read = Message(message, self.schemas)
            self.messages.append(read)
            if read.topic == RESULTS:
                self._results.setdefault(read.record["commandId"], []).append(read)
            elif read.topic == JOBS:
                self._jobs.setdefault(read.record["commandId"], []).append(read)

    def wait(self, condition, what, timeout_s=30):
        """Reads until the condition gives something true, and returns that."""
        end = time.monotonic() + timeout_s
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"waited {timeout_s} s in vain for {what}")
            self._poll(0.05)

    def result(self, command_id, timeout_s=30):
        """The message of a command's result."""
        return self.wait(lambda: self._results.get(command_id), f"the result of {command_id}", timeout_s)[0]

    def outcome(self, command_id, timeout_s=30):
        """(result message, job messages by (storeId, alias)) of a command; as many jobs as the result counts."""
        result = self.result(command_id, timeout_s)
        count = 0 if result.record["dryRun"] else result.record["jobCount"]
        jobs = self.wait(lambda: (len(self._jobs.get(command_id, [])) >= count and
                                  [self._jobs.get(command_id, [])]),
                         f"{count} jobs of {command_id}", timeout_s)[0]
        return result, {(job.record["storeId"], job.record["alias"]): job for job in jobs}

    def dead_letter(self, origin, timeout_s=30):
        """The dead letter made of the record at (topic, partition, offset)."""
        wanted = tuple(str(part) for part in origin)

        def find():
            return [message for message in self.messages if message.topic == DLQ and wanted == tuple(
                message.headers.get("__connect.errors." + part) for part in ("topic", "partition", "offset"))]
        return self.wait(find, f"the dead letter of {origin}", timeout_s)[0]

    def open_dead_letter(self, letter, keys):
        """The value of a dead letter as it came; `keys`: the service's staging keys, bytes by kid. ValueError for one
        that is not encrypted."""
        if "certswap-encrypted" not in letter.headers:
            raise ValueError(f"not encrypted: {letter}")
        key = AESGCM(keys[letter.headers["certswap-encrypted"]])
        place = "/".join(letter.headers["__connect.errors." + part] for part in ("topic", "partition", "offset"))
        return key.decrypt(letter.value[:12], letter.value[12:], place.encode())

    def read_all(self, *topics):
        """All that a read_committed reader sees of the topics, from the beginning to their ends of now."""
        consumer = self._consumer("certswap-test-" + new_id())
        try:
            wanted = [TopicPartition(topic, partition, OFFSET_BEGINNING)
                      for topic in topics for partition in self.partitions(topic)]
            consumer.assign(wanted)
            open_partitions = {(part.topic, part.partition) for part in wanted}
            found, end = [], time.monotonic() + 120
            while open_partitions:
                if time.monotonic() > end:
                    raise TimeoutError(f"no end of {sorted(open_partitions)}")
                for message in consumer.consume(1000, 0.2):
                    if message.error() is None:
                        found.append(Message(message, self.schemas))
                    elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                        open_partitions.discard((message.topic(), message.partition()))
                    else:
                        raise RuntimeError(str(message.error()))
            return found
        finally:
            consumer.close()


class OpenTransaction:
    """A producer's transaction that has written to every partition of an event topic and stays open: until it ends, no
    read_committed reader gets past it. What it writes there is nothing to be staged."""

    def __init__(self, client, topic):
        self._client, self._topic = client, topic
        self._producer = confluent_kafka.Producer({"bootstrap.servers": client.bootstrap, "log_level": 3,
                                                   "transactional.id": "test-" + new_id()})
        self._producer.init_transactions(30)
        self._producer.begin_transaction()
        ignored = enrollment(1, plain_credential(b"none", None), "00" * 20, certificateFormat="Other")
        value = client.schemas.encode("CertificateEnrolled", ignored)
        for partition in client.partitions(topic):
            self._producer.produce(topic, key="1", value=value, partition=partition)
        self._producer.flush(30)

    def enroll(self, event):
        self._producer.produce(self._topic, key=str(event["certificateId"]),
                               value=self._client.schemas.encode("CertificateEnrolled", event))
        self._producer.flush(30)

    def commit(self):
        self._producer.commit_transaction(30)

    def abort(self):
        self._producer.abort_transaction(30)


# Records, with what a test does not care about filled in

def enrollment(certificate_id, credential, thumbprint, **fields):
    return {"eventId": new_id(), "occurredAt": now_ms(), "certificateId": certificate_id,
            "requestId": certificate_id + 1_000_000, "requester": "DOMAIN\\alice",
            "certificateFormat": "Replace", "thumbprint": thumbprint, "credential": credential} | fields


def renewal(certificate_id, credential, thumbprint, renewed, **fields):
    event = enrollment(certificate_id, credential, thumbprint, **fields)
    del event["certificateFormat"]
    return event | {"renewedCertificateId": renewed}


def plain_credential(content, password, format="PKCS12"):
    return ("io.certswap.v1.Credential", {"format": format, "content": content, "password": password})


def sealed_credential(recipient, cms):
    return ("io.certswap.v1.SealedCredential", {"recipient": recipient, "cms": cms})


def store_type(short_name="P12", format="PKCS12", profile="MODERN", entry_password=False, key="REQUIRED", add=True):
    return {"shortName": short_name, "format": format, "pkcs12Profile": profile,
            "entryPasswordRequired": entry_password, "privateKey": key, "addSupported": add}


def entry(alias, certificate_id, thumbprint, chain_level=0, has_key=True):
    return {"alias": alias, "certificateId": certificate_id, "thumbprint": thumbprint,
            "chainLevel": chain_level, "hasPrivateKey": has_key}


def inventory(entries, type=None, **fields):
    return {"storeId": new_id(), "storeType": type or store_type(), "containerId": None,
            "clientMachine": "host.example", "storePath": "/etc/tls/store", "approved": True,
            "agent": {"agentId": new_id(), "certificate": None}, "entries": entries,
            "inventoriedAt": now_ms()} | fields


def replace_command(existing, certificate_id=None, **fields):
    return {"commandId": new_id(), "existingCertificateId": existing, "certificateId": certificate_id,
            "requestId": None, "password": None, "jobTime": None,
            "principal": {"user": "DOMAIN\\alice", "permissions": list(ALL_STORES)},
            "authorization": None, "storeIds": None, "dryRun": False, "issuedAt": now_ms()} | fields
