"""The include rule: rooms have ranks, includes point down or stay in their folder, files make no cycle, and base and
domain are pure. Each check takes the root of a tree and returns its faults as texts."""
import os

import ctext

RANKS = {
    "base": 0,
    "domain": 1, "config": 1, "log": 1, "metrics": 1,
    "avro": 2, "crypto": 2, "fetch": 2,
    "redis": 3, "kafka": 3, "registry": 3, "http": 3, "keys": 3,
    "pipeline": 4, "gateway": 4,
    "daemon": 5, "cli": 5,
}
PURE_ROOMS = ("base", "domain")
# What does I/O, asks the clock or the surroundings. stdio.h is allowed for snprintf; its other calls are not.
IMPURE_HEADERS = {
    "time.h", "sys/time.h", "unistd.h", "fcntl.h", "dirent.h", "poll.h", "netdb.h", "signal.h", "syslog.h",
    "threads.h", "spawn.h", "termios.h", "ifaddrs.h", "microhttpd.h", "avro.h",
}
IMPURE_FOLDERS = ("sys/socket", "sys/epoll", "sys/stat", "sys/file", "sys/un", "sys/mman", "sys/wait", "netinet/",
                  "arpa/", "librdkafka/", "hiredis/", "curl/", "avro/", "cjose/", "openssl/ssl")
IMPURE_CALLS = ("printf", "fprintf", "vprintf", "vfprintf", "puts", "fputs", "putchar", "fopen", "fread", "fwrite",
                "perror", "time", "clock", "clock_gettime", "gettimeofday", "getenv", "secure_getenv", "rand",
                "random", "system")


def sources(root):
    """Paths, relative to the root, of the C files of a tree."""
    found = []
    for folder, _, names in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root)
                  for name in names if name.endswith((".c", ".h", ".def"))]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def room_of(path):
    return path.split("/")[0] if "/" in path else None


def rank_faults(service):
    faults = []
    for path in sources(service):
        room = room_of(path)
        if room not in RANKS:
            faults.append(f"{path}: the room has no rank; give it one in tests/structure/includes.py")
            continue
        for line, name, quoted in ctext.includes(read(service, path)):
            target = room_of(name)
            if not quoted:
                if target in RANKS and os.path.exists(os.path.join(service, name)):
                    faults.append(f'{path}:{line}: <{name}> is ours; write #include "{name}"')
            elif "/" not in name and name.endswith(".inc") and not os.path.exists(os.path.join(service, room, name)):
                continue  # made by the build: text, no interface
            elif target not in RANKS:
                faults.append(f'{path}:{line}: "{name}" is not written as room/file.h')
            elif RANKS[target] > RANKS[room]:
                faults.append(f"{path}:{line}: upward include of {name}")
            elif target != room and RANKS[target] == RANKS[room]:
                faults.append(f"{path}:{line}: sideways include of {name}")
    return faults


def cycle_faults(service):
    graph = {path: [name for _, name, quoted in ctext.includes(read(service, path)) if quoted]
             for path in sources(service)}
    faults, done = [], set()

    def visit(path, trail):
        if path in trail:
            faults.append("include cycle: " + " -> ".join(trail[trail.index(path):] + [path]))
        elif path in graph and path not in done:
            for target in graph[path]:
                visit(target, trail + [path])
            done.add(path)

    for path in graph:
        visit(path, [])
    return faults


def purity_faults(service):
    faults = []
    for path in sources(service):
        if room_of(path) not in PURE_ROOMS:
            continue
        text = read(service, path)
        for line, name, quoted in ctext.includes(text):
            if not quoted and (name in IMPURE_HEADERS or name.startswith(IMPURE_FOLDERS)):
                faults.append(f"{path}:{line}: <{name}> in a pure room")
        for line, name in ctext.calls(text, IMPURE_CALLS):
            faults.append(f"{path}:{line}: {name}() in a pure room")
    return faults


def faults(service):
    return rank_faults(service) + cycle_faults(service) + purity_faults(service)
