"""What hostile code might try, each a program that prints "held" or what it got."""

import json
from typing import Any

from workers.confinement.machine import machine
from workers.confinement.syscalls import DENIED, LIMITED

_PRELUDE = """
import ctypes, json, os, resource, signal, socket, subprocess, sys, threading
V = json.loads({victims!r})
N = json.loads({numbers!r})
C = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    answer = C.syscall(N[name], *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
def denied(name, *arguments):
    "The call must be refused as such: EPERM or ENOSYS, not because its arguments make no sense."
    try:
        call(name, *arguments)
    except OSError as error:
        if error.errno in (1, 13, 38):
            raise
        return f"{{name}} gets through to the kernel: {{error}}"
    return f"{{name}} worked"
def attempt():
{body}
try:
    print("got", repr(attempt())[:200])
except (OSError, MemoryError, RuntimeError, KeyError, subprocess.SubprocessError):
    print("held")
"""


def program(body: str, victims: dict[str, Any]) -> str:
    """The whole program of an attempt."""
    here = machine()
    assert here is not None
    known = DENIED | LIMITED | {"capget": (125, 90)}
    numbers = {name: each[here.column] for name, each in known.items()}
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return _PRELUDE.format(victims=json.dumps(victims), numbers=json.dumps(numbers), body=lines)


# Those that succeed without a box for any user, which shows that the attempt is a real one.
POSSIBLE: dict[str, str] = {
    "TCP to a server of this machine": 'return socket.create_connection(("127.0.0.1", V["port"]), 1)',
    "UDP": 's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nreturn s.sendto(b"x", ("127.0.0.1", V["port"]))',
    "an abstract socket": 's = socket.socket(socket.AF_UNIX)\ns.connect("\\0" + V["abstract"])\nreturn s',
    "a socket with a path": 's = socket.socket(socket.AF_UNIX)\ns.connect(V["path"])\nreturn s',
    "NETLINK": "return socket.socket(16, socket.SOCK_RAW)",
    "a pair of datagram sockets that sends elsewhere": (
        "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\nreturn a"
    ),
    "listening": 's = socket.socket()\ns.bind(("127.0.0.1", 0))\ns.listen()\nreturn s',
    "a planted secret": 'return open(V["secret"]).read()',
    "the folder of the secret": 'return os.listdir(os.path.dirname(V["secret"]))',
    "/etc/passwd": 'return open("/etc/passwd").read(10)',
    "the settings of the site": 'return open(V["settings"]).read(10)',
    "the root folder's neighbours": 'return os.listdir(V["root"])',
    "the environment of a victim": 'return open(f"/proc/{V[\'pid\']}/environ", "rb").read()',
    "the command line of the first process": 'return open("/proc/1/cmdline").read()',
    "its own memory map": 'return open("/proc/self/maps").read(10)',
    "/proc/sys": 'return open("/proc/sys/kernel/hostname").read()',
    "control groups": 'return open("/proc/self/cgroup").read()',
    "killing a victim": 'os.kill(V["pid"], 0)\nreturn V["pid"]',
    "a descriptor of a process": 'return os.pidfd_open(V["pid"])',
    "a fork": "pid = os.fork()\nif pid == 0: os._exit(0)\nreturn os.waitpid(pid, 0)",
    "a program": 'return subprocess.run(["/bin/true"], check=True)',
    "posix_spawn": 'return os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)',
    "a process by clone": 'pid = call("clone", 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nreturn os.waitpid(pid, 0)',
    "multiprocessing": "import multiprocessing as m\np = m.Process(target=int)\np.start(); p.join()\nreturn p",
    "memfd_create": 'return os.memfd_create("x")',
    "/dev/shm": 'with open(f"/dev/shm/guildhall-{os.getpid()}", "xb") as f: os.unlink(f.name)\nreturn f.name',
    "System V shared memory": 'return call("shmget", 0, 4096, 0o1600)',
    "System V semaphores": 'return call("semget", 0, 1, 0o1600)',
    "POSIX message queues": 'return call("mq_open", b"guildhall-test", 0o102, 0o600, None)',
    "a pipe with a name": 'os.mkfifo("pipe")\nreturn os.unlink("pipe")',
    "a symbolic link": 'os.symlink("/etc/passwd", "link")\nreturn os.unlink("link")',
    "a second name of a file": (
        'open("one", "w").close()\nos.link("one", "other")\nos.unlink("one")\nreturn os.unlink("other")'
    ),
    "a terminal": "return os.openpty()",
    "another user's mode bits": (
        'before = os.stat(V["mine"]).st_mode\nos.chmod(V["mine"], 0o777)\n'
        'if os.stat(V["mine"]).st_mode == before: raise PermissionError\nreturn "changed"'
    ),
}

# Refused in the box whoever we are; without it some need root, an odd kernel, or would do harm.
OTHERS: dict[str, str] = {
    "DNS": 'return socket.getaddrinfo("localhost.example.com", 80)',
    "IPv6": "return socket.socket(socket.AF_INET6)",
    "AF_VSOCK": "return socket.socket(40, socket.SOCK_STREAM)",
    "AF_PACKET": "return socket.socket(17, socket.SOCK_RAW)",
    "AF_ALG": "return socket.socket(38, socket.SOCK_SEQPACKET)",
    "/etc/shadow": 'return open("/etc/shadow").read(10)',
    "devices": 'return open("/dev/kmsg").read(1) or open("/dev/mem", "rb").read(1)',
    "the disk": 'return os.open(V["disk"], os.O_RDONLY)',
    "writing to /usr": 'return open("/usr/guildhall-was-here", "x")',
    "writing to /etc": 'return open("/etc/guildhall-was-here", "x")',
    "writing to the root": 'return open("/guildhall-was-here", "x")',
    "writing to the packages": 'import numpy\nreturn open(os.path.dirname(numpy.__file__) + "/was-here", "x")',
    "writing to our own code": 'import workers.sandbox as w\nreturn open(w.__path__[0] + "/was-here", "x")',
    "deleting the interpreter": "return os.unlink(sys.executable)",
    "moving a file out": 'open("x", "w").close()\nreturn os.rename("x", V["root"] + "/x")',
    "a name of the service's environment": 'return os.environ["GUILDHALL_SELF_CHECK"]',
    "killing everything": "return os.kill(-1, 9)",
    "killing its group": "return os.killpg(0, 0)",
    "killing the service": 'return os.kill(V["service"], 0)',
    "ptrace": 'return denied("ptrace", 16, V["pid"], 0, 0)',
    "process_vm_readv": 'return denied("process_vm_readv", V["pid"], 0, 0, 0, 0, 0)',
    "pidfd_getfd": 'return denied("pidfd_getfd", 0, 0, 0)',
    "mount": 'return denied("mount", b"none", b"/tmp", b"tmpfs", 0, None)',
    "pivot_root": 'return denied("pivot_root", b"/", b"/")',
    "chroot": 'return denied("chroot", b"/")',
    "a new way to mount": 'return denied("fsopen", b"tmpfs", 0)',
    "unshare": 'return denied("unshare", 0x10000000)',
    "a clone in namespaces": 'return denied("clone", 0x10000011, 0, 0, 0, 0)',
    "a thread in namespaces": 'return denied("clone", 0x10000000 | 0x10f00, 0, 0, 0, 0)',
    "clone3": 'return denied("clone3", 0, 0)',
    "setns": 'return denied("setns", 0, 0)',
    "bpf": 'return denied("bpf", 0, 0, 0)',
    "perf": 'return denied("perf_event_open", 0, 0, 0, 0, 0)',
    "io_uring": 'return denied("io_uring_setup", 1, 0)',
    "userfaultfd": 'return denied("userfaultfd", 0)',
    "keyctl": 'return denied("keyctl", 0, 0, 0)',
    "add_key": 'return denied("add_key", b"user", b"x", b"y", 1, -3)',
    "memfd_secret": 'return denied("memfd_secret", 0)',
    "personality": 'return denied("personality", 0xffffffff)',
    "open_by_handle_at": 'return denied("open_by_handle_at", 0, 0, 0)',
    "a module of the kernel": 'return denied("finit_module", 0, b"", 0)',
    "mknod": 'return os.mknod("disk", 0o60600, os.makedev(8, 0))',
    "becoming root": "return os.setuid(0) or os.setresuid(0, 0, 0)",
    "another filter": 'return denied("seccomp", 0, 0, 0)',
    "an unknown system call": "N['x'] = 470\nreturn denied('x')",
    "terminal input": 'import fcntl\nreturn fcntl.ioctl(0, 0x5412, b"x")',
    "higher limits": (
        "try: resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
        "except ValueError: raise PermissionError\nreturn resource.getrlimit(resource.RLIMIT_FSIZE)"
    ),
    "capabilities": (
        'data = ctypes.create_string_buffer(24)\ncall("capget", bytes.fromhex("2205082000000000"), data)\n'
        'if not bytes(data).strip(b"\\0"): raise PermissionError\nreturn bytes(data)'
    ),
    "another conversation's files": (
        "found = []\n"
        "for folder in ('..', '../..', '/work', '/tmp', V['sessions']):\n"
        "    try: found += [f'{folder}/{name}' for name in os.listdir(folder)]\n"
        "    except OSError: pass\n"
        "others = [each for each in found if V['marker'] in each]\n"
        "others += [path for path in V['others'] if os.access(path, os.R_OK) and open(path).read()]\n"
        "if not others: raise PermissionError\nreturn others"
    ),
    "inherited descriptors": (
        "extra = []\n"
        "for number in range(3, 256):\n"
        "    try: state = os.fstat(number)\n"
        "    except OSError: continue\n"
        "    if not os.path.samestat(state, os.stat(os.devnull)) and number not in V['ours']: extra.append(number)\n"
        "if len(extra) <= 2: raise PermissionError  # our own two pipes\nreturn extra"
    ),
}
