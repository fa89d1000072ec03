"""A server of JWK Sets on loopback, by https."""
import http.server
import os
import ssl
import threading


class KeyServer:
    """A key server on loopback; `body`, `status`, `headers` are what it answers, `gate` holds its answers back."""

    def __init__(self, identity, folder, port=0):
        self.requests, self.status, self.headers, self.body = 0, 200, {}, b""
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                outer.gate.wait(30)
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                try:
                    self.wfile.write(outer.body)
                except OSError:
                    pass

            def log_message(self, *_):
                pass
        path = os.path.join(folder, identity.common_name + ".pem")
        with open(path, "wb") as file:
            file.write(identity.pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        http.server.ThreadingHTTPServer.handle_error = lambda *_: None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self):
        if not self.thread.is_alive():
            return
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
