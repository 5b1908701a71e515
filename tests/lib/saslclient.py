"""The client's side of SASL for tests: messages as bytes, nothing of base64 or a protocol."""
import base64, hashlib, hmac, os


def plain(login, password, authzid=""):
    return f"{authzid}\0{login}\0{password}".encode()


def bearer(user, token):
    return f"n,{'a=' + user if user else ''},\1host=mail.example.test\1port=143\1auth=Bearer {token}\1\1".encode()


def xoauth2(user, token):
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


class Scram:
    """first(), then final(server's first), then verify(server's final)."""

    def __init__(self, login, password, digest="sha256", header="n,,", nonce=None):
        self.password, self.digest, self.header = password.encode(), digest, header
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={login.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"

    def hmac(self, key, text):
        return hmac.digest(key, text, self.digest)

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, challenge):
        server = challenge.decode()
        self.fields = dict(f.split("=", 1) for f in server.split(","))
        assert self.fields["r"].startswith(self.nonce) and len(self.fields["r"]) > len(self.nonce), server
        salted = hashlib.pbkdf2_hmac(self.digest, self.password, base64.b64decode(self.fields["s"]), int(self.fields["i"]))
        key = self.hmac(salted, b"Client Key")
        without = f"c={base64.b64encode(self.header.encode()).decode()},r={self.fields['r']}"
        message = f"{self.bare},{server},{without}".encode()
        signature = self.hmac(hashlib.new(self.digest, key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.signature = self.hmac(self.hmac(salted, b"Server Key"), message)
        return f"{without},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, final):
        return final == b"v=" + base64.b64encode(self.signature)
