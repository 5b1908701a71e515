"""Hosts of MTA-STS policies (RFC 8461 3.3): HTTPS servers that answer as they are told."""
import http.server, socket, subprocess, threading

from smtppeer import server_tls


def policy(mode="enforce", mx="mx.p.test", age=600000, head="version: STSv1\n", end="\n"):
    return (head + f"mode: {mode}\n" + "".join(f"mx: {m}\n" for m in mx.split()) + f"max_age: {age}\n").replace("\n", end)


def many_names(directory, name, names):
    cert, key = f"{directory}/{name}.pem", f"{directory}/{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "3",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names)], check=True, capture_output=True)
    return cert, key


class Https(http.server.BaseHTTPRequestHandler):
    policies, asked = {}, []
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.headers["Host"].split(".")[1]
        self.asked.append(name)
        what = self.policies.get(name, 404)
        if self.path != "/.well-known/mta-sts.txt" or what == "DROP":
            self.close_connection = True
            return
        status = what if isinstance(what, int) else 200
        body = (what if isinstance(what, str) else policy()).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "https://mta-sts.good.p.test" + self.path)
        self.send_header("Content-Type", "text/html" if what == "HTML" else "text/plain; charset=utf-8")
        if what == "ENDLESS":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"400\r\n" + b"mx: mx.p.test\n#" * 68 + b"0123\r\n")
            except OSError:
                return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


def https(address, port, cert, key):
    s = Quiet((address, port), Https)
    context = server_tls(cert, key)

    class Late:
        """The handshake is each connection's own thread's."""

        def __init__(self, listener):
            self.listener = listener

        def accept(self):
            c, a = self.listener.accept()
            c.settimeout(30)
            return context.wrap_socket(c, server_side=True, do_handshake_on_connect=False), a

        def __getattr__(self, name):
            return getattr(self.listener, name)
    s.socket = Late(s.socket)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


class Tarpit:
    """Takes connections and says nothing; .open are those that stand."""

    def __init__(self, address, port):
        self.open = []
        self.listener = socket.create_server((address, port), backlog=200)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.open.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.close()
        for c in self.open:
            c.close()
