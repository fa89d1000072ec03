"""A `certswap gateway` under test, and a client of it that knows HTTP and nothing else."""
import contextlib
import http.client
import json
import ssl

import servers

PATH = "/KeyfactorAPI/Enrollment/PFX/Replace"


class Gateway(servers.Daemon):
    """A gateway with its options. `ca` is the file of the CA that its TLS certificate is checked with."""

    port_field = "health_port"

    def __init__(self, folder, settings, arguments, name, ca=None):
        self.command = [servers.CERTSWAP, "gateway", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0",
                        *arguments]
        self.context = ssl.create_default_context(cafile=ca) if ca else None
        self._serving = None
        super().__init__(folder, settings, name)

    @property
    def serving(self):
        """The port of its front."""
        if self._serving is None:
            self.get("/livez")
            self._serving = next(line["port"] for line in self.log() if line.get("message") == "listening")
        return self._serving

    def connect(self):
        if self.context is not None:
            return http.client.HTTPSConnection("127.0.0.1", self.serving, timeout=30, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.serving, timeout=30)

    def request(self, body=None, method="POST", path=PATH, connection=None, **headers):
        """An Answer. `body` is JSON text, bytes, or what becomes JSON; headers by name, _ for -."""
        own = connection or self.connect()
        if not isinstance(body, (str, bytes, type(None))):
            body = json.dumps(body)
        sent = {"Content-Type": "application/json", "x-keyfactor-requested-with": "APIClient",
                "x-keyfactor-api-version": "1"} | {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            # What is too large is answered, and closed, before all of it was sent.
            with contextlib.suppress(BrokenPipeError):
                own.request(method, path, body, {name: text for name, text in sent.items() if text is not None})
            return Answer(own.getresponse())
        finally:
            if connection is None:
                own.close()

    def requests_logged(self):
        return [line for line in self.log() if line.get("message") == "request"]


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()

    def __repr__(self):
        return f"{self.status} {self.text}"

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def command_id(self):
        return self.headers["x-certswap-command-id"]
