"""The programs that the conductor runs inside the boxes: told by lines on their standard input, heard by lines of JSON."""
import json
import subprocess
import sys
import threading


class Part:
    def __init__(self, name, command):
        self.name = name
        self.last = {}
        self._heard = threading.Event()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            self.last = json.loads(line)
            self._heard.set()

    def tell(self, line):
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `is_alive` says it.

    def wait_ready(self, seconds):
        if not self._heard.wait(seconds):
            sys.exit(f"error: {self.name} did not start within {seconds} seconds")

    def is_alive(self):
        return self._process.poll() is None

    def end(self):
        try:
            self._process.stdin.close()
            self._process.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
