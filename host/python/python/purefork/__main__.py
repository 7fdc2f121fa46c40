"""`python -m purefork`: the command line, and `stubs`."""

import os
import signal
import sys
import threading


def main():
    """Does what the command line says; gives its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["stubs"]:
        from ._stubs import main as stubs

        return stubs(arguments[1:])
    from ._purefork import command_line

    _open_standard_files()
    if threading.current_thread() is not threading.main_thread():
        return command_line(arguments)
    # Ctrl-C is the command line's: `map` waits for it itself, and ends anything else. Python would raise where nothing of it runs any more.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return command_line(arguments)
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


def _open_standard_files():
    """Has no file that is opened take the number of a standard one that is closed: results would be written into it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
