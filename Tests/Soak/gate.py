"""When an end's senders send, are silent, and stop."""
import threading
import time


class Gate:
    """`is_set`, `wait` and `set` are those of an event, which asks to stop. Between `hush` and `resume` nobody sends."""

    def __init__(self):
        self._stop, self._open = threading.Event(), threading.Event()
        self._open.set()

    def is_set(self):
        return self._stop.is_set()

    def wait(self, seconds):
        return self._stop.wait(seconds)

    def set(self):
        self._stop.set()
        self._open.set()

    def hush(self):
        self._open.clear()

    def resume(self):
        self._open.set()

    def await_open(self):
        """Waits as long as there is silence. How many seconds that was."""
        if self._open.is_set():
            return 0.0
        began = time.monotonic()
        self._open.wait()
        return time.monotonic() - began
