"""A running instance for a flow test, and TAP for Python tests.

    from instance import Instance, tap
    with Instance() as one:
        one.password["alice@example.test"], one.port("imaps"), one.dir
"""
import os, shutil, subprocess, tempfile, time

import confined  # noqa: F401
from ports import free_base

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORTS = dict(smtp=25, submission=587, submissions=465, pop3=110, pop3s=995, imap=143, imaps=993, managesieve=4190)
LIMIT = 300  # seconds that any single wait may last


class Tap:
    """ok() per check; done() last. A check that raises is a failed one, with what it raised."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, *details):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}".replace("\n", " "), flush=True)
        if not good:
            for detail in details:
                for line in str(detail).splitlines()[-40:]:
                    print("# " + line, flush=True)
        return good

    def run(self, name, function, *arguments):
        try:
            result = function(*arguments)
        except Exception as error:  # noqa: BLE001: whatever it is, it is the test's result
            import traceback
            return self.ok(False, name, "".join(traceback.format_exception(error)))
        return self.ok(result is None or bool(result), name, f"returned {result!r}")

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def done(self):
        print(f"1..{self.count}", flush=True)
        raise SystemExit(self.failed != 0)


tap = Tap()


def wait_for(condition, what, limit=LIMIT):
    """The first true value of condition(), asked again until the deadline."""
    end = time.monotonic() + limit
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {limit} s")
        time.sleep(pause)  # polling: the condition ends the wait, not the clock
        pause = min(0.1, pause * 2)


class Instance:
    """scripts/try -b in a temporary directory, below which other uids can look."""

    def __init__(self, settings=None, domain="example.test", env=None, users=()):
        self.base = free_base(PORTS.values())
        self.top = tempfile.mkdtemp(prefix="postern-flow.", dir="/var/tmp")
        os.chmod(self.top, 0o755)
        self.dir = os.path.join(self.top, "instance")
        self.domain = domain
        self.env = dict(os.environ, **(env or {}))
        self.env.pop("POSTERN_DIR", None)
        os.makedirs(os.path.join(self.dir, "etc"))
        for name, value in dict({"domains": domain + ":", "me": "mail." + domain}, **(settings or {})).items():
            self.set(name, value)
        self.users = users
        self.password = {}

    def set(self, name, value):
        """A setting; holds from the next connection on."""
        path = os.path.join(self.dir, "etc", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(value if value.endswith("\n") else value + "\n")

    def script(self, *words, **more):
        return subprocess.run(list(words), cwd=ROOT, env=self.env, capture_output=True, text=True,
                              timeout=180, **more)

    def __enter__(self):
        self.start()
        for address in self.users:
            self.add(address, "secret of " + address)
        return self

    def start(self):
        done = self.script("scripts/try", "-b", "-d", self.dir, "-p", str(self.base), stdin=subprocess.DEVNULL)
        if done.returncode:
            shown = done.stdout + done.stderr + self.logs()
            self.__exit__()
            raise RuntimeError("scripts/try -b: " + shown)
        with open(os.path.join(self.dir, "passwords")) as f:
            self.password.update(line.split() for line in f)

    def add(self, address, password):
        done = self.script("scripts/postern-user", "-i", self.dir, "add", address, input=password + "\n")
        if done.returncode:
            raise RuntimeError("postern-user: " + done.stderr)
        self.password[address] = password

    def stop(self):
        return self.script("scripts/try", "-d", self.dir, "stop", stdin=subprocess.DEVNULL)

    def __exit__(self, *_):
        self.stop()
        if os.environ.get("KEEP"):
            print(f"# kept: {self.top}")
        else:
            shutil.rmtree(self.top, ignore_errors=True)

    def port(self, name):
        return self.base + PORTS[name]

    def maildir(self, address):
        local, domain = address.split("@")
        return os.path.join(self.dir, "mail", domain, local, "Maildir")

    def log(self, service):
        path = os.path.join(self.dir, "log", service, "current")
        try:
            with open(path, errors="replace") as f:
                return f.read()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def logs(self):
        root = os.path.join(self.dir, "log")
        names = sorted(os.listdir(root)) if os.path.isdir(root) else []
        return "".join(f"== {n}\n{self.log(n)[-2000:]}" for n in names if self.log(n))
