"""What scripted servers share: a socket, and a thread for each connection."""
import os, socket, threading


class Listener:
    """Listens at a path, for everybody, or on a loopback address; a derived class has talk(peer, file), which may raise OSError to drop
    the connection. port: of TCP. connections, ended: how many so far."""

    def __init__(self, path=None, host="127.0.0.1"):
        self.connections = self.ended = 0
        if path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            os.chmod(path, 0o777)
            self.socket.listen(64)
        else:
            self.socket = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.session, args=(peer,), daemon=True).start()

    def session(self, peer):
        try:
            self.talk(peer, peer.makefile("rb"))
        except (OSError, ValueError):
            pass
        finally:
            try:
                peer.shutdown(socket.SHUT_RDWR)  # files may still hold it
            except OSError:
                pass
            peer.close()
            self.ended += 1

    def close(self):
        self.socket.close()
