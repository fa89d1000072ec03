"""Redis in every trouble that it can answer with, and in those in which it does not answer: readiness falls and says
why and what to do, nothing is lost, rejected or doubled, and work resumes within a bounded time."""
import contextlib
import threading

from support import FaultTest, main, servers

LOADING_US = 4_000_000


class RedisFaults(FaultTest):
    def kill_connections(self):
        self.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def test_readonly(self):
        self.through("READONLY", lambda: self.redis("REPLICAOF", "127.0.0.1", 1),
                     lambda: self.redis("REPLICAOF", "NO", "ONE"), red=("readonly", "CERTSWAP_REDIS_URL", "primary"))

    def test_readonly_while_idle(self):
        """The server answers, and takes no watermark: without a command in hand too this is no ready service."""
        self.daemon.wait_ready()
        self.redis("REPLICAOF", "127.0.0.1", 1)
        try:
            self.wait_red("readonly", "primary")
            self.assert_stays_red("readonly", "primary")
        finally:
            self.redis("REPLICAOF", "NO", "ONE")
        with self.timed("READONLY while idle: ready again after"):
            self.daemon.wait_ready(timeout_s=10)

    def test_out_of_memory(self):
        self.through("OOM", lambda: self.redis("CONFIG", "SET", "maxmemory", 1),
                     lambda: self.redis("CONFIG", "SET", "maxmemory", 0), red=("OOM", "raise maxmemory"))

    def test_no_auth(self):
        def begin():
            self.redis("CONFIG", "SET", "requirepass", "another")
            self.redis("AUTH", "another")
            self.kill_connections()
        self.through("NOAUTH", begin, lambda: self.redis("CONFIG", "SET", "requirepass", ""),
                     red=("NOAUTH", "set user and password in CERTSWAP_REDIS_URL"))

    def test_loading(self):
        """A server that reads its data set, slowed so that this takes some seconds."""
        filling = [f"filling:{number}" for number in range(40)]
        for key in filling:
            self.redis("SET", key, "x" * 4096)
        self.redis("CONFIG", "SET", "rdbcompression", "no")

        def begin():
            delay = LOADING_US // self.redis("DBSIZE")
            self.redis.stop(keep_data=True)
            self.redis.start_loading("--key-load-delay", str(delay), "--loading-process-events-interval-bytes", "1024")

        def end():
            def loaded():
                with contextlib.suppress(OSError, servers.RedisError):
                    return self.redis("PING")
            servers.wait_for(loaded, "Redis to have read its data")
        self.through("LOADING", begin, end, red=("LOADING", "this passes"), stays_red=False)
        self.redis("DEL", *filling)

    def test_slow(self):
        """It answers nothing for 5 seconds, to the test neither: the pause ends by itself."""
        self.through("slow", lambda: self.redis("CLIENT", "PAUSE", 5000, "ALL"), lambda: self.redis("PING"),
                     red=("redis at 127.0.0.1", "no answer in time"), stays_red=False)

    def test_connections_are_reset(self):
        stop = threading.Event()
        other = []

        def kill():
            while not stop.wait(0.02):
                self.kill_connections()
                other.append(1)
        killer = threading.Thread(target=kill)

        def end():
            stop.set()
            killer.join()
        self.through("resets", killer.start, end, hold_s=3)
        self.assertGreater(len(other), 50)

    def test_restarts(self):
        def restart():
            self.redis.stop(keep_data=True)
            self.redis.start()
        self.through("restart", restart, lambda: None)

    def test_gone(self):
        self.through("gone for 20 s", lambda: self.redis.stop(keep_data=True), self.redis.start,
                     red=("redis at 127.0.0.1", "connecting"), hold_s=20)


if __name__ == "__main__":
    main()
