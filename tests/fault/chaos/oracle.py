"""Judges a campaign by what a read_committed reader sees when all has come to rest. It knows the contract and what was
sent, and nothing of the service."""
import collections
import threading
import time

import contents
import contract
from confluent_kafka import OFFSET_BEGINNING, ConsumerGroupTopicPartitions, KafkaError, TopicPartition
from contents import CONNECT, place
from contract import COMMANDS, DLQ, ENROLLMENTS, INVENTORY, JOBS, RENEWALS, RESULTS, RETRY

GROUPS = {"certswap": (COMMANDS, RETRY), "certswap-staging": (ENROLLMENTS, RENEWALS)}


def origin(message):
    """(topic, partition, offset) of the record that a dead letter is made of, or None."""
    parts = [message.headers.get(CONNECT + part) for part in ("topic", "partition", "offset")]
    try:
        return parts[0], int(parts[1]), int(parts[2])
    except (TypeError, ValueError):
        return None


class Watcher:
    """Notes, while the campaign runs, when the results and dead letters come to be seen."""

    def __init__(self, client):
        self.client = client
        self.seen = {}  # correlation id or origin: time
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        consumer = self.client._consumer("certswap-chaos-watcher")
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic in (RESULTS, DLQ)
                         for partition in self.client.partitions(topic)])
        while not self._stop.is_set():
            for message in consumer.consume(200, 0.1):
                if message.error() is None:
                    headers = dict(message.headers() or [])
                    if message.topic() == RESULTS:
                        self.seen.setdefault(headers.get("correlation-id", b"").decode(), time.monotonic())
                    else:
                        where = tuple((headers.get(CONNECT + part) or b"").decode()
                                      for part in ("topic", "partition", "offset"))
                        self.seen.setdefault(where, time.monotonic())
        consumer.close()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def missing(self, commands, poison):
        """The sent records of which nothing has been seen yet."""
        return ([sent for sent in commands if sent.correlation not in self.seen] +
                [sent for sent in poison if tuple(str(part) for part in sent.place) not in self.seen])


class Verdict:
    def __init__(self):
        self.violations = []
        self.results = self.jobs = self.dead_letters = self.retries = 0
        self.outcomes = collections.Counter()

    def add(self, what, *places):
        self.violations.append(what + (" [" + ", ".join(places) + "]" if places else ""))


def _judge_body(sent, askers, result, jobs, asked, verdict):
    """A result, and the jobs of its command, against what was asked for. `askers`: the records of the command by
    correlation id, one of which has the jobs; `asked`: what is known of all commands (Asked)."""
    record, at, command = result.record, place(result), asked.command(sent)
    code = record["rejection"]["code"] if record["rejection"] else None
    failed = frozenset((failure["storeId"], failure["code"]) for failure in record["failures"])
    for outcome in sent.allowed:
        if record["status"] == outcome.status and (outcome.status != "REJECTED" or code == outcome.code):
            break
    else:
        allowed = " or ".join(outcome.status + (f" {outcome.code}" if outcome.status == "REJECTED" else "")
                              for outcome in sent.allowed)
        verdict.add(f"{sent} must be {allowed} and is {record['status']} {code or ''}", at)
        return
    verdict.outcomes[f"{record['status']} {code or ''}".strip()] += 1
    contents.check_result(sent, command, result, verdict)
    if (frozenset(record["successfulStores"]), failed) != (outcome.successful, outcome.failed):
        verdict.add(f"{sent}: its result names other stores than it must", at)
    if outcome.status != "REJECTED" and record["certificateId"] != outcome.certificate_id:
        verdict.add(f"{sent}: its result is of certificate {record['certificateId']}, not {outcome.certificate_id}",
                    at)
    if record["jobCount"] != len(outcome.jobs) or record["dryRun"] != outcome.dry_run:
        verdict.add(f"{sent}: its result counts {record['jobCount']} jobs, not {len(outcome.jobs)}", at)
    wanted = frozenset() if outcome.dry_run else outcome.jobs
    found = collections.defaultdict(list)
    for job in jobs:
        found[job.record["storeId"], job.record["alias"]].append(job)
    for which, those in found.items():
        if len(those) > 1:
            verdict.add(f"{sent}: {len(those)} times the job for {which[0]}/{which[1]}", *map(place, those))
        elif which not in wanted:
            verdict.add(f"{sent}: a job for {which[0]}/{which[1]}, which it must not have", *map(place, those))
    lacking = wanted - set(found)
    if lacking:
        verdict.add(f"{sent}: {len(lacking)} of {len(wanted)} jobs are not there, {sorted(lacking)[0]} for one", at)
    sources = {job.headers.get("correlation-id") for job in jobs}
    if len(sources) > 1 or not sources <= set(askers):
        verdict.add(f"{sent}: its jobs come from several records, or from none of its own", place(jobs[0]),
                    place(jobs[-1]))
        return
    for job in jobs:
        contents.check_output(askers[job.headers["correlation-id"]], job, verdict)
        contents.check_job(sent, command, (outcome.certificate_id, asked.thumbprint), asked.stores, job, verdict)
    contents.check_credentials(sent, command, asked.thumbprint, jobs, verdict)


def _judge_command(records, results, jobs, asked, verdict):
    """All records with one command id: one payload wins, its records all get the same result, the others' a
    conflict."""
    winners, losers = [], []
    for sent in records:
        found = results.get(sent.correlation, [])
        if len(found) != 1:
            what = "is lost: committed, and no result" if asked.is_lost(sent) and not found else \
                f"has {len(found)} results"
            verdict.add(f"{sent} {what}", *map(place, found))
            continue
        message = found[0]
        if message.record["commandId"] != sent.command_id:
            verdict.add(f"{sent}: its result is another command's", place(message))
        contents.check_output(sent, message, verdict)
        wins = message.record["resultId"] == contract.result_id(sent.command_id)
        (winners if wins else losers).append((sent, message))
    if len({sent.value for sent, _ in winners}) > 1:
        verdict.add(f"two payloads of {records[0].command_id} were both decided",
                    *[place(message) for _, message in winners])
    if not winners and losers:
        verdict.add(f"no record of {records[0].command_id} was decided", *[place(message) for _, message in losers])
    if winners:
        _judge_body(winners[0][0], {sent.correlation: sent for sent, _ in winners}, winners[0][1], jobs, asked, verdict)
        first = winners[0][1]
        for sent, message in winners[1:]:
            if message.value != first.value:
                verdict.add(f"{sent}: its result is not the bytes of its twin's", place(message), place(first))
    payload = winners[0][0].value if winners else None
    for sent, message in losers:
        record = message.record
        verdict.outcomes["REJECTED COMMAND_ID_CONFLICT"] += 1
        contents.check_result(sent, asked.command(sent), message, verdict)
        if sent.value == payload or not record["rejection"] or \
                record["rejection"]["code"] != "COMMAND_ID_CONFLICT" or record["jobCount"] != 0 or \
                record["resultId"] != contract.conflict_id(sent.command_id, sent.value):
            verdict.add(f"{sent}: neither the command's result nor a right conflict: {record['status']} "
                        f"{record['rejection']}", place(message))


def _judge_dead_letters(poison, letters, verdict):
    by_origin = collections.defaultdict(list)
    for letter in letters:
        by_origin[origin(letter)].append(letter)
    for sent in poison:
        found = by_origin.pop(sent.place, [])
        # The inventory is read by every instance at every start: at least once is what is promised.
        if len(found) != 1 and not (sent.topic == INVENTORY and found):
            verdict.add(f"{sent} has {len(found)} dead letters", *[place(letter) for letter in found])
        for letter in found:
            contents.check_dead_letter(sent, letter, verdict)
    for where, found in by_origin.items():
        verdict.add(f"a dead letter of {where}, which is no poison", *[place(letter) for letter in found])


def _judge_retries(asked, verdict):
    """What is in the retry topic is a command that was sent, or was itself sent there."""
    known = {_at(sent): sent for sent in asked.commands}
    thrown_in = {_at(sent) for sent in asked.poison}
    for where, messages in asked.retries.items():
        if where in known:
            contents.check_retries(known[where], messages, verdict)
        elif where not in thrown_in or len(messages) > 1:
            verdict.add(f"retry records of {where}, which is no command", *map(place, messages))


def _at(sent):
    """Its place, as the headers have it."""
    return "/".join(map(str, sent.place))


def _committed(client):
    """Up to where each partition of the inputs is committed by its group."""
    committed = {}
    for group, topics in GROUPS.items():
        wanted = [TopicPartition(topic, partition) for topic in topics for partition in client.partitions(topic)]
        answer = client.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)])
        for part in answer[group].result(30).topic_partitions:
            committed[part.topic, part.partition] = max(part.offset, 0)
    return committed


def _judge_lag(client, committed, verdict):
    """Every record that a reader of the inputs sees is committed by its group."""
    ends = {}
    for message in _read(client, *[topic for topics in GROUPS.values() for topic in topics]):
        ends[message.topic(), message.partition()] = message.offset() + 1
    for (topic, partition), end in ends.items():
        if committed[topic, partition] < end:
            verdict.add(f"{topic}/{partition} has committed {committed[topic, partition]} of {end}")


def _read(client, *topics):
    """All raw messages of the topics that a read_committed reader sees, from their beginnings to their ends."""
    consumer = client._consumer("certswap-chaos-oracle")
    try:
        wanted = [TopicPartition(topic, partition, OFFSET_BEGINNING)
                  for topic in topics for partition in client.partitions(topic)]
        consumer.assign(wanted)
        unread, end = {(part.topic, part.partition) for part in wanted}, time.monotonic() + 300
        while unread:
            if time.monotonic() > end:
                raise TimeoutError(f"no end of {sorted(unread)}")
            for message in consumer.consume(1000, 0.2):
                if message.error() is None:
                    yield message
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic(), message.partition()))
                else:
                    raise RuntimeError(str(message.error()))
    finally:
        consumer.close()


class Asked:
    """What was sent: commands and poison (load.Sent); what the world is like that it was sent to; and what is known of
    the records on their way: where they stand in the retry topic, by origin, and what is committed."""

    def __init__(self, client, stream):
        self.client, self.stores, self.thumbprint = client, stream.all_stores(), stream.thumbprint
        self.commands, self.poison = stream.awaited()
        self.retries, self.committed = collections.defaultdict(list), _committed(client)

    def is_lost(self, sent):
        """Whether nobody will look at the record again. Else it waits, or somebody waits for it."""
        places = [sent.place] + [(one.topic, one.partition, one.offset) for one in self.retries.get(_at(sent), [])]
        return all(offset < self.committed[topic, partition] for topic, partition, offset in places)

    def command(self, sent):
        return self.client.schemas.decode(sent.value)[1]


def judge(client, stream):
    """`stream`: load.Load, all of whose records have been taken by Kafka."""
    verdict, asked = Verdict(), Asked(client, stream)
    results, jobs, letters = collections.defaultdict(list), collections.defaultdict(list), []
    for raw in _read(client, RESULTS, JOBS, DLQ, RETRY):
        try:
            message = contract.Message(raw, client.schemas)
        except Exception as error:
            verdict.add(f"a record cannot be decoded: {error!r}", f"{raw.topic()}/{raw.partition()}/{raw.offset()}")
            continue
        if message.topic == RESULTS:
            results[message.headers.get("correlation-id")].append(message)
        elif message.topic == JOBS:
            jobs[message.record["commandId"]].append(message)
        elif message.topic == RETRY:
            asked.retries[message.headers.get("certswap-origin") or place(message)].append(message)
        else:
            letters.append(message)
    verdict.results, verdict.jobs = sum(map(len, results.values())), sum(map(len, jobs.values()))
    verdict.dead_letters, verdict.retries = len(letters), sum(map(len, asked.retries.values()))
    by_command = collections.defaultdict(list)
    for sent in asked.commands:
        by_command[sent.command_id].append(sent)
    for command_id, records in by_command.items():
        _judge_command(records, results, jobs.pop(command_id, []), asked, verdict)
    for command_id, found in jobs.items():
        verdict.add(f"{len(found)} jobs of {command_id}, which was never sent", place(found[0]))
    known = {sent.correlation for sent in asked.commands}
    for correlation, found in results.items():
        if correlation not in known:
            verdict.add(f"a result that nobody asked for ({correlation})", *map(place, found))
    _judge_dead_letters(asked.poison, letters, verdict)
    _judge_retries(asked, verdict)
    _judge_lag(client, asked.committed, verdict)
    return verdict
