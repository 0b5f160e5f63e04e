"""`python -m ui`: open the page; `python -m ui feedback`: print the readers' ratings."""

from __future__ import annotations

import argparse
import atexit
import json
import os
import sys
from pathlib import Path
from typing import get_args

from index.environment import prepare
from index.errors import run_command
from index.settings import GeneratorName, Settings, load_settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m ui",
        description="Open the page where the article is read, asked and checked.",
        epilog="python -m ui feedback: print the readers' ratings as JSON lines.",
    )
    top.add_argument("--index", type=Path, metavar="DIR", help="another index")
    top.add_argument("--generator", choices=get_args(GeneratorName), help="another generator")
    top.add_argument("--host", help="address to serve on (default: the settings', 127.0.0.1)")
    top.add_argument("--port", type=int, help="port to serve on (default: the settings', 7860; 0 = any free one)")
    return top


def main(argv: list[str]) -> int:
    """Run the command line; returns the exit status."""
    prepare()
    if argv == ["feedback"]:
        return _feedback(load_settings())
    args = parser().parse_args(argv)
    return _serve(load_settings(generator=args.generator, host=args.host, port=args.port, index=args.index))


def _serve(settings: Settings) -> int:
    # What is wrong is said before seconds of imports: first the port, then the index and the weights.
    from ui.listening import listen

    listening = listen(settings.host, settings.port)
    with listening:
        from ui.answering import open_answering

        answering = open_answering(settings)
        from ui.server import make_app, serve

        app = make_app(settings, answering)
        answering.start()
        serve(app, listening, on_stop=answering.close)
    _leave()
    return 0


def _leave() -> None:
    """End the process now. Threads of the models, half-way through loading or writing, would hold it up or abort it."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _feedback(settings: Settings) -> int:
    from ui.feedback import FeedbackStore

    for row in FeedbackStore(settings.home).all():
        print(json.dumps(row, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
