"""Plain connections to SMTP, IMAP and POP3 servers that tell a lost reply from a refusal."""
import base64, re, socket, ssl

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
ANSWER = 50  # seconds: no kill of another process may keep a client waiting longer
SECRET = "the secret"


class Lost(Exception):
    """The connection ended before its reply."""


class Refused(Exception):
    """A reply that says no, for a time."""


class Hang(Exception):
    """A server that says nothing."""


class Wire:
    """A connection, in clear or under TLS, with lines, literals and one limit for every wait."""

    def __init__(self, port, tls=False):
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER)
            if tls:
                self.start_tls()
            self.file = self.socket.makefile("rb")
        except (OSError, EOFError) as error:
            raise self.lost(error) from error

    def start_tls(self):
        self.socket = UNSAFE.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    @staticmethod
    def lost(error):
        if isinstance(error, TimeoutError):
            return Hang(f"no answer within {ANSWER} s")
        return Lost(repr(error))

    def line(self):
        try:
            data = self.file.readline()
        except (OSError, ValueError) as error:
            raise self.lost(error) from error
        if not data.endswith(b"\r\n"):
            raise Lost("end of file")
        return data[:-2]

    def take(self, n):
        try:
            data = self.file.read(n)
        except OSError as error:
            raise self.lost(error) from error
        if len(data) < n:
            raise Lost("end of file")
        return data

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise self.lost(error) from error

    def close(self):
        self.socket.close()


class Smtp(Wire):
    def __init__(self, one, service, tls, login=None):
        super().__init__(one.port(service), service == "submissions")
        self.reply()
        self.must("EHLO client.test", 250)
        if tls and service != "submissions":
            self.must("STARTTLS", 220)
            try:
                self.start_tls()
            except OSError as error:
                raise self.lost(error) from error
            self.must("EHLO client.test", 250)
        if login:
            code, text = self.command("AUTH PLAIN " + base64.b64encode(f"\0{login}\0{SECRET}".encode()).decode())
            if code == 535:
                raise AssertionError("a good password was refused: " + text)
            if code != 235:
                raise Refused(text)

    def reply(self):
        while True:
            line = self.line().decode()
            if line[3:4] != "-":
                return int(line[:3]), line[4:]

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def must(self, text, wanted):
        code, said = self.command(text)
        if code != wanted:
            raise Refused(f"{text}: {code} {said}")


class Imap(Wire):
    def __init__(self, one, address, tls):
        super().__init__(one.port("imaps" if tls else "imap"), tls)
        self.count = 0
        self.line()
        self.ok(f'LOGIN {address} "{SECRET}"')

    def response(self):
        data = b""
        while True:
            line = self.line()
            data += line
            literal = re.search(rb"\{(\d+)\}$", line)
            if not literal:
                return data
            data += b"\r\n" + self.take(int(literal[1]))

    def command(self, text, literal=None):
        """(untagged responses, tagged response without its tag)."""
        self.count += 1
        tag = b"c%d " % self.count
        self.send(tag + text.encode() + (b" {%d+}\r\n%s" % (len(literal), literal) if literal else b"") + b"\r\n")
        untagged = []
        while not (response := self.response()).startswith(tag):
            if response.startswith(b"* BYE"):
                raise Lost(response)
            untagged.append(response)
        return untagged, response[len(tag):].decode()

    def ok(self, text, literal=None):
        untagged, tagged = self.command(text, literal)
        if "AUTHENTICATIONFAILED" in tagged or tagged.startswith("BAD"):
            raise AssertionError(f"{text}: {tagged}")
        if not tagged.startswith("OK"):
            raise Refused(f"{text}: {tagged}")
        return untagged, tagged

    def select(self, folder):
        """(UIDVALIDITY, UIDNEXT)"""
        text = b"\n".join(self.ok("SELECT " + folder)[0])
        return tuple(int(re.search(rb"\[%s (\d+)\]" % name, text)[1]) for name in (b"UIDVALIDITY", b"UIDNEXT"))

    def fetch(self, uids, items="FLAGS"):
        """{uid: (flags, octets of the message with LF, or None)}"""
        found = {}
        for response in self.ok(f"UID FETCH {uids} ({items})")[0]:
            if b" FETCH (" not in response[:30]:
                continue
            uid, flags = re.search(rb"\bUID (\d+)", response), re.search(rb"FLAGS \(([^)]*)\)", response)
            body = re.search(rb"BODY\[\] \{(\d+)\}\r\n", response)
            octets = response[body.end():body.end() + int(body[1])].replace(b"\r\n", b"\n") if body else None
            if uid:
                found[int(uid[1])] = (frozenset(flags[1].decode().split()) - {"\\Recent"} if flags else None, octets)
        return found


class Pop(Wire):
    def __init__(self, one, address, tls):
        super().__init__(one.port("pop3s" if tls else "pop3"), tls)
        self.line()
        self.ok("USER " + address)
        self.ok("PASS " + SECRET)

    def ok(self, text):
        self.send(text.encode() + b"\r\n")
        said = self.line().decode()
        if said.startswith("-ERR"):
            if "[AUTH]" in said:
                raise AssertionError(f"{text}: {said}")
            raise Refused(said)
        return said

    def lines(self, text):
        self.ok(text)
        found = []
        while (line := self.line()) != b".":
            found.append(line[1:] if line.startswith(b".") else line)
        return found
