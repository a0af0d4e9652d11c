"""A context of Python: runs one piece of code after another in one namespace, for one client, the host."""
import builtins
import os
import queue
import signal
import sys
import types

from pilotlight_cell import Runner, describe
from pilotlight_display import bundle
from pilotlight_modules import BACKEND, Finder, ImageHook, show_figures
from pilotlight_streams import Channel, Pump, Stream


class Kernel:
    def __init__(self, commands, results, marker):
        self.channel = Channel(results, marker)
        self.queue = queue.Queue()
        self.count = 0
        self.pid = os.getpid()
        streams = [Stream(self.channel, "stdout", 1), Stream(self.channel, "stderr", 2)]
        self.pump = Pump(self.channel, commands, streams, self.queue.put)
        sys.stdout, sys.stderr = streams
        sys.__stdout__, sys.__stderr__ = streams
        main = types.ModuleType("__main__")
        main.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = main
        self.runner = Runner(main.__dict__, self.pump.settle)
        builtins.display = lambda *values, **_: [self.show(value) for value in values] and None
        os.environ.setdefault("MPLBACKEND", "module://" + BACKEND)
        sys.meta_path.append(Finder(self.show))
        sys.meta_path.insert(0, ImageHook(self.show))
        plots = sys.modules.get("matplotlib")
        if plots is not None:
            plots.use("module://" + BACKEND)

    def show(self, value, is_main=False):
        self.pump.settle()
        self.channel.send({"type": "result", "main": is_main, "data": bundle(value)})

    def serve(self):
        signal.signal(signal.SIGINT, self.channel.on_interrupt)
        self.pump.start()
        self.channel.send({"type": "ready", "pid": self.pid})
        while True:
            try:
                command = self.queue.get()
                self.execute(command)
            except KeyboardInterrupt:
                # Came after the code had ended: there is nothing left to stop.
                self.channel.interrupted = False

    def execute(self, command):
        self.count += 1
        self.channel.send({"type": "count", "count": self.count})
        before = {name: os.environ.get(name) for name in command["envs"]}
        os.environ.update(command["envs"])
        try:
            self.run(command["code"])
        except BaseException as error:
            self.pump.settle()
            self.channel.send({"type": "error", **describe(error)})
        finally:
            # A child that user code forked and left running must not answer for its parent.
            if os.getpid() != self.pid:
                os._exit(0)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            self.pump.settle()
            self.channel.send({"type": "end"})

    def run(self, code):
        values = self.runner.run(code, self.count)
        show_figures(self.show)
        for value in values:
            self.show(value, is_main=True)


def enter(settings):
    """The surroundings of a login of this user, in this directory."""
    os.environ.clear()
    os.environ.update(settings["envs"])
    os.chdir(settings["cwd"])
    os.umask(0o022)
    sys.path[:0] = [""]


def serve(marker, commands, results):
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    Kernel(commands, results, marker).serve()


def serve_standard_streams(settings):
    """For a kernel that was started like any command: what the host says and hears leaves the standard streams."""
    serve(settings["marker"], os.dup(0), os.dup(1))
