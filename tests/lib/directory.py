"""A directory's server, as doc/directories.md describes it, that can also misbehave: socketmap (netstrings) on a
Unix or TCP socket."""
import os, socket, threading, time


def netstring(data):
    return b"%d:%b," % (len(data), data)


class Directory:
    """maps: {map: {key: value}}. A value that is bytes is sent as it is; a callable gets the socket.
    answers counts questions, connections counts connections."""

    def __init__(self, maps, path=None, family=socket.AF_INET):
        self.maps, self.questions, self.connections, self.held = maps, [], 0, []
        self.socket = socket.socket(socket.AF_UNIX if path else family)
        if path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        self.socket.bind(path or ("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        if path:
            os.chmod(path, 0o666)
        else:
            self.port = self.socket.getsockname()[1]
        self.socket.listen(64)
        self.path = path
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.held.append(peer)
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer):
        f = peer.makefile("rb")
        try:
            while question := self.question(f):
                self.questions.append(question)
                answer = self.answer(*question.split(" ", 1))
                if callable(answer):
                    if answer(peer) == "end":
                        break
                else:
                    peer.sendall(answer)
        except OSError:
            pass
        f.close()
        peer.close()

    @staticmethod
    def question(f):
        digits = b""
        while (c := f.read(1)) not in (b":", b""):
            digits += c
        if not digits:
            return None
        text = f.read(int(digits))
        assert f.read(1) == b","
        return text.decode("utf-8", "surrogateescape")

    def answer(self, name, key):
        value = self.maps.get(name, {}).get(key)
        if value is None:
            return netstring(b"NOTFOUND ")
        return netstring(b"OK " + value.encode()) if isinstance(value, str) else value

    def drop(self):
        """Closes every connection, not the socket."""
        for peer in self.held:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.held = []

    def close(self):
        self.drop()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def hang(_):
    time.sleep(30)
    return "end"


def end(_):
    return "end"
