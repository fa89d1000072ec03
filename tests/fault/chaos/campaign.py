"""One campaign: a world, a load, faults, and a verdict. script/chaos starts it."""
import argparse
import base64
import collections
import glob
import os
import random
import shlex
import shutil
import signal
import sys
import tempfile
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *to) for to in
                ((), ("..", "..", "support"), ("..", "..", "clients", "python"))]

import faults  # noqa: E402
import load  # noqa: E402
import oracle  # noqa: E402
import world  # noqa: E402
from servers import wait_for  # noqa: E402

DRAIN_S = 180  # longer than a transaction that hangs (30 s) and the largest backoff together
ASKED_AGAIN = 200  # commands at the end
SETTINGS = {
    "CERTSWAP_STAGING_KEYS": "chaos:" + base64.b64encode(bytes(range(32))).decode(),
    "CERTSWAP_REQUIRE_SEALED": "false", "CERTSWAP_HTTP_LISTEN": "127.0.0.1:0", "CERTSWAP_PIPELINES": "2",
    "CERTSWAP_LOG_FORMAT": "json", "CERTSWAP_PKCS12_ITERATIONS": "2048", "CERTSWAP_BATCH_MAX": "20",
}


def weights(text):
    """kind or kind:weight, separated by commas; a dictionary."""
    return {part.partition(":")[0]: float(part.partition(":")[2] or 1) for part in text.split(",") if part}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="script/chaos", description="Breaks certswap's world at random, repeatably, "
                                     "and judges what came out of it.")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--seconds", type=float, default=None, help="of faults (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="the same seed: the same faults and commands")
    parser.add_argument("--rate", type=float, default=12, help="records a second (default: 12)")
    parser.add_argument("--gap", type=float, default=2.5, help="seconds from fault to fault, on average (default: 2.5)")
    parser.add_argument("--faults", type=weights, default=None,
                        help=f"these alone, as KIND[:WEIGHT],...: {' '.join(faults.KINDS)}")
    parser.add_argument("--mix", type=weights, default=None,
                        help=f"of these alone the load is made, likewise: {' '.join(load.MIX)}")
    parser.add_argument("--without", type=lambda text: text.split(","), default=[], help="parts of the load left out")
    parser.add_argument("--drain", type=float, default=DRAIN_S, help=argparse.SUPPRESS)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of certswapd")
    options = parser.parse_args(arguments)
    options.seconds = options.minutes * 60 if options.minutes else options.seconds or 60
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    for names, known in ((options.faults or {}, faults.KINDS), (options.mix or {}, load.MIX),
                         (options.without, load.MIX)):
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}")
    options.mix = {kind: weight for kind, weight in (options.mix or load.MIX).items() if kind not in options.without}
    return options


def say(text):
    print(text, flush=True)


def wait_drained(watcher, stream, limit_s):
    """Waits until every record that was sent has come to something; what has not, at last."""
    end = time.monotonic() + limit_s
    while True:
        missing = watcher.missing(*stream.awaited())
        if not missing or time.monotonic() > end:
            return missing
        time.sleep(0.2)


def slowest(watcher, stream, done):
    """(seconds, what) of the longest wait for a result that no fault explains any more: from the end of the latest
    fault before it, or from when the command was sent."""
    ends = sorted(((fault.end, fault) for fault in done), key=lambda pair: pair[0])
    worst = (0.0, "no command")
    for sent in stream.awaited()[0]:
        seen = watcher.seen.get(sent.correlation)
        if seen is None:
            continue
        since, after = sent.sent_at, "no fault"
        for end, fault in ends:
            if end > seen:
                break
            if end > since:
                since, after = end, f"{fault.kind} of {target(fault)}"
        worst = max(worst, (seen - since, f"{sent}, after {after}"))
    return worst


def longest_silence(watcher, stream):
    """Seconds without any result or dead letter while commands waited for one."""
    waits = [(sent.sent_at, watcher.seen.get(sent.correlation, float("inf"))) for sent in stream.awaited()[0]]
    seen = sorted(watcher.seen.values())
    gaps = sorted(((after - before, before, after) for before, after in zip(seen, seen[1:])), reverse=True)
    for gap, before, after in gaps[:50]:
        if any(sent <= before and at >= after for sent, at in waits):
            return gap
    return 0.0


def target(fault):
    number, broker = fault.target
    parts = [f"instance {number}"] if number is not None else []
    parts += [f"broker {broker}"] if broker is not None else []
    return " and ".join(parts) or "Redis"


def note_state(the_world, missing):
    """What everybody knew when something did not come, beside the logs."""
    with open(os.path.join(the_world.folder, "state.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"came to nothing: {sent}\n" for sent in missing)
        watermarks = the_world.redis("HGETALL", "certswap:watermark")
        file.write(f"Redis' time {the_world.redis('TIME')}\n")
        for name, moment in sorted(zip(watermarks[::2], watermarks[1::2])):
            file.write(f"watermark {name.decode()} {moment.decode()}\n")
        for instance in the_world.instances:
            for path in ("/readyz", "/metrics"):
                file.write(f"\n== {instance.name} {path}\n{instance.daemon.get(path)[1]}\n")


def keep_logs(folder):
    for data in glob.glob(os.path.join(folder, "kafka", "data-*")) + glob.glob(os.path.join(folder, "appendonlydir")):
        shutil.rmtree(data, ignore_errors=True)
    return folder


def run(options, folder):
    """Returns (violations, lines of the report)."""
    settings = SETTINGS | dict(pair.split("=", 1) for pair in options.set)
    begin = time.monotonic()
    the_world = world.World(folder, settings)
    stream = watcher = injector = None
    try:
        stream = load.Load(the_world, options.seed, options.rate, options.mix)
        stream.begin()
        the_world.start_instances()
        wait_for(lambda: all(the_world.redis("EXISTS", f"certswap:staged:{number}") for number in load.NEW),
                 "the first certificates to be staged")
        watcher = oracle.Watcher(the_world.client)
        say(f"the world stands after {time.monotonic() - begin:.0f} s; {options.seconds:.0f} s of faults")
        stream.start()
        injector = faults.Faults(the_world, faults.schedule(options.seed, options.seconds, options.gap,
                                                            options.faults))
        time.sleep(options.seconds)
        injector.join()
        healed = time.monotonic()
        stream.quiet()
        missing = wait_drained(watcher, stream, options.drain)
        drained = time.monotonic() - healed
        if not missing:
            stream.ask_again(ASKED_AGAIN)
            missing = wait_drained(watcher, stream, options.drain)
        if missing:
            note_state(the_world, missing)
        time.sleep(2)  # for what should not come
        stream.stop()
        for instance in the_world.instances:
            instance.stop()
        verdict = oracle.judge(the_world.client, stream)
        if missing:
            verdict.add(f"{len(missing)} records came to nothing within {drained:.0f} s, {missing[0]} for one")
        problems = injector.problems + stream.problems
        for instance in the_world.instances:
            verdict.violations += instance.faults
        return verdict.violations, problems, report(options, watcher, stream, injector.done, verdict, drained)
    finally:
        for part in (injector, stream, watcher):
            if part is not None:
                part.stop()
        the_world.end()


def report(options, watcher, stream, done, verdict, drained):
    commands, poison = stream.awaited()
    counted = collections.Counter(fault.kind for fault in done)
    kinds = collections.Counter(sent.kind for sent in commands)
    seconds, what = slowest(watcher, stream, done)
    return [
        f"faults     {len(done)}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counted.items())),
        f"commands   {len(commands)}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())),
        f"events     {stream.enrolled}; poison {len(poison)}, dead letters {verdict.dead_letters}",
        f"results    {verdict.results}: " + ", ".join(f"{kind} {count}"
                                                      for kind, count in sorted(verdict.outcomes.items())),
        f"jobs       {verdict.jobs}; retry records {verdict.retries}",
        f"recovery   slowest {seconds:.1f} s ({what}); longest silence {longest_silence(watcher, stream):.1f} s; "
        f"drained {drained:.1f} s after the last fault",
    ]


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))  # so that what was started is ended
    again = sys.argv[1:] + ([] if "--seed" in sys.argv else ["--seed", str(options.seed)])
    say(f"seed {options.seed}; to repeat: script/chaos {shlex.join(again)}")
    folder = tempfile.mkdtemp(prefix="certswap-chaos-")
    violations, problems, lines = [], [], []
    try:
        violations, problems, lines = run(options, folder)
    except BaseException:
        say(f"logs       {keep_logs(folder)}")
        raise
    for line in lines:
        say(line)
    for problem in problems[:10]:
        say(f"trouble    {problem}")
    for violation in violations[:12]:
        say(f"violation  {violation}")
    if violations:
        with open(os.path.join(folder, "violations.txt"), "w", encoding="utf-8") as file:
            file.writelines(violation + "\n" for violation in violations)
    if len(violations) > 12:
        say(f"violation  and {len(violations) - 12} more")
    if violations or problems:
        say(f"logs       {keep_logs(folder)}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"verdict    {f'{len(violations)} violations' if violations else 'no violation'}, seed {options.seed}"
        + (f"; {len(problems)} troubles of the campaign itself" if problems else ""))
    sys.exit(1 if violations else 3 if problems else 0)


if __name__ == "__main__":
    main()
