"""Ctrl-C while the main thread runs a call: a thread of its own is told of it, and cancels the call.

Python's handler runs on the main thread once that is back in Python. `signal.set_wakeup_fd` is told at once; where another library uses it, the main
thread leaves calls to the workers. In a serial executor, which has none, Ctrl-C acts when the call has ended.
"""

import os
import signal
import sys
import threading
import time

from . import _purefork

_armed = False

# SO_TIMESTAMPNS, which `socket` does not name.
_TIMESTAMP = 35 if sys.platform == "linux" else None


def on_main_thread():
    return threading.current_thread() is threading.main_thread()


def arm():
    """Has a thread wait for signals, once; from the main thread."""
    global _armed
    if _armed or not on_main_thread():
        return
    _armed = True
    import socket

    if not hasattr(socket, "AF_UNIX") or os.name == "nt":
        return
    read, write = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    write.setblocking(False)
    if _TIMESTAMP is not None:
        # The kernel says when the signal came.
        read.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
    try:
        other = signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
    except ValueError:
        # Not the main interpreter's main thread.
        other = None
    if other != -1:
        if other is not None:
            signal.set_wakeup_fd(other)
        read.close()
        write.close()
        return
    import _thread

    _thread.start_new_thread(_watch, (read, write))
    _purefork._armed(True)


def _watch(read, _write):
    while True:
        try:
            told, beside, _, _ = read.recvmsg(64, 64)
        except OSError:
            return
        if not told:
            return
        if signal.SIGINT in told:
            _purefork._interrupt(_time(beside))


def _time(beside):
    """When a message was sent, in nanoseconds of the system's clock; now, where that is not told."""
    import struct

    for _, kind, data in beside:
        if kind == _TIMESTAMP and len(data) == 16:
            seconds, nanoseconds = struct.unpack("qq", data)
            return seconds * 10**9 + nanoseconds
    return time.time_ns()


def in_child():
    """The thread is not in a forked process."""
    global _armed
    if _armed:
        _purefork._armed(False)
        try:
            signal.set_wakeup_fd(-1)
        except ValueError:
            pass
    _armed = False
