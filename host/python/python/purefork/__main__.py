"""`python -m purefork`: the command line, and `stubs`."""

import sys


def main():
    """Does what the command line says; gives its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["stubs"]:
        from ._stubs import main as stubs

        return stubs(arguments[1:])
    from ._purefork import command_line

    return command_line(arguments)


if __name__ == "__main__":
    sys.exit(main())
