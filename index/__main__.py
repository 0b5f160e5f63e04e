"""`python -m index`: build, inspect and repair an index; fetch weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from index.environment import prepare
from index.errors import UserError, run_command
from index.settings import Settings, load_settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m index",
        description="Build or update an index. Without SOURCE: the default article into the default index.",
        epilog="python -m index weights [MODEL ...]: fetch, verify and list model weights.",
    )
    top.add_argument(
        "source",
        nargs="?",
        type=Path,
        metavar="SOURCE",
        help="a captured article (text, Markdown, HTML) or a .jsonl file",
    )
    top.add_argument("--into", type=Path, metavar="DIR", help="the index to build, update or dump")
    top.add_argument("--rebuild", action="store_true", help="embed everything again")
    top.add_argument("--dump", action="store_true", help="print the paragraphs of an index as JSON lines and stop")
    return top


def weights_parser() -> argparse.ArgumentParser:
    """The command line of `weights`."""
    top = argparse.ArgumentParser(prog="python -m index weights", description="Fetch, verify and list model weights.")
    top.add_argument("models", nargs="*", metavar="MODEL", help="default: the models the settings ask for")
    top.add_argument("--list", action="store_true", help="list what is here and what is not, fetch nothing")
    top.add_argument("--verify", action="store_true", help="hash the files again")
    return top


def main(argv: list[str]) -> int:
    """Run the command line; returns the exit status."""
    prepare()
    if argv[:1] == ["weights"]:
        return _weights(weights_parser().parse_args(argv[1:]))
    args = parser().parse_args(argv)
    if args.dump and (args.source or args.rebuild):
        raise UserError("--dump prints an index and builds none. Leave out SOURCE and --rebuild, or --dump.")
    settings = load_settings()
    return _dump(settings, args.into) if args.dump else _build(settings, args)


def _dump(settings: Settings, into: Path | None) -> int:
    from index.build import dump

    for line in dump(settings, into):
        print(line)
    return 0


def _build(settings: Settings, args: argparse.Namespace) -> int:
    if args.source is not None and args.into is None:
        raise UserError(f"{args.source} was given without a place for its index. Add: --into DIR")
    from index.build import build
    from index.progress import bar

    with bar("Embedding") as on_progress:
        report = build(
            settings,
            source=args.source,
            into=args.into,
            rebuild=args.rebuild,
            on_progress=on_progress,
            on_wait=lambda: print("another build of this index is running; waiting for it", file=sys.stderr),
        )
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    print(f"{report.manifest.title}: {len(report.paragraphs)} paragraphs ({counts})", file=sys.stderr)
    for note in report.notes:
        print(f"note: {note}", file=sys.stderr)
    where = args.into or settings.index_dir
    work = (
        "was up to date" if report.was_current else f"{report.embedded} passages embedded, {report.reused} taken over"
    )
    print(f"index in {where}: {work}, {report.seconds:.1f} s", file=sys.stderr)
    return 0


def _weights(args: argparse.Namespace) -> int:
    from index import weights

    settings = load_settings()
    unknown = [name for name in args.models if name not in weights.catalogue()]
    if unknown:
        if unknown == args.models and len(unknown) == 1 and "/" in unknown[0]:
            return _hub_snapshot(unknown[0])
        raise UserError(f"no model is named {unknown[0]!r}. Choose from: {', '.join(weights.catalogue())}")
    models = [weights.catalogue()[name] for name in args.models] or weights.needed(settings)
    if not args.list and any(not model.is_present(settings) for model in models):
        weights.fetch_with_progress(models, settings)
    for model in weights.catalogue().values() if args.list else models:
        if args.verify:
            weights.verify(model, settings)
        state = "here" if model.is_present(settings) else "not here"
        size = sum(file.size for file in model.files) / 1e6
        print(f"{model.name:40} {model.role:10} {size:7.0f} MB  {model.licence:11} {state}  {model.folder(settings)}")
    return 0


def _hub_snapshot(name: str) -> int:
    from index.weights import fetch_snapshot

    print(fetch_snapshot(name))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
