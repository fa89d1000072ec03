"""TCP links that can be broken: each is a loopback port in front of a server, and can be cut, held up, slowed or reset
while it is used. They live in a process of their own, so that the test's Python does not slow them.

    with Links() as links:
        port = links.add("redis")             # listens at once; leads somewhere only after aim()
        links.aim("redis", server_port)
        links.set("redis", "stall")
"""
import asyncio
import json
import socket
import struct
import subprocess
import sys

# What a link can do; `set(name, "open")` ends it.
#   cut    connections are reset, new ones too
#   stall  connections stay, nothing goes through until the link opens, then all of it
#   deaf   what clients send arrives, no answer comes back; at its end the connections are reset
#   slow   each piece (of at most 64 KiB) is held for `delay_ms`
MODES = ("open", "cut", "stall", "deaf", "slow")
PIECE = 65536


class Links:
    """The links, from the side of the test."""

    def __init__(self):
        self._process = subprocess.Popen([sys.executable, "-B", __file__], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, **what):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the links\' process has ended"}')
        if "error" in answer:
            raise RuntimeError(f"{what}: {answer['error']}")
        return answer

    def add(self, name):
        """Makes a link and returns its port."""
        return self._ask(do="add", link=name)["port"]

    def aim(self, name, port):
        self._ask(do="aim", link=name, port=port)

    def set(self, name, mode, delay_ms=0):
        self._ask(do="set", link=name, mode=mode, delay_ms=delay_ms)

    def reset(self, name):
        """Resets the connections of now; returns how many there were."""
        return self._ask(do="reset", link=name)["connections"]


def _abort(writer):
    """Ends a connection by RST: what is under way is lost, as when a machine dies."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


class _Link:
    def __init__(self):
        self.target, self.mode, self.delay_s = None, "open", 0
        self.writers = set()
        self.open = asyncio.Event()
        self.open.set()

    async def serve(self, reader, writer):
        if self.mode == "cut" or self.target is None:
            _abort(writer)
            return
        self.writers.add(writer)
        onward = None
        try:
            back, onward = await asyncio.open_connection("127.0.0.1", self.target)
            self.writers.add(onward)
            pumps = [asyncio.create_task(self._pump(reader, onward, False)),
                     asyncio.create_task(self._pump(back, writer, True))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            for end in (writer, onward):
                if end is not None:
                    self.writers.discard(end)
                    _abort(end)

    async def _pump(self, reader, writer, is_answer):
        try:
            while piece := await reader.read(PIECE):
                while self.mode == "stall" or (self.mode == "deaf" and is_answer):
                    await self.open.wait()
                if self.delay_s > 0:
                    await asyncio.sleep(self.delay_s)
                writer.write(piece)
                await writer.drain()
        except (OSError, ConnectionError):
            pass

    def reset(self):
        count = len(self.writers)
        for writer in list(self.writers):
            _abort(writer)
        return count

    def set(self, mode, delay_ms):
        if self.mode == "deaf" or mode == "cut":
            self.reset()
        self.mode, self.delay_s = mode, delay_ms / 1000 if mode == "slow" else 0
        if mode in ("stall", "deaf"):
            self.open.clear()
        else:
            self.open.set()


class _Server:
    def __init__(self):
        self.links = {}

    async def obey(self, order):
        if order["do"] == "add":
            link = self.links[order["link"]] = _Link()
            server = await asyncio.start_server(link.serve, "127.0.0.1", 0, limit=PIECE)
            return {"port": server.sockets[0].getsockname()[1]}
        link = self.links[order["link"]]
        if order["do"] == "aim":
            link.target = order["port"]
        elif order["do"] == "set":
            assert order["mode"] in MODES, order["mode"]
            link.set(order["mode"], order["delay_ms"])
        elif order["do"] == "reset":
            return {"connections": link.reset()}
        return {}


async def main():
    server = _Server()
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        try:
            answer = await server.obey(json.loads(line))
        except Exception as error:  # the test is told, whatever it is
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
