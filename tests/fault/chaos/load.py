"""What flows while the world breaks: a stream of commands, events and poison that follows from a seed, and what the
contract promises for each record of it."""
import collections
import datetime
import hashlib
import random
import threading
import time
import uuid

import certs
import contract
from contract import COMMANDS, ENROLLMENTS, INVENTORY, RENEWALS, RETRY
from world import PARTITIONS

# What a command may come to.
Outcome = collections.namedtuple("Outcome", "status code certificate_id jobs successful failed dry_run")
FAN_OUTS = {0: 15, 1: 40, 10: 40, 100: 4.5, 1000: 0.5}  # stores: weight
NEW = (501, 502, 503)  # certificates that are staged anew all the time
RENEW_EVERY_S = 30
ALICE = "DOMAIN\\alice"

# What the stream is made of: weights.
MIX = {"fresh": 100, "duplicate": 14, "conflict": 5, "poison": 6, "overtaking": 14, "burst": 2, "never": 3,
       "refused": 3, "expired": 3, "older": 3, "retry-poison": 1}
LIFE_MS = 300_000  # of staged material, from its acquisition


def rejected(code):
    return Outcome("REJECTED", code, None, frozenset(), frozenset(), frozenset(), False)


class Sent:
    """A record that was sent, and what must become of it: one of `allowed`, or a dead letter (`allowed` is None)."""

    def __init__(self, kind, topic, key, value, command_id=None, allowed=None, stage=None):
        self.kind, self.topic, self.key, self.value = kind, topic, key, value
        self.command_id, self.allowed = command_id, allowed
        self.stage = stage  # of its dead letter
        self.partition, self.offset, self.correlation, self.sent_at = None, None, None, None

    @property
    def trace(self):
        return f"00-{self.correlation.replace('-', '')}-{self.correlation[-12:]}0001-01"

    @property
    def headers(self):
        return [("correlation-id", self.correlation), ("traceparent", self.trace)]

    @property
    def place(self):
        return (self.topic, self.partition, self.offset)

    def hash(self):
        return hashlib.sha256(self.value or b"").hexdigest()

    def __str__(self):
        return f"{self.kind} {self.command_id or ''} at {self.topic}/{self.partition}/{self.offset}"


class Load:
    """Sends in a thread of its own. `commands`: records that ask for a result, by correlation id; `poison`: those that
    become dead letters; `enrolled`: good events, which leave nothing behind."""

    def __init__(self, world, seed, rate, mix):
        self.client, self.rate, self.mix = world.client, rate, mix
        self.chance = random.Random(f"load {seed}")
        self.commands, self.poison, self.problems = {}, [], []
        self.enrolled = 0
        self._history, self._waiting = [], collections.deque()
        self._ids = iter(range(10_000, 1_000_000))
        self._lock, self._stop, self._quiet = threading.Lock(), threading.Event(), threading.Event()
        self._thread, self._renewed_at = None, 0
        identity = certs.Identity("new.example", certs.Identity("Chaos CA", ca=True))
        self.thumbprint = identity.thumbprint
        self._credential = contract.plain_credential(identity.pfx("Pass-w0rd", legacy=True), "Pass-w0rd")
        self._bad_credential = contract.plain_credential(identity.pfx("Pass-w0rd", legacy=True), "another")
        self.existing, self.stores = {}, {}
        for number, fan_out in enumerate(FAN_OUTS):
            self.existing[fan_out] = 101 + number
            self.stores[fan_out] = [self._store(fan_out, index) for index in range(fan_out)]

    def _uuid(self):
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _store(self, fan_out, index):
        """Of ten stores two hold the certificate under two aliases, and one is not approved."""
        aliases = ["a", "b"] if fan_out == 10 and index < 2 else ["a"]
        return contract.inventory([contract.entry(alias, self.existing[fan_out], "AB" * 20) for alias in aliases],
                                  storeId=self._uuid(), approved=not (fan_out == 10 and index == 9))

    def begin(self):
        """The inventory and the first enrollments; then the stream is started by start()."""
        for stores in self.stores.values():
            for store in stores:
                self.client.send_later(INVENTORY, store["storeId"],
                                       self.client.schemas.encode("StoreInventory", store))
        self.client.flush()
        self._enroll_again()
        self.client.flush()

    def start(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def quiet(self):
        """No more commands; what is staged is kept alive."""
        self._quiet.set()

    def stop(self):
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def awaited(self):
        with self._lock:
            return list(self.commands.values()), list(self.poison)

    def all_stores(self):
        """The inventory, by store."""
        return {store["storeId"]: store for stores in self.stores.values() for store in stores}

    def ask_again(self, most):
        """When all has come to rest: some of the latest commands and of all once more, which must be remembered."""
        chance = random.Random("again")
        half = min(most // 2, len(self._history))
        for original, _ in self._history[-half:] + chance.sample(self._history, half):
            self._send(Sent("asked again", COMMANDS, original.key, original.value, original.command_id,
                            original.allowed), chance.randrange(PARTITIONS))
        self.client.flush()

    # The stream

    def _run(self):
        actions = {"fresh": self._fresh, "duplicate": self._duplicate, "conflict": self._conflict,
                   "poison": self._poison, "retry-poison": self._retry_poison, "overtaking": self._overtaking,
                   "burst": self._burst, "never": self._never, "refused": self._refused,
                   "expired": self._expired, "older": self._older}
        next_at = time.monotonic()
        while not self._stop.is_set():
            try:
                if not self._quiet.is_set() and time.monotonic() >= next_at:
                    next_at += self.chance.expovariate(self.rate)
                    kind = self.chance.choices(list(self.mix), list(self.mix.values()))[0]
                    actions[kind]()
                self._enroll_again()
                self.client.producer.poll(0)
                while self._waiting:
                    self._waiting.popleft()()
            except Exception as error:
                self.problems.append(f"the load could not be sent: {error!r}")
            time.sleep(min(0.02, max(0.001, next_at - time.monotonic())) if not self._quiet.is_set() else 0.05)
        self.client.flush()

    def _send(self, sent, partition=None, then=None):
        """Hands a record to the producer; `then` is done, in the stream's thread, when the broker has it."""
        sent.correlation, sent.sent_at = self._uuid(), time.monotonic()

        def delivered(error, message):
            if error is not None:
                self.problems.append(f"{sent} was not taken by Kafka: {error}")
                return
            sent.partition, sent.offset = message.partition(), message.offset()
            with self._lock:
                if sent.allowed:
                    self.commands[sent.correlation] = sent
                elif sent.allowed is None:
                    self.poison.append(sent)
            if then is not None:
                self._waiting.append(then)
        options = {} if partition is None else {"partition": partition}
        while True:
            try:
                self.client.producer.produce(sent.topic, key=sent.key, value=sent.value, on_delivery=delivered,
                                             headers=sent.headers, **options)
                return
            except BufferError:
                self.client.producer.poll(0.1)

    def _send_command(self, kind, command, allowed, partition=None):
        value = self.client.schemas.encode("ReplaceCommand", command)
        sent = Sent(kind, COMMANDS, command["commandId"], value, command["commandId"], allowed)
        self._send(sent, partition)
        self._history.append((sent, command))

    def _event(self, certificate_id, credential=None, **fields):
        return contract.enrollment(certificate_id, credential or self._credential, self.thumbprint, **fields)

    def _enroll(self, event, then=None, kind="enrollment", allowed=(), partition=None):
        """Sends an event; `allowed` () means that it leaves no record behind, None that it is dead-lettered."""
        topic, name = ENROLLMENTS, "CertificateEnrolled"
        if event.get("renewedCertificateId"):
            topic, name = RENEWALS, "CertificateRenewed"
        self.enrolled += 1
        self._send(Sent(kind, topic, str(event["certificateId"]), self.client.schemas.encode(name, event),
                        allowed=allowed, stage="TRANSFORMATION"), partition, then)

    def _enroll_again(self):
        if time.monotonic() - self._renewed_at < RENEW_EVERY_S:
            return
        self._renewed_at = time.monotonic()
        for certificate_id in NEW:
            event = self._event(certificate_id)
            if self.chance.random() < 0.3:
                del event["certificateFormat"]
                event["renewedCertificateId"] = 1
            self._enroll(event)

    def _expired(self):
        """Acquired long ago, and staged only now."""
        certificate_id = next(self._ids)

        def then():
            self._send_command("expired", self._command(self.existing[1], certificate_id),
                               [rejected("STAGING_EXPIRED")])
        self._enroll(self._event(certificate_id, occurredAt=contract.now_ms() - LIFE_MS - 60_000), then)

    def _older(self):
        """An older event of another user comes after the one that counts; in its partition, else it could come first
        and be, until then, the newest."""
        certificate_id, fan_out, partition = next(self._ids), self._fan_out(), self._partition()
        counts = self._event(certificate_id)
        other = self._event(certificate_id, requester="DOMAIN\\mallory", occurredAt=counts["occurredAt"] - 5_000)

        def then():
            self._send_command("older", self._command(self.existing[fan_out], certificate_id),
                               [self._completed(fan_out, certificate_id)])
        self._enroll(counts, lambda: self._enroll(other, then, partition=partition), partition=partition)

    def _command(self, existing, certificate_id, **fields):
        return contract.replace_command(existing, certificate_id, commandId=self._uuid(), **fields)

    def _completed(self, fan_out, certificate_id=None, chosen=None, unknown=(), dry_run=False):
        stores = [store for store in self.stores[fan_out] if chosen is None or store["storeId"] in chosen]
        good = [store for store in stores if store["approved"]]
        failed = {(store["storeId"], "NOT_APPROVED") for store in stores if not store["approved"]}
        failed |= {(store_id, "NOT_IN_STORE") for store_id in unknown}
        status = "NO_LOCATIONS" if not stores and not failed else \
            "FAILED" if not good else "PARTIAL" if failed else "COMPLETED"
        jobs = {(store["storeId"], entry["alias"]) for store in good for entry in store["entries"]}
        return Outcome(status, None, certificate_id, frozenset(jobs),
                       frozenset(store["storeId"] for store in good), frozenset(failed), dry_run)

    def _fan_out(self):
        return self.chance.choices(list(FAN_OUTS), list(FAN_OUTS.values()))[0]

    def _fresh(self):
        fan_out, new = self._fan_out(), self.chance.choice(NEW)
        existing = self.existing[fan_out]
        fields = {"password": "St0re-pass"} if self.chance.random() < 0.3 else {}
        variant = self.chance.random()
        if variant < 0.05:
            principal = {"user": ALICE, "permissions": ["/certificates/enrollment/pfx/"]}
            self._send_command("forbidden", self._command(existing, new, principal=principal), [rejected("FORBIDDEN")])
        elif variant < 0.10:
            principal = {"user": "DOMAIN\\mallory", "permissions": list(contract.ALL_STORES)}
            self._send_command("another's", self._command(existing, new, principal=principal),
                               [rejected("NOT_REQUESTER")])
        elif variant < 0.15:
            self._send_command("dry run", self._command(existing, new, dryRun=True, **fields),
                               [self._completed(fan_out, new, dry_run=True)])
        elif variant < 0.20 and fan_out > 0:
            unknown = self._uuid()
            chosen = [store["storeId"] for store in self.chance.sample(self.stores[fan_out], min(fan_out, 4))]
            self._send_command("some stores", self._command(existing, new, storeIds=chosen + [unknown], **fields),
                               [self._completed(fan_out, new, chosen, [unknown])])
        elif variant < 0.30:
            at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=self.chance.randrange(24, 48))
            self._send_command("scheduled", self._command(existing, new, jobTime=at.isoformat("T", "milliseconds"),
                                                          **fields), [self._completed(fan_out, new)])
        elif variant < 0.35:
            self._send_command("by request", self._command(existing, None, requestId=new + 1_000_000, **fields),
                               [self._completed(fan_out, new)])
        else:
            self._send_command("fresh", self._command(existing, new, **fields), [self._completed(fan_out, new)])

    def _again(self):
        """One of the latest commands, or any."""
        if not self._history:
            return None
        recent = self._history[-20:] if self.chance.random() < 0.6 else self._history
        return self.chance.choice(recent)

    def _duplicate(self):
        again = self._again()
        if again is None:
            return
        original, _ = again
        sent = Sent("duplicate", COMMANDS, original.key, original.value, original.command_id, original.allowed)
        self._send(sent, self._partition())

    def _conflict(self):
        again = self._again()
        if again is None:
            return
        original, command = again
        value = self.client.schemas.encode("ReplaceCommand", command | {"issuedAt": command["issuedAt"] + 1})
        self._send(Sent("conflict", COMMANDS, original.key, value, original.command_id, original.allowed),
                   self._partition())

    def _partition(self):
        return self.chance.randrange(PARTITIONS)

    def _overtaking(self):
        """A command that is sent the moment its enrollment is in Kafka, and mostly read before that is staged."""
        certificate_id, fan_out = next(self._ids), self._fan_out()

        def then():
            self._send_command("overtaking", self._command(self.existing[fan_out], certificate_id),
                               [self._completed(fan_out, certificate_id)])
        self._enroll(self._event(certificate_id), then)

    def _burst(self):
        """As _overtaking, with work for the staging consumer before."""
        partition = self._partition()
        for _ in range(40):
            self._enroll(self._event(next(self._ids)), partition=partition)
        certificate_id = next(self._ids)

        def then():
            self._send_command("overtaking", self._command(self.existing[1], certificate_id),
                               [self._completed(1, certificate_id)])
        self._enroll(self._event(certificate_id), then, partition=partition)

    def _never(self):
        self._send_command("never staged", self._command(self.existing[1], next(self._ids)), [rejected("NOT_STAGED")])

    def _refused(self):
        """A credential that cannot be opened: a dead letter, and a command that is told why."""
        certificate_id = next(self._ids)

        def then():
            self._send_command("refused credential", self._command(self.existing[1], certificate_id),
                               [rejected("CREDENTIAL_INVALID")])
        self._enroll(self._event(certificate_id, self._bad_credential), then, "refused credential", None)

    # Poison

    def _garbage(self):
        return self.chance.choice([b"", b"\xc3\x01", self.chance.randbytes(40),
                                   b"\xc3\x01" + self.chance.randbytes(60), b"{\"commandId\": 1}"])

    def _cut(self, value):
        return value[:self.chance.randrange(11, len(value))]

    def _poison(self):
        encode, key = self.client.schemas.encode, self._uuid()
        topic = self.chance.choice([COMMANDS, ENROLLMENTS, RENEWALS, INVENTORY])
        store = contract.inventory([], storeId=key)
        good = {COMMANDS: lambda: encode("ReplaceCommand", self._command(101, 501) | {"commandId": "no-guid"}),
                ENROLLMENTS: lambda: encode("CertificateEnrolled", self._event(next(self._ids), eventId="no-guid")),
                INVENTORY: lambda: encode("StoreInventory", store | {"storeId": self._uuid()})}
        value, stage = self._garbage(), "VALUE_CONVERTER"
        if topic in good and self.chance.random() < 0.6:
            value, stage = good[topic](), "TRANSFORMATION"
            if self.chance.random() < 0.3:
                value, stage = self._cut(value), "VALUE_CONVERTER"
        elif topic == COMMANDS and self.chance.random() < 0.2:
            value = None
        self._send(Sent("poison", topic, key, value, stage=stage))

    def _retry_poison(self):
        self._send(Sent("poison", RETRY, self._uuid(), self._garbage(), stage="VALUE_CONVERTER"))
