"""One piece of code: what is read from it and how it is run."""
import ast
import asyncio
import inspect
import linecache
import re
import subprocess
import sys
import traceback

FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def prepare(code):
    """Without the indentation that the first line has, which callers often leave in."""
    lines = code.lstrip("\n").split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    if not indent:
        return code
    return "\n".join(line[len(indent):] if line.startswith(indent) else line for line in lines)


def magic(line):
    """A line that is not Python but means something in a notebook; others are returned as they are."""
    match = re.match(r"^(\s*)(!|%)(\S.*)$", line)
    if not match:
        return line
    indent, kind, rest = match.groups()
    if kind == "!":
        return f"{indent}__pilotlight_shell__({rest!r})"
    name, _, argument = rest.partition(" ")
    if name == "pip":
        return f"{indent}__pilotlight_shell__({sys.executable + ' -m pip ' + argument!r})"
    if name == "cd":
        return f"{indent}__import__('os').chdir(__import__('os').path.expanduser({argument.strip() or '~'!r}))"
    if name in ("matplotlib", "load_ext", "autoreload", "config"):
        return f"{indent}pass"
    return f"{indent}__pilotlight_unknown_magic__({name!r})"


def parse(code, name):
    source = prepare(code)
    block = re.match(r"^\s*%%(bash|sh|shell)\s*\n(.*)$", source, re.S)
    if block:
        source = f"__pilotlight_shell__({block.group(2)!r})"
    try:
        tree = ast.parse(source, name)
    except SyntaxError:
        # Lines that are Python are never touched: only code that does not parse is looked through.
        changed = "\n".join(magic(line) for line in source.split("\n"))
        if changed == source:
            raise
        tree, source = ast.parse(changed, name), changed
    return tree, source


def shell(channel_settle):
    def run(command):
        channel_settle()
        process = subprocess.run(["/bin/bash", "-c", command], stdin=subprocess.DEVNULL, check=False)
        if process.returncode != 0:
            sys.stderr.write(f"exit status {process.returncode}\n")

    return run


def unknown_magic(name):
    raise SyntaxError(f"%{name} is not known here; write it in Python or as a !command")


class Runner:
    def __init__(self, namespace, settle):
        self.namespace = namespace
        self.loop = None
        namespace["__pilotlight_shell__"] = shell(settle)
        namespace["__pilotlight_unknown_magic__"] = unknown_magic

    def run(self, code, count):
        """The value of the last expression, in a list; an empty list when there is none to show."""
        name = f"<cell {count}>"
        tree, source = parse(code, name)
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
            last = ast.Expression(tree.body.pop().value)
        if tree.body:
            self.evaluate(compile(tree, name, "exec", FLAGS, dont_inherit=True))
        if last is None:
            return []
        value = self.evaluate(compile(last, name, "eval", FLAGS, dont_inherit=True))
        if value is None:
            return []
        self.namespace["_"] = value
        return [value]

    def evaluate(self, code):
        value = eval(code, self.namespace)
        if code.co_flags & inspect.CO_COROUTINE:
            if self.loop is None or self.loop.is_closed():
                self.loop = asyncio.new_event_loop()
            return self.loop.run_until_complete(value)
        return value


def describe(error):
    """Name, text and traceback, without the frames that are not the caller's."""
    frames = error.__traceback__
    while frames is not None and not frames.tb_frame.f_code.co_filename.startswith("<cell "):
        frames = frames.tb_next
    lines = traceback.format_exception(type(error), error.with_traceback(frames), frames)
    return {"name": type(error).__name__, "value": str(error), "traceback": "".join(lines)}
