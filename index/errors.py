"""The two kinds of failure: a user's mistake (one clear line, exit status 2) and a bug (a traceback)."""

from __future__ import annotations

import sys
from collections.abc import Callable

EXIT_USER_ERROR = 2


class UserError(Exception):
    """Something the user can repair. The message says what is wrong, the two values, and the remedy.

    Every command prints it as is, without a traceback, and exits with status 2.
    """


class IndexMismatch(UserError):
    """The index on disk is not the one the settings or the code ask for."""


class IndexMissing(UserError):
    """There is no finished index at the place asked for."""


class WeightsMissing(UserError):
    """A model's weights are not on this machine."""


def run_command(command: Callable[[], int | None]) -> int:
    """Run a command line's body and turn a `UserError` into one line on stderr and exit status 2.

    A reader that closes the pipe early (`| head`) ends the command quietly, as it would a C program.
    """
    try:
        return command() or 0
    except UserError as error:
        print(f"duizhao: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("duizhao: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def has_half_a_character(text: str) -> bool:
    """Whether `text` holds a lone surrogate: what cut an emoji in two cannot be written as UTF-8."""
    return any("\ud800" <= character <= "\udfff" for character in text)
