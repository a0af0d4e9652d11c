"""What user code prints: through sys.stdout at once, through file descriptors 1 and 2 by way of pipes."""
import codecs
import functools
import io
import json
import os
import selectors
import signal
import threading
import time

FLUSH_BYTES = 8192
FLUSH_SECONDS = 0.02


class Channel:
    """The only way out of the kernel: one message per line, each behind the marker that only the host knows."""

    def __init__(self, descriptor, marker):
        self.descriptor = descriptor
        self.prefix = ("\x1e" + marker).encode()
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.busy = False
        self.interrupted = False

    def send(self, message):
        # A child that user code forked has nothing to say here.
        if os.getpid() != self.pid:
            return
        data = self.prefix + json.dumps(message).encode() + b"\n"
        # A message that an interrupt cuts in two would spoil the next one; the interrupt waits.
        is_main = threading.current_thread() is threading.main_thread()
        if is_main:
            self.busy = True
        try:
            with self.lock:
                while data:
                    data = data[os.write(self.descriptor, data):]
        finally:
            if is_main:
                self.busy = False
        if is_main and self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt

    def on_interrupt(self, _number, _frame):
        if self.busy:
            self.interrupted = True
            return
        raise KeyboardInterrupt


class Stream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr. A forked child of user code writes to the descriptor instead."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, channel, kind, descriptor):
        super().__init__()
        self.channel = channel
        self.kind = kind
        self.descriptor = descriptor
        self.pid = os.getpid()
        self.parts = []
        self.size = 0
        self.since = 0.0
        self.before_write = lambda: None
        self.buffer = io.FileIO(descriptor, "w", closefd=False)

    def fileno(self):
        return self.descriptor

    def writable(self):
        return True

    def isatty(self):
        return False

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        if os.getpid() != self.pid:
            os.write(self.descriptor, text.encode("utf-8", "replace"))
            return len(text)
        # What was written to the descriptor until now comes before this.
        self.before_write()
        with self.channel.lock:
            if not self.parts:
                self.since = time.monotonic()
            self.parts.append(text)
            self.size += len(text)
        if self.size >= FLUSH_BYTES:
            self.flush()
        return len(text)

    def flush(self):
        if os.getpid() != self.pid:
            return
        with self.channel.lock:
            text = "".join(self.parts)
            self.parts = []
            self.size = 0
        if text:
            self.channel.send({"type": self.kind, "text": text})


class Pump(threading.Thread):
    """Moves what arrives on the pipes, flushes what waits for too long and hears the host's commands."""

    def __init__(self, channel, commands, streams, on_command):
        super().__init__(daemon=True, name="pilotlight-pump")
        self.channel = channel
        self.commands = commands
        self.streams = streams
        self.on_command = on_command
        self.pipes = {}
        self.decoders = {}
        self.pending = b""
        self.main = threading.main_thread().ident
        for stream in streams:
            read, write = os.pipe()
            os.dup2(write, stream.descriptor, inheritable=True)
            os.close(write)
            os.set_blocking(read, False)
            self.pipes[read] = stream
            stream.before_write = functools.partial(self.drain, read)
            self.decoders[read] = codecs.getincrementaldecoder("utf-8")("replace")

    def run(self):
        selector = selectors.DefaultSelector()
        for descriptor in (self.commands, *self.pipes):
            selector.register(descriptor, selectors.EVENT_READ)
        while True:
            waiting = any(stream.parts for stream in self.streams)
            for key, _ in selector.select(FLUSH_SECONDS if waiting else 0.25):
                if key.fd == self.commands:
                    if not self.receive():
                        os._exit(0)
                else:
                    self.drain(key.fd)
            now = time.monotonic()
            for stream in self.streams:
                if stream.parts and now - stream.since >= FLUSH_SECONDS:
                    stream.flush()

    def receive(self):
        data = os.read(self.commands, 1 << 16)
        if not data:
            return False
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            if command["op"] == "interrupt":
                signal.pthread_kill(self.main, signal.SIGINT)
            else:
                self.on_command(command)
        return True

    def drain(self, descriptor):
        with self.channel.lock:
            while True:
                try:
                    data = os.read(descriptor, 1 << 16)
                except BlockingIOError:
                    return
                text = self.decoders[descriptor].decode(data, final=not data)
                if text:
                    stream = self.pipes[descriptor]
                    # What was printed before this arrived was most likely printed before it was written.
                    stream.flush()
                    self.channel.send({"type": stream.kind, "text": text})
                if not data:
                    return

    def settle(self):
        """After this, everything that was printed before has been sent."""
        for stream in self.streams:
            stream.flush()
        for descriptor in self.pipes:
            self.drain(descriptor)
