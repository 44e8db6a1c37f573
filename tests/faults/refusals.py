"""A kernel that refuses: a system call of this process gets an errno, by a seccomp filter (seccomp(2)).

What no machine can be brought to without harm to its other programs, such as having no buffers left, is so met at the
place where it is met for real: the call fails in the kernel, and Python raises.
"""

from __future__ import annotations

import ctypes
import platform
import struct

CALLS = {"x86_64": {"socket": 41, "connect": 42}, "aarch64": {"socket": 198, "connect": 203}}
"""Machine to the numbers of the system calls (asm/unistd.h)."""

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # linux/prctl.h
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS and so on
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h


def refuse(call: str, errno: int) -> None:
    """From now on, in this thread and those that it starts. Raises OSError where the kernel has no filters."""
    program = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, 0),  # the call's number
            (_JUMP_IF_EQUAL, 0, 1, CALLS[platform.machine()][call]),
            (_RETURN, 0, 0, _ERRNO | errno),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    held = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SECCOMP, _FILTER, filters, 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "prctl")
