"""The servers of a test: Apache Kafka, Redis, certswapd. Each starts on a free port or socket, lives in a folder of
its own, and is ended by its process id."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
# Where the programs under test are: CTest says.
BIN = os.environ.get("TEST_BIN", os.path.join(SOURCE, "build-dev", "bin"))
CERTSWAPD = os.path.join(BIN, "certswapd")
CERTSWAP = os.path.join(BIN, "certswap")


def wait_for(condition, what, timeout_s=30, every_s=0.02):
    """Waits until the condition gives something true, and returns that."""
    end = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(every_s)


def clean_environment(settings):
    """The environment of a program under test: the given settings, and of ours nothing that begins with CERTSWAP_."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CERTSWAP_")}
    return own | {name: str(value) for name, value in settings.items() if value is not None}


def tail(path, lines=40):
    try:
        with open(path, "rb") as file:
            return b"\n".join(file.read().splitlines()[-lines:]).decode(errors="replace")
    except OSError as error:
        return str(error)


def end_process(process, timeout_s=10, by=signal.SIGTERM):
    """SIGTERM, and SIGKILL when it does not listen; returns the exit status."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Kafka:
    """A broker, or several, by script/kafka; `properties` are added to its settings, `options` are the script's."""

    def __init__(self, folder, properties=None, options=(), listeners=None, java_options=""):
        """`listeners`: more than the plain one, by name, each with its security protocol; address() of them."""
        self.environment = os.environ | {"KAFKA_OPTS": java_options}
        self.folder = os.path.join(folder, "kafka")
        self.script = os.path.join(SOURCE, "script", "kafka")
        self.log = os.path.join(self.folder, "broker-1.log")
        arguments = list(options)
        if properties:
            path = os.path.join(folder, "kafka.properties")
            arguments += ["--properties", path]
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"{name}={value}\n" for name, value in properties.items())
        if listeners:
            path = os.path.join(folder, "kafka.listeners")
            arguments += ["--links", path]
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"1 {name} - {protocol}\n" for name, protocol in listeners.items())
        self.start(*arguments)

    def address(self, listener, host="127.0.0.1"):
        with open(os.path.join(self.folder, "links"), encoding="utf-8") as file:
            ports = {line.split()[1]: line.split()[3] for line in file}
        return f"{host}:{ports[listener]}"

    def start(self, *arguments):
        """Also again, after stop(): with the same data, port and settings."""
        done = subprocess.run([self.script, "start", self.folder, *arguments], capture_output=True, text=True,
                              env=self.environment, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"script/kafka start: {done.stderr}")
        self.bootstrap = done.stdout.strip()

    def stop(self):
        subprocess.run([self.script, "stop", self.folder], check=True, capture_output=True)

    def _signal(self, number):
        with open(os.path.join(self.folder, "pid"), encoding="utf-8") as file:
            for pid in file.read().split():
                os.kill(int(pid), number)

    def pause(self):
        """Stops the broker where it is: its connections stay, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)


class RedisError(Exception):
    pass


class Redis:
    """A redis-server on a port of its own, and a client that sends one command at a time. It keeps nothing over its
    end, or, when `durable`, every write that it has answered. `acl` is the line of its ACL file for the user that
    certswapd is (with a password in it); then there is no other user but this class's own."""

    def __init__(self, folder, durable=False, acl=None):
        self.log = os.path.join(folder, "redis.log")
        self.folder, self.process, self.file = folder, None, None
        self.persistence = ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
        self.login, self.user = None, None
        if acl is not None:
            _, name, *rules = acl.split()
            password = next(rule[1:] for rule in rules if rule.startswith(">"))
            self.user = f"{name}:{password}@"
            self.login = "AUTH", "the-test", uuid.uuid4().hex
            path = os.path.join(folder, "redis.acl")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"user default off\nuser the-test on >{self.login[2]} ~* &* +@all\n{acl}\n")
            self.persistence += ["--aclfile", path]
        for _ in range(5):
            self.port = free_port()
            if self._try_start():
                return
        raise RuntimeError(f"redis-server does not start:\n{tail(self.log)}")

    @property
    def url(self):
        return f"redis://{self.user or ''}127.0.0.1:{self.port}/0"

    def _spawn(self, *options):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self.persistence,
                 "--dir", self.folder, "--maxmemory-policy", "noeviction", *options], stdout=log, stderr=log)

    def _try_start(self):
        self._spawn()

        def answers():
            if self.process.poll() is not None:
                return "ended"
            try:
                return self("PING") == b"PONG" and "answers"
            except (OSError, RedisError):
                return None
        return wait_for(answers, "redis-server") == "answers"

    def start(self):
        """Again, on the same port, with the data that stop(keep_data=True) kept, else empty."""
        if not self._try_start():
            raise RuntimeError(f"redis-server does not start again:\n{tail(self.log)}")

    def start_loading(self, *options):
        """Again, with the data that stop(keep_data=True) kept and further options; does not wait for the data to be
        read, and until then the server answers LOADING."""
        self._spawn(*options)

    def stop(self, keep_data=False):
        if keep_data:
            self("SAVE")
        if self.file is not None:
            self.file.close()
            self.file = None
        end_process(self.process)

    def kill(self):
        if self.file is not None:
            self.file.close()
            self.file = None
        self.process.kill()
        self.process.wait()

    def pause(self):
        """Stops the process where it is: it holds its connections and data and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def __call__(self, *arguments):
        if self.file is None:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            self.file = connection.makefile("rwb")
            connection.close()
            if self.login is not None:
                self(*self.login)
        parts = [argument if isinstance(argument, bytes) else str(argument).encode() for argument in arguments]
        self.file.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        self.file.flush()
        return self._reply()

    def _reply(self):
        line = self.file.readline()
        if not line:
            self.file.close()
            self.file = None
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]

    def keys(self, pattern="*"):
        return sorted(key.decode() for key in self("KEYS", pattern))

    def dump(self):
        """All names and values that Redis holds, as one text of bytes."""
        found = []
        for key in self("KEYS", "*"):
            kind = self("TYPE", key)
            value = {b"string": lambda: [self("GET", key)], b"hash": lambda: self("HGETALL", key)}[kind]()
            found += [key] + [part for part in value if part is not None]
        return b"\n".join(found)


class Daemon:
    """A certswapd with its settings. Its standard output and error go to files of its folder."""

    command = (CERTSWAPD,)
    port_field = "port"  # of its log line "listening": where it is asked for its state

    def __init__(self, folder, settings, name="certswapd"):
        self.settings, self.name = settings, name
        self.out_path = os.path.join(folder, name + ".out")
        self.log_path = os.path.join(folder, name + ".log")
        self.process, self.port, self._log_start = None, None, 0
        self.start()

    def start(self):
        self._log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        self.port, self.ended_by_test = None, False
        with open(self.out_path, "ab") as out, open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, env=clean_environment(self.settings), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=log)
        return self

    def log(self):
        """The log records since the last start; lines that are no JSON stand as {"raw": line}."""
        with open(self.log_path, "rb") as file:
            file.seek(self._log_start)
            return [_json_or_raw(line) for line in file.read().splitlines()]

    def _url(self, path):
        if self.port is None:
            def listening():
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail(self.log_path)}")
                return next((line[self.port_field] for line in self.log() if line.get("message") == "listening"), None)
            self.port = int(wait_for(listening, f"{self.name} to listen"))
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path):
        """(status, body) of a path of its HTTP server."""
        try:
            with urllib.request.urlopen(self._url(path), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def wait_ready(self, ready=True, timeout_s=60):
        def reached():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail(self.log_path)}")
            return self.ready() == ready
        try:
            wait_for(reached, f"{self.name} to be {'' if ready else 'not '}ready", timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.get('/readyz')}") from None
        return self

    def metrics(self):
        return self.get("/metrics")[1]

    def pause(self):
        """Stops the process where it is; resume() lets it go on as if nothing had happened."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.ended_by_test = self.process.poll() is None
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s=40, by=signal.SIGTERM):
        """Returns (exit status, seconds it took)."""
        begin = time.monotonic()
        self.ended_by_test = self.process.poll() is None
        status = end_process(self.process, timeout_s, by)
        return status, time.monotonic() - begin


def _json_or_raw(line):
    try:
        record = json.loads(line)
        return record if isinstance(record, dict) else {"raw": line.decode(errors="replace")}
    except ValueError:
        return {"raw": line.decode(errors="replace")}


def run(program, arguments, settings, timeout_s=60, **options):
    """Runs a program to its end with a clean environment; a CompletedProcess with texts."""
    return subprocess.run([program, *arguments], env=clean_environment(settings), capture_output=True, text=True,
                          timeout=timeout_s, check=False, **{"stdin": subprocess.DEVNULL} | options)


def new_folder():
    return tempfile.TemporaryDirectory(prefix="certswap-test-")
