"""Certificates for tests, by openssl: an authority, what it signs, and the TLSA records that name them."""
import hashlib, os, ssl, subprocess


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, input=data).stdout


class Pki:
    def __init__(self, directory):
        self.dir, self.count = directory, 0
        self.key = f"{directory}/key.pem"  # one key for all: what differs is the certificates
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)

    def authority(self, name="Test CA"):
        """(certificate, key)"""
        self.count += 1
        cert, key = f"{self.dir}/ca{self.count}.pem", f"{self.dir}/ca{self.count}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "30",
                "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        os.chmod(cert, 0o644)
        return cert, key

    def leaf(self, ca, *names, expired=False, chain=True):
        """A file with the certificate for these names and, with chain, the authority's."""
        self.count += 1
        base = f"{self.dir}/leaf{self.count}"
        openssl("req", "-new", "-key", self.key, "-subj", f"/CN={self.count}", "-out", base + ".csr")
        with open(base + ".ext", "w") as f:
            f.write("subjectAltName=" + ",".join("DNS:" + n for n in names) + "\nbasicConstraints=CA:FALSE\n")
        days = "-1" if expired else "20"
        pem = openssl("x509", "-req", "-in", base + ".csr", "-CA", ca[0], "-CAkey", ca[1], "-set_serial", str(self.count), "-days", days,
                      "-extfile", base + ".ext")
        with open(base + ".pem", "wb") as f:
            f.write(pem)
            if chain:
                with open(ca[0], "rb") as g:
                    f.write(g.read())
        return base + ".pem"

    def context(self, pem):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(pem, self.key)
        c.names = []  # of SNI
        c.sni_callback = lambda connection, name, context: c.names.append(name)
        return c


def tlsa(usage, selector, matching, pem):
    """The TLSA record of the file's first certificate, as text."""
    der = openssl("x509", "-in", pem, "-outform", "DER")
    if selector == 1:
        der = openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-in", pem, "-pubkey", "-noout"))
    data = {0: bytes.hex, 1: lambda d: hashlib.sha256(d).hexdigest(), 2: lambda d: hashlib.sha512(d).hexdigest()}[matching](der)
    return f"{usage} {selector} {matching} {data}"
