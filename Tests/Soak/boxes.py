"""The two daemons as the soak's conductor sees them: their control socket, configuration, memory and addresses."""
import http.client
import json
import os
import pathlib
import socket
import subprocess


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Box:
    """One daemon in its namespace. `folder` holds key, config.yaml, and config.head: the configuration less its firewall."""

    def __init__(self, name, namespace, folder, binary, wire, addresses):
        self.name, self.namespace, self.folder, self.binary = name, namespace, pathlib.Path(folder), binary
        self.wire, self.addresses, self._address = wire, addresses, 0
        self.pid = int((self.folder / "pid").read_text())
        self.endpoint = f"unix://{self.folder}/api.sock"
        self.reloads = self.failed_reloads = self.moves = self.moves_seen = 0
        self._peer_endpoint = None
        self.status = self.first_status = {}

    def inside(self, *command):
        return ["ip", "netns", "exec", self.namespace, *command]

    def is_alive(self):
        return os.path.exists(f"/proc/{self.pid}/exe")

    def begin(self):
        """From here on things are counted."""
        self.ask()
        self.first_status, self.moves_seen = self.status, 0

    def ask(self):
        """Takes the daemon's status; counts when the peer's endpoint is another than before."""
        connection = UnixConnection(f"{self.folder}/api.sock")
        try:
            connection.request("GET", "/admin/status")
            self.status = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        peers = self.status.get("peers") or [{}]
        endpoint = peers[0].get("endpoint")
        if endpoint and endpoint != self._peer_endpoint:
            self.moves_seen += self._peer_endpoint is not None
            self._peer_endpoint = endpoint

    def handshakes(self):
        return self.status.get("handshakes", 0) - self.first_status.get("handshakes", 0)

    def drops(self):
        """What the daemon dropped since the traffic began, by reason."""
        before, now = self.first_status.get("drops", {}), self.status.get("drops", {})
        return {reason: count - before.get(reason, 0) for reason, count in now.items() if count > before.get(reason, 0)}

    def sample(self):
        """(anonymous memory in KB, open descriptors), or None of a daemon that has ended."""
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
                memory = next(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))
            return memory, len(os.listdir(f"/proc/{self.pid}/fd"))
        except (OSError, StopIteration):
            return None

    def cpu_seconds(self):
        """What the daemon has used of processors since it began, or None of one that has ended."""
        try:
            with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
                # After the name, which may hold anything: the 12th and 13th are user and system time.
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            return None

    def change_address(self):
        """Gives the box's end of the wire its other address, as when a laptop changes networks."""
        old, self._address = self.addresses[self._address], 1 - self._address
        new = self.addresses[self._address]
        for verb, address in (("del", old), ("add", new)):
            subprocess.run(["ip", "-n", self.namespace, "address", verb, f"{address}/24", "dev", self.wire], check=True)
        self.moves += 1

    def reload(self, rng):
        """Other rules, the same peers. What the soak's traffic needs stays allowed, by the last rule."""
        rules = []
        for _ in range(rng.randrange(20)):
            action, port = rng.choice(("allow", "deny", "reject")), rng.randrange(10000, 60000)
            limit = ", limit: {rate: 10/second, burst: 5}" if action == "allow" and rng.random() < 0.3 else ""
            source = rng.choice(("any", "peers", '"fd12::/16"'))
            rules.append(f"{{{action}: {rng.choice(('tcp', 'udp'))}/{port}, from: {source}{limit}}}")
        rules.append("{allow: any, from: peers}")
        lines = "".join(f"\n    - {rule}" for rule in rules)
        text = (f"firewall:\n  default: {rng.choice(('deny', 'reject'))}\n"
                f"  clamp_mss: {rng.choice(('auto', 'true', 'false'))}\n  rules:{lines}\n")
        (self.folder / "config.yaml").write_text((self.folder / "config.head").read_text() + text)
        done = subprocess.run([self.binary, "reload", "--config", f"{self.folder}/config.yaml"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.reloads += 1
        if done.returncode != 0:
            self.failed_reloads += 1
            print(f"    reload of {self.name} failed: {done.stdout}{done.stderr}", flush=True)
