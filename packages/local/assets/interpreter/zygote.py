"""
Holds a Python with its libraries loaded and never runs anybody's code: each kernel is a fork of it that first goes into
its sandbox and gives up what it may do. Requests come as lines of JSON on standard input, one answer each.
"""
import base64
import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
# The user namespace comes first: it gives the right to enter the others.
NAMESPACES = (("user", 0x10000000), ("ipc", 0x08000000), ("uts", 0x04000000), ("net", 0x40000000),
              ("pid", 0x20000000), ("mnt", 0x00020000))
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
MOST_DESCRIPTORS = 4096
# So long after a request the next fork is made: at once it would hold up the kernel that was just asked for.
QUIET_SECONDS = 0.03
CAPSET = {"x86_64": 126, "aarch64": 91}
LIMITS = ("RLIMIT_CORE", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_FSIZE")


def check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def preload(names):
    """What of these is installed. OpenBLAS must not start threads: a process with threads cannot be forked safely."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    loaded = []
    for name in names:
        try:
            importlib.import_module(name)
            loaded.append(name)
        except ImportError:
            continue
    return loaded


def open_sandbox(process, pid_namespace):
    """
    The namespaces of a sandbox by its first process. A process id can be given to another process when the sandbox is
    gone; the number of its namespace cannot be the same then, so a mismatch means that there is nothing to enter.
    """
    directory = os.open(f"/proc/{process}", os.O_RDONLY | os.O_DIRECTORY)
    namespaces = [(os.open(f"ns/{name}", os.O_RDONLY, dir_fd=directory), flag, name) for name, flag in NAMESPACES]
    found = next(os.fstat(descriptor).st_ino for descriptor, _, name in namespaces if name == "pid")
    if found != pid_namespace:
        raise ProcessLookupError(f"the sandbox of process {process} is gone")
    with open(os.open("status", os.O_RDONLY, dir_fd=directory)) as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    return namespaces, fields


def copy_limits(process):
    """A kernel is held to the same limits as what the sandbox's own first process starts."""
    for name in LIMITS:
        kind = getattr(resource, name)
        resource.setrlimit(kind, resource.prlimit(process, kind))


def open_groups(process):
    """What takes a process into the control groups of the sandbox, where they are not the host's own."""
    mounts = {}
    with open("/proc/self/mounts") as lines:
        for _, path, kind, options, *_ in map(str.split, lines):
            if kind in ("cgroup", "cgroup2"):
                mounts.update(dict.fromkeys(options.split(",") if kind == "cgroup" else [""], path))
    found = []
    own = set(open("/proc/self/cgroup"))
    for line in open(f"/proc/{process}/cgroup"):
        _, controllers, path = line.rstrip("\n").split(":", 2)
        mount = mounts.get(controllers.split(",")[0])
        if line not in own:
            found.append(os.open(f"{mount}{path}/cgroup.procs", os.O_WRONLY))
    return found


class FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("statements", ctypes.c_char_p)]


def install_filter(statements):
    """The filter that commands of the sandbox start with."""
    if statements:
        program = FilterProgram(len(statements) // 8, statements)
        check(LIBC.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0), "seccomp")


def drop_rights(user, group):
    if os.geteuid() == 0:
        os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(LIBC.syscall(CAPSET[os.uname().machine], header, nothing), "capset")
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    # Changing user makes a process opaque to itself; it may look at its own /proc again.
    check(LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def close_all_but(*kept):
    """Not by /proc, which inside of the sandbox does not know a process that came from outside."""
    edges = [-1, *sorted(kept), MOST_DESCRIPTORS]
    for before, after in zip(edges, edges[1:]):
        # An empty range means everything to some versions of Python.
        if before + 1 < after:
            os.closerange(before + 1, after)


def connect(path, nonce):
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(path)
    channel.sendall(nonce.encode() + b"\n")
    return os.dup(channel.detach())


def start(request, loaded, program):
    """Runs in the fork: goes into the sandbox, then forks once more, because only a child is in a process namespace."""
    channel = connect(request["socket"], request["nonce"])
    settings = request["settings"]
    sandbox = request.get("sandbox")
    if sandbox:
        namespaces, fields = open_sandbox(sandbox["process"], sandbox["pidNamespace"])
        if fields.get("Seccomp", "0") != "0" and not program.filter:
            raise PermissionError("the sandbox filters system calls, and the filter is not known")
        groups = open_groups(sandbox["process"])
        copy_limits(sandbox["process"])
        for descriptor, flag, name in namespaces:
            check(LIBC.setns(descriptor, flag), f"setns {name}")
        inside = os.fork()
        if inside:
            close_all_but()
            os.waitpid(inside, 0)
            os._exit(0)
        os.setsid()
        for group in groups:
            os.write(group, b"0")
        drop_rights(sandbox["user"], sandbox["group"])
        install_filter(program.filter)
    else:
        os.setsid()
    check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "pdeathsig")
    close_all_but(0, 1, 2, channel)
    os.dup2(os.open(os.devnull, os.O_RDWR), 2)
    run(settings, channel, loaded, program)


def own_sites(settings):
    """Where the sandbox can have packages of its own, in the order in which they are looked through."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    home = settings["envs"].get("HOME", "/home/user")
    sites = (f"{home}/.local/lib/{version}/site-packages", f"/usr/local/lib/{version}/dist-packages",
             f"/usr/local/lib/{version}/site-packages")
    return [site for site in sites if os.path.isdir(site)]


def shadowed(loaded, sites):
    """Whether the sandbox has its own copy of something that is loaded already: it must win."""
    places = ((site, name, f"{site}/{name}") for site in sites for name in loaded)
    return any(
        not str(sys.modules[name].__file__).startswith(f"{site}/") and (os.path.exists(path) or os.path.exists(path + ".py"))
        for site, name, path in places
    )


def add_sites(sites):
    """The sandbox's own packages come before those of the system, as in an interpreter that starts there."""
    added = [site for site in sites if site not in sys.path]
    if not added:
        return
    import site as installer
    before = list(sys.path)
    for directory in added:
        installer.addsitedir(directory)
    found = [path for path in sys.path if path not in before]
    system = next((index for index, path in enumerate(before) if path.endswith("-packages")), len(before))
    sys.path[:] = [*before[:system], *found, *before[system:]]


def run(settings, channel, loaded, program):
    sites = own_sites(settings)
    if shadowed(loaded, sites):
        os.dup2(channel, 0, inheritable=True)
        os.dup2(channel, 1, inheritable=True)
        os.chdir(settings["cwd"])
        own = json.dumps({"marker": settings["marker"]})
        os.execve(sys.executable, [sys.executable, "-c", program.source, own], settings["envs"])
    # Directories that were missing on the host may be there now.
    for path in [path for path, finder in sys.path_importer_cache.items() if finder is None]:
        del sys.path_importer_cache[path]
    add_sites(sites)
    from pilotlight_kernel import enter, serve
    enter(settings)
    serve(settings["marker"], channel, channel)


def answer(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class KernelProgram:
    """What a fork needs to become a kernel: the source of a fresh one, and the filter it is held to."""

    def __init__(self, source, filter_text):
        self.source = source
        self.filter = base64.b64decode(filter_text)


def main(names, source, filter_text):
    program = KernelProgram(source, filter_text)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import asyncio, pprint, queue, selectors, site, subprocess, threading, traceback  # noqa: F401, E401
    import pilotlight_kernel  # noqa: F401
    loaded = preload(names)
    gc.collect()
    gc.freeze()
    children = {}
    spare = fork_spare(loaded, program)
    answer({"loaded": loaded})
    for line in lines(sys.stdin.buffer.raw, lambda: None if spare else QUIET_SECONDS):
        if not line:
            spare = fork_spare(loaded, program)
            continue
        reap(children)
        request = json.loads(line)
        if request["op"] == "kill":
            kill(children, request["nonce"])
            continue
        pid, requests = spare or fork_spare(loaded, program)
        spare = None
        children[request["nonce"]] = pid
        with os.fdopen(requests, "wb") as pipe:
            pipe.write(line)


def lines(stream, patience):
    """The lines of a pipe, and an empty one when nothing came for as long as the patience says."""
    held = b""
    while True:
        ready, _, _ = select.select([stream], [], [], patience())
        if not ready:
            yield b""
            continue
        part = stream.read(65536)
        if not part:
            return
        *whole, held = (held + part).split(b"\n")
        yield from whole


def fork_spare(loaded, program):
    """A fork that waits for its request, so that nobody waits for the fork."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(read)
        return pid, write
    os.close(write)
    with os.fdopen(read) as pipe:
        line = pipe.read()
    if not line:
        os._exit(0)
    request = json.loads(line)
    try:
        start(request, loaded, program)
    except BaseException as error:
        os.write(1, (json.dumps({"failed": request["nonce"], "reason": str(error)}) + "\n").encode())
    os._exit(1)


def reap(children):
    ended = set()
    while len(ended) < len(children):
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        ended.add(pid)
    for nonce in [nonce for nonce, pid in children.items() if pid in ended]:
        del children[nonce]


def kill(children, nonce):
    """A child keeps its number until it is reaped, so nobody else can be hit."""
    if nonce in children:
        os.kill(children[nonce], signal.SIGKILL)
