"""What each command of `python -m evals` does; imported only once the command line is understood."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from evals import report, tables
from evals.beds import BEDS, make_bed
from evals.bench import Order, ask_attempts, attempt_engines, has_questions, perform, prepare_index
from evals.compare import Comparison, compare, refuse_unlike
from evals.datasets import XQuAD
from evals.endpoint import behind_endpoint
from evals.files import record_path
from evals.gold import ASKED_OF_XQUAD, DEFAULT_GOLD, PLAIN_GOLD, SHORT_GOLD, Question, conflicts, examine, load_gold
from evals.injections import GROUPS, Tally, read_attempts
from evals.injections import Outcome as AttemptOutcome
from evals.metrics import Outcome
from evals.pages import gold_of_page, golds_of_page, index_over_page, page_names
from evals.run import CLOSED_BOOK, RunFolder, file_digest, parse_languages, run_path, sample
from evals.score import HEADLINE, Scores, score
from evals.tables import wide_console
from evals.thresholds import read_bars, shortfalls
from evals.wording import rare_overlap
from index.build import open_index
from index.errors import UserError
from index.paragraphs import LANGUAGES
from index.progress import bar
from index.settings import Settings, load_settings

MISSED = 1
XQUAD = "xquad"  # the bed of a run that evals/xquad.py made


def run(args: argparse.Namespace) -> int:
    """Ask, score, report."""
    if args.served and args.generator not in (None, "openai"):
        raise UserError(f"--served asks as openai, --generator is {args.generator}. Leave one of them out.")
    with behind_endpoint(load_settings()) if args.served else nullcontext(load_settings()) as settings:
        order = _asked_elsewhere(_order(args, "plain", args.generator or settings.generator), args, settings)
        folder = RunFolder(run_path(args.out, order.name))
        _perform(order, folder, settings, fresh=args.fresh, closed_book=args.closed_book)
        return _report(folder, order.gold)


def rescore(args: argparse.Namespace) -> int:
    """Score a run again, without a model."""
    folder = RunFolder(run_path(args.run, args.run))
    status = _report_xquad(folder) if folder.info.bed == XQUAD else _report(folder, args.gold or _gold_of(folder))
    if args.markdown:
        try:
            shutil.copyfile(folder.path / "report.md", args.markdown)
        except OSError as error:
            raise UserError(f"{args.markdown} cannot be written ({error}). Give another --markdown.") from None
        print(f"written: {args.markdown}")
    return status


def comparison(args: argparse.Namespace) -> int:
    """Print what moved between two runs."""
    folders = [RunFolder(run_path(name, name)) for name in (args.before, args.after)]
    refuse_unlike(*(folder.info for folder in folders), one_gold=args.gold is not None)
    sides = [scored(folder, args.gold).outcomes for folder in folders]
    _print_comparison(compare(*sides), *(folder.path.name for folder in folders))
    return 0


def validate(args: argparse.Namespace) -> int:
    """Check the gold; prints every problem, or what the gold holds."""
    path = args.gold or DEFAULT_GOLD
    paragraphs = _paragraphs(args.index)
    questions, problems = examine(path, paragraphs)
    if not problems and args.index is None:
        problems = conflicts([*questions, *_other_shipped(path, paragraphs)], paragraphs)
    if problems:
        for problem in problems[:-1]:
            print(f"duizhao: {problem}", file=sys.stderr)
        raise UserError(problems[-1])
    for split in ("dev", "test"):
        part = [question for question in questions if question.split == split]
        answerable = sum(question.answerable for question in part)
        print(f"{split}: {answerable} answerable pairs, {len(part) - answerable} unanswerable, {_kinds(part)}")
    print(
        f"{rare_overlap(questions, paragraphs):.0%} of the answerable questions share a rare word with their evidence"
    )
    return 0


def stress(args: argparse.Namespace) -> int:
    """Ask under every bed there is material for, and print the beds side by side.

    Status 1 where a bed misses a bar, or a quote from before an edit still passes as verbatim after it.
    """
    settings = load_settings()
    generator = args.generator or settings.generator
    names = [name for name in BEDS if name != "noise" or args.noise]
    if not args.noise:
        print("the bed noise is left out: it needs other paragraphs (--noise PATH)", file=sys.stderr)
    results: dict[str, Scores] = {}
    missed: list[str] = []
    for name in names:
        order = _order(args, name, generator)
        if not has_questions(order, settings):
            if name == "plain":
                raise UserError(
                    f"{order.gold} has 0 questions of the split {order.split}. Give another --gold or --split."
                )
            print(f"the bed {name} is left out: it asks none of {order.gold.name}", file=sys.stderr)
            continue
        folder = RunFolder(run_path(None, order.name))
        _perform(order, folder, settings, fresh=args.fresh)
        results[name] = scored(folder, order.gold)
        short = shortfalls(results[name], folder.info, read_bars())
        report.write(folder.path, folder.info, results[name], folder.paragraphs, short)
        missed += [f"{name}: {line}" for line in short]
    _print_beds(results)
    passing = 0
    if "counterfactual" in results:  # else the edits are of another article
        quotes, caught = _stale_quotes(RunFolder(run_path(None, _order(args, "plain", generator).name)))
        passing = quotes - caught
        print(f"stale quotes of edited values: {quotes}, refused by the verbatim check: {caught}")
    for line in missed:
        print(f"  ! {line}")
    return MISSED if missed or passing else 0


def xquad(args: argparse.Namespace) -> int:
    """Retrieval in every pair of question and corpus language, answers, and refusals with the gold withheld.

    Status 1 where a gate is broken.
    """
    from evals import xquad as bed

    for name, least in (("limit", 1), ("answers", 0)):
        if (value := getattr(args, name)) is not None and value < least:
            raise UserError(f"--{name} is {value}; at least {least} is needed.")
    order = bed.XQuADOrder(
        dataset=XQuAD(bed.dataset_folder(args.path)),
        generator=args.generator,
        limit=args.limit,
        answers=args.answers,
        corpora=(bed.BOTH,) if args.both else tuple(bed.CORPORA),
        command=_command(),
    )
    folder = RunFolder(run_path(args.out, order.name))
    bed.perform(order, folder, load_settings(), fresh=args.fresh)
    return _report_xquad(folder)


def speed(args: argparse.Namespace) -> int:
    """Measure how fast everything is beside its limit or the peer, print one table, keep every timing as JSON.

    Status 1 where a target is missed.
    """
    from evals import speed as clock
    from evals import speed_rows

    if args.limit < 1 or args.peer < 0:
        raise UserError(f"--limit is {args.limit} and --peer {args.peer}; at least 1 and 0 are needed.")
    path = record_path(args.json or run_path(None, "speed.json"))
    settings = load_settings()
    index = open_index(settings)
    order = clock.Order(limit=args.limit, peer=args.peer, gold=args.gold or DEFAULT_GOLD)
    with bar("Asking") as on_progress:
        measured = clock.perform(order, settings, index, on_progress)
    questions = {question.id: question for question in load_gold(order.gold, index.paragraphs)}
    rows = speed_rows.rows(measured) + speed_rows.quality_rows(measured, questions, index.by_number)
    path.write_text(json.dumps(speed_rows.record(measured, rows), ensure_ascii=False, indent=1), encoding="utf-8")
    table = speed_rows.table(rows)
    _print_table(table)
    print(f"{table.note}\nwritten: {path}")
    return MISSED if any(row.is_met is False for row in rows) else 0


def calibrate(args: argparse.Namespace) -> int:
    """Fit an adapter (the embedder's, the reader's), or the retriever's weights, what tells orders, and the gate.

    On dev questions; the reranker with the gate. They are written where they are read: beside index/adapter.py, in rag.
    """
    from evals import calibration

    for option, value in (("--limit", args.limit), ("--xquad-limit", args.xquad_limit)):
        if value is not None and value < 1:
            raise UserError(f"{option} is {value}; at least 1 question is needed.")
    settings = load_settings()
    gold = [args.gold] if args.gold else [DEFAULT_GOLD, PLAIN_GOLD]
    if args.what == "embedder":  # by itself: what the others are fitted on changes with it
        calibration.calibrate_embedder(settings, gold, args.xquad)
    if args.what == "reader":
        calibration.calibrate_reader(settings, gold, args.xquad)
    if args.what in ("fusion", "all"):
        calibration.calibrate_fusion(settings, args.index, args.gold or DEFAULT_GOLD, args.xquad)
    if args.what in ("asking", "all"):
        calibration.calibrate_asking(settings, gold)
    if args.what in ("gate", "all"):
        limits = calibration.Limits(args.limit, args.xquad_limit)
        calibration.calibrate_gate(settings, args.index, gold, args.xquad, args.generator, limits)
    return 0


def injections(args: argparse.Namespace) -> int:
    """Give orders instead of asking, and print by group what came of it. Status 1 where one was obeyed."""
    if args.limit is not None and args.limit < 1:
        raise UserError(f"--limit is {args.limit}; at least 1 attempt is needed.")
    kept = args.out or Path(os.devnull)
    if not kept.parent.is_dir():
        raise UserError(f"the folder {kept.parent} is not there. Make it, or give another --out.")
    settings = load_settings()
    engines = attempt_engines(settings, args.index, args.generator or settings.generator)
    engines[False].warm()
    attempts = sample(read_attempts(), args.limit)
    outcomes: list[AttemptOutcome] = []
    with bar("Attempting") as on_progress, kept.open("w", encoding="utf-8") as file:
        on_progress(0, total := len(attempts) * len(LANGUAGES))
        for outcome in ask_attempts(engines, attempts):
            outcomes.append(outcome)
            on_progress(len(outcomes), total)
            record = {**outcome.answer, "violations": outcome.violations}
            print(json.dumps(record, ensure_ascii=False), file=file, flush=True)  # a run that is stopped keeps these
    return _report_attempts(outcomes)


def load(args: argparse.Namespace) -> int:
    """Print what 1, 4, 16 readers meet. Status 1 where an answer was lost, turned away, or somebody else's."""
    from evals.load_command import measure

    return measure(args, _command())


def scale(args: argparse.Namespace) -> int:
    """Print what each stage of retrieval costs at each size."""
    from evals.scale_command import measure

    return measure(args, _command())


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "score": rescore,
    "compare": comparison,
    "validate": validate,
    "stress": stress,
    "xquad": xquad,
    "speed": speed,
    "calibrate": calibrate,
    "injections": injections,
    "load": load,
    "scale": scale,
}


# --- asking and scoring -------------------------------------------------------------------------------------


def _order(args: argparse.Namespace, bed: str, generator: Any) -> Order:
    if args.limit is not None and args.limit < 1:
        raise UserError(f"--limit is {args.limit}; at least 1 question is needed.")
    return Order(
        bed=make_bed(bed, getattr(args, "noise", None)),
        split=args.split,
        languages=parse_languages(args.language),
        generator=generator,
        gold=args.gold or DEFAULT_GOLD,
        index=args.index,
        limit=args.limit,
        command=_command(),
    )


def _asked_elsewhere(order: Order, args: argparse.Namespace, settings: Settings) -> Order:
    """`order` put to a page of evals/captured or to XQuAD's paragraphs, where one of them is named.

    With our questions about them, where no others are named. Raises UserError where two indices are.
    """
    named = [(f"--{name}", value) for name in ("page", "xquad", "index") if (value := getattr(args, name))]
    if len(named) > 1:
        (first, value), (second, another), *_ = named
        raise UserError(f"{first} is {value} and {second} {another}. Leave one of them out.")
    if args.page:
        return replace(order, index=index_over_page(settings, args.page), gold=args.gold or gold_of_page(args.page))
    if args.xquad:
        from evals.xquad import index_over

        return replace(order, index=index_over(settings, XQuAD(args.xquad)), gold=args.gold or ASKED_OF_XQUAD)
    return order


def _command() -> str:
    return shlex.join(["python", "-m", "evals", *sys.argv[1:]])


def _perform(order: Order, folder: RunFolder, settings: Settings, *, fresh: bool, closed_book: bool = False) -> None:
    with bar(f"Embedding, {order.bed.name}") as on_progress:
        index = prepare_index(order, settings, on_progress)
    with bar(f"Asking, {order.bed.name}") as on_progress:
        perform(order, folder, settings, index=index, fresh=fresh, closed_book=closed_book, on_progress=on_progress)


def questions_of(folder: RunFolder, gold: Path) -> dict[str, Question]:
    """The questions that a run asked, as its bed put them, by id."""
    info = folder.info
    bed = make_bed(info.bed, noise=folder.path)
    asked = set(info.questions)
    chosen = [question for question in load_gold(gold, folder.article) if question.id in asked]
    return {question.id: question for question in bed.questions(chosen)}


def _gold_of(folder: RunFolder) -> Path:
    """The shipped gold file that a run was asked from, by its digest. Raises UserError where it is none of them."""
    of_pages = (path for name in page_names() for path in golds_of_page(name))
    shipped = (DEFAULT_GOLD, PLAIN_GOLD, SHORT_GOLD, ASKED_OF_XQUAD, *of_pages)
    named = next((path for path in shipped if file_digest(path) == folder.info.gold), None)
    if named is None:
        raise UserError(
            f"{folder.path} was asked from a gold file of digest {folder.info.gold}, which no shipped one has now. "
            f"Name one with --gold FILE; the run was made by: {folder.info.command}"
        )
    return named


def scored(folder: RunFolder, gold: Path | None) -> Scores:
    """The scores of what a run has answered so far; without `gold`, against the shipped file that it was asked from.

    Raises UserError where it has answered nothing, and for a run on XQuAD.
    """
    if folder.info.bed == XQUAD:
        raise UserError(
            f"{folder.path} is a run on XQuAD, not on gold questions. Look at it with: python -m evals score"
        )
    gold = gold or _gold_of(folder)
    answers = folder.answers()
    closed = folder.answers(CLOSED_BOOK)
    questions = questions_of(folder, gold)
    if not any(name in questions for name, _ in answers):
        raise UserError(
            f"{folder.path} holds 0 answers to questions of {gold.name}. Make some with: {folder.info.command}"
        )
    return score(
        questions, answers, folder.paragraphs, {tables.CLOSED_BOOK_CONTROL: closed} if closed else None, folder.article
    )


def _report(folder: RunFolder, gold: Path) -> int:
    info, scores = folder.info, scored(folder, gold)
    if (scored_by := file_digest(gold)) != info.gold:
        info = replace(info, gold=f"{info.gold} (scored against {scored_by})")
    answered, wanted = len(scores.outcomes), len(info.keys)
    if answered < wanted:
        print(f"only {answered} of {wanted} questions are answered; go on with: {info.command}", file=sys.stderr)
    missed = shortfalls(scores, info, read_bars())
    page = report.write(folder.path, info, scores, folder.paragraphs, missed)
    print(f"{tables.heading(info)}: {answered} answers")
    for name in HEADLINE:
        print(f"  {tables.label(name):28} {tables.shown(scores.system[name])}")
    for line in tables.verdicts(scores, missed):
        print(f"  ! {line}")
    print(f"report: {page}")
    return MISSED if missed else 0


def _report_xquad(folder: RunFolder) -> int:
    from evals import xquad_report

    scores = xquad_report.scored(folder)
    path = xquad_report.write(folder.path, folder.info, scores)
    for table in xquad_report.tables(scores):
        _print_table(table)
    print(f"report: {path}")
    return MISSED if any(scores.gates[name] for name in tables.GATES) else 0


def _report_attempts(outcomes: Sequence[AttemptOutcome]) -> int:
    by_group = {group: [o for o in outcomes if o.attempt.group == group] for group in GROUPS}
    rows = [_attempts_row(group, Tally.of(found)) for group, found in by_group.items() if found]
    head = ("", "asked", "refused", "pure orders refused", "with violations")
    _print_table(tables.Table("Injected orders", "", head, (*rows, _attempts_row("all", Tally.of(outcomes)))))
    violated = [outcome for outcome in outcomes if outcome.violations]
    for outcome in violated:
        name = f"{outcome.attempt.id}.{outcome.language}"
        print(f"  ! {name} {', '.join(outcome.violations)}: {outcome.attempt.asked(outcome.language)!r}")
        print(f"    {outcome.answer['answer']!r}")
    return MISSED if violated else 0


def _attempts_row(name: str, tally: Tally) -> tuple[str, ...]:
    pure = f"{tally.pure_refused} of {tally.pure}" if tally.pure else "—"
    return (name, str(tally.asked), str(tally.refused), pure, str(tally.violated))


def _paragraphs(index: Path | None) -> Any:
    from evals.datasets import OwnArticle

    if index is None:
        return OwnArticle().paragraphs()
    from index.build import dump
    from index.paragraphs import Paragraph

    return [Paragraph.from_json(json.loads(line)) for line in dump(load_settings(), index)]


def _other_shipped(path: Path, paragraphs: Any) -> list[Question]:
    """The questions about the bundled article in the other gold files: one fact has one split in all.

    A file of someone's own may well ask what a shipped one asks.
    """
    shipped = (DEFAULT_GOLD.resolve(), PLAIN_GOLD.resolve(), SHORT_GOLD.resolve())
    others = [other for other in shipped if other != path.resolve()] if path.resolve() in shipped else []
    return [question for other in others for question in load_gold(other, paragraphs)]


def _kinds(questions: list[Question]) -> str:
    counts: dict[str, int] = {}
    for question in questions:
        if question.answerable:
            counts[question.kind] = counts.get(question.kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


# --- printing -----------------------------------------------------------------------------------------------


def _print_table(table: tables.Table) -> None:
    shown = Table(title=table.title, title_justify="left")
    for i, head in enumerate(table.head):
        shown.add_column(head, justify="right" if i else "left")
    for row in table.rows:
        shown.add_row(*row)
    wide_console().print(shown)


def _print_comparison(found: Comparison, before: str, after: str) -> None:
    console = wide_console()
    table = Table(title=f"{found.shared} answers in both", title_justify="left")
    for head in ("", before, after, "after − before", ""):
        table.add_column(head, justify="left" if head == "" else "right")
    for name, difference in found.difference.items():
        real = (
            difference.low is not None and difference.high is not None and (difference.low > 0 or difference.high < 0)
        )
        cells = (tables.shown(found.before[name]), tables.shown(found.after[name]), tables.shown(difference))
        table.add_row(tables.label(name), *cells, "beyond chance" if real else "")
    console.print(table)
    for verdict in ("worse", "better", "moved"):
        for change in (c for c in found.changes if c.verdict == verdict):
            console.print(
                f"{verdict:6} {change.key[0]}.{change.key[1]}  {_change(change.before, change.after)}", highlight=False
            )


def _change(before: Outcome, after: Outcome) -> str:
    sides = (
        f"{'refused' if o.refused else 'answered'} {o.values.get('cited_fact_recall') or 0:.2f}"
        for o in (before, after)
    )
    return f"{' → '.join(sides)}  {after.question.asked[after.language]}"


def _print_beds(results: Mapping[str, Scores]) -> None:
    names = ("right_answerable", "cited_fact_recall", "fact_precision", "recall@5", "over_refusal", "refusal_recall")
    table = Table(title="Stress beds", title_justify="left")
    table.add_column("")
    for name in names:
        table.add_column(tables.label(name), justify="right")
    for bed, scores in results.items():
        table.add_row(bed, *(tables.shown(scores.system[name]) for name in names))
    plain = results["plain"].by_kind["two paragraphs"]
    table.add_row("plain, two paragraphs", *(tables.shown(plain[name]) for name in names))
    wide_console().print(table)


def _stale_quotes(plain: RunFolder) -> tuple[int, int]:
    """(quotes in the plain answers of a value that is edited, how many of them the edit makes not verbatim)."""
    from evals.beds import edited_paragraphs, read_edits, stale_quotes

    edits = read_edits()
    edited = {paragraph.number: paragraph for paragraph in edited_paragraphs(plain.article, edits)}
    answers = plain.answers()
    counts = [
        stale_quotes(answer, edited, edit)
        for edit in edits
        for (name, _), answer in answers.items()
        if name == edit.question
    ]
    return sum(quotes for quotes, _ in counts), sum(caught for _, caught in counts)
