"""What a single record must hold, by the contract and by what was asked for. Each check adds what is wrong to a
verdict (oracle.Verdict)."""
import datetime
import functools

import contract
from contract import DLQ, JOBS, RESULTS
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12
from world import PARTITIONS

CONNECT = "__connect.errors."
RETRY_PREFIX = "certswap-"
GROUP = "certswap"


def place(message):
    return f"{message.topic}/{message.partition}/{message.offset}"


@functools.lru_cache(maxsize=None)
def _partition(key):
    return contract.partition_of(key, PARTITIONS)


def expect(verdict, what, message, **pairs):
    """`pairs`: name = (found, wanted)."""
    wrong = [f"{name} {found!r} for {wanted!r}" for name, (found, wanted) in pairs.items() if found != wanted]
    if wrong:
        verdict.add(f"{what} has {'; '.join(wrong)}", place(message))


def time_ms(text):
    try:
        return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
    except (AttributeError, ValueError):
        return text


def scheduled_at(command):
    """The commands' times are all far in the future."""
    return time_ms(command["jobTime"]) if command["jobTime"] else None


def check_output(sent, message, verdict):
    """Key, partition and headers of a job or result, which `sent` asked for."""
    record, names = message.record, [name for name, _ in message.header_list]
    kind, own_id, subject, time = {
        JOBS: ("StoreJob", "jobId", "storeId", "createdAt"),
        RESULTS: ("ReplaceResult", "resultId", "commandId", "completedAt")}[message.topic]
    headers = message.headers
    expect(verdict, f"{sent}: its {kind}", message, key=(message.key, record[subject].encode()),
           partition=(message.partition, _partition(message.key)), name=(message.name, kind),
           ce_specversion=(headers.get("ce_specversion"), "1.0"), ce_id=(headers.get("ce_id"), record[own_id]),
           ce_source=(headers.get("ce_source"), "/certswap/" + GROUP),
           ce_type=(headers.get("ce_type"), "io.certswap.v1." + kind),
           ce_subject=(headers.get("ce_subject"), record[subject]),
           ce_time=(time_ms(headers.get("ce_time")), record[time]),
           content_type=(headers.get("content-type"), "application/avro"),
           correlation=(headers.get("correlation-id"), sent.correlation),
           twice=(sorted(name for name in set(names) if names.count(name) > 1), []))
    version, trace, span, flags = (headers.get("traceparent") or "---").split("-")
    _, sent_trace, sent_span, _ = sent.trace.split("-")
    if (version, trace, flags) != ("00", sent_trace, "01") or len(span) != 16 or span == sent_span:
        verdict.add(f"{sent}: its {kind} continues {sent.trace} as {headers.get('traceparent')}", place(message))


def check_result(sent, command, message, verdict):
    """What a result says of the command and has to say in order."""
    record = message.record
    good, failed = record["successfulStores"], record["failedStores"]
    scheduled = None if record["status"] == "REJECTED" else scheduled_at(command)
    expect(verdict, f"{sent}: its result", message,
           existingCertificateId=(record["existingCertificateId"], command["existingCertificateId"]),
           requestId=(record["requestId"], command["requestId"]), scheduledAt=(record["scheduledAt"], scheduled),
           requestedBy=(record["requestedBy"], command["principal"]["user"]),
           successfulStores=(good, sorted(set(good))), failedStores=(failed, sorted(set(failed))),
           failures=([failure["storeId"] for failure in record["failures"]], failed))


def check_job(sent, command, certificate, stores, message, verdict):
    """A job against the command and its store. `certificate`: (id, thumbprint) of what is to be installed."""
    record = message.record
    expect(verdict, f"{sent}: its job {record['jobId']}", message,
           jobId=(record["jobId"], contract.job_id(sent.command_id, record["storeId"], record["alias"])),
           overwrite=(record["overwrite"], True), scheduledAt=(record["scheduledAt"], scheduled_at(command)),
           requestedBy=(record["requestedBy"], command["principal"]["user"]),
           certificate=((record["certificateId"], record["thumbprint"]), certificate),
           existingCertificateId=(record["existingCertificateId"], command["existingCertificateId"]))
    store = stores.get(record["storeId"])
    entry = next((entry for entry in store["entries"] if entry["alias"] == record["alias"]), None) if store else None
    if entry is None:
        return  # it is told as a job that must not be there
    expect(verdict, f"{sent}: its job {record['jobId']}", message,
           existingThumbprint=(record["existingThumbprint"], entry["thumbprint"]),
           agentId=(record["agentId"], store["agent"]["agentId"]),
           storeType=(record["storeType"], store["storeType"]["shortName"]),
           **{name: (record[name], store[name]) for name in ("clientMachine", "storePath", "containerId")})


def check_credentials(sent, command, thumbprint, jobs, verdict):
    """The jobs of a command have one password, the command's if it has one. Of one command in sixteen the contents
    are opened too: each opens with it, to the key and the certificate."""
    password = command["password"]
    opened = set()
    for message in jobs:
        name, credential = message.record["credential"]
        password = password or credential["password"]
        expect(verdict, f"{sent}: its job {message.record['jobId']}", message,
               credential=((name, credential["format"]), ("io.certswap.v1.Credential", "PKCS12")),
               password=(credential["password"], password))
        if not sent.command_id.endswith("0") or credential["content"] in opened or not password:
            continue
        opened.add(credential["content"])
        try:
            key, leaf, _ = pkcs12.load_key_and_certificates(credential["content"], password.encode())
        except ValueError as error:
            verdict.add(f"{sent}: its job's content does not open: {error}", place(message))
            continue
        found = leaf.fingerprint(hashes.SHA1()).hex().upper() if isinstance(leaf, x509.Certificate) else None
        if found != thumbprint or key is None or key.public_key() != leaf.public_key():
            verdict.add(f"{sent}: its job's content is of {found}, or has not its key", place(message))
    if jobs and not password:
        verdict.add(f"{sent}: its jobs have no password", place(jobs[0]))


def _keeps(sent, message):
    """Whether a retry record or dead letter is the record that was sent, with its headers."""
    own = "__connect.errors." if message.topic == DLQ else RETRY_PREFIX
    kept = [(name, value) for name, value in message.header_list if not name.startswith(own)]
    return (message.key, message.value, kept) == (
        sent.key.encode(), sent.value, [(name, value.encode()) for name, value in sent.headers])


def check_dead_letter(sent, message, verdict):
    if not _keeps(sent, message):
        verdict.add(f"{sent}: its dead letter has another key, value or headers", place(message))
    headers = message.headers
    stage, code = headers.get(CONNECT + "stage"), headers.get(CONNECT + "exception.class.name")
    if stage != sent.stage or not code or not headers.get(CONNECT + "exception.message") or \
            not (headers.get(CONNECT + "connector.name") or "").startswith(GROUP):
        verdict.add(f"{sent}: its dead letter says {stage} and {code}, not {sent.stage}, or lacks a header",
                    place(message))


def check_retries(sent, messages, verdict):
    """All the records of one command in the retry topic: its attempts once each, first seen at one moment."""
    attempts, seen = [], set()
    for message in messages:
        numbers = [message.headers.get(RETRY_PREFIX + name) or "" for name in ("attempt", "first-seen", "not-before")]
        if not _keeps(sent, message) or not all(number.isdecimal() for number in numbers):
            verdict.add(f"{sent}: its retry record is not it, or lacks a header", place(message))
            continue
        attempt, first_seen, not_before = map(int, numbers)
        attempts.append(attempt)
        seen.add(first_seen)
        if not_before < first_seen:
            verdict.add(f"{sent}: its retry record is due before it was first seen", place(message))
    if sorted(attempts) != list(range(1, len(attempts) + 1)) or len(seen) > 1:
        verdict.add(f"{sent}: it was tried again as {sorted(attempts)}, first seen at {sorted(seen)}",
                    place(messages[0]))
