"""Building: the old index answers until the new one is whole, and nothing is embedded twice."""

from __future__ import annotations

import errno
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import index.build
from index.__main__ import main
from index.build import Index, build, dump, open_index
from index.embedder import Embedded
from index.errors import IndexMismatch, IndexMissing, UserError
from index.keywords import KeywordIndex
from index.paragraphs import LANGUAGES
from index.settings import Settings, load_settings
from index.source import BUNDLED_ARTICLE
from tests.fakes import HashingEmbedder

FACTS = (
    {"zh": "茶在唐代传遍全国。", "en": "Tea spread in the Tang dynasty.", "section_zh": "茶", "section_en": "Tea"},
    {"zh": "铁路统一了时间。它用伦敦时间。", "en": "Railways made time one. They took London's.", "section_en": "Rail"},
    {"zh": "苏伊士运河在一八六九年开通。", "en": "The Suez canal opened in 1869."},
)


def write(path: Path, facts: Sequence[dict[str, str]] = FACTS) -> Path:
    path.write_text("".join(json.dumps(fact, ensure_ascii=False) + "\n" for fact in facts), encoding="utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "facts.jsonl")


@pytest.fixture
def folder(tmp_path: Path, source: Path, settings: Settings, embedder: HashingEmbedder) -> Path:
    """An index of FACTS."""
    folder = tmp_path / "index"
    build(settings, source=source, into=folder, embedder=embedder)
    embedder.embedded.clear()
    return folder


def best(opened: Index, question: str) -> int:
    return opened.vectors.nearest(opened.embedder.question(question), level="passage", language="en", k=1)[0][0]


def ask(opened: Index) -> tuple[int, int]:
    """What each leg finds."""
    return best(opened, "the Suez canal"), next(iter(opened.keywords.scores("铁路", "zh", 3)))


def generations(folder: Path) -> set[str]:
    return {path.name for path in (folder / "generations").iterdir()}


# --- what a build gives -----------------------------------------------------------------------------------------


def test_a_built_index_answers_by_vector_and_by_keyword(
    folder: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    opened = open_index(settings, folder, embedder)
    assert best(opened, "the Suez canal") == 3
    assert next(iter(opened.keywords.scores("铁路时间", "zh", 3))) == 2
    assert opened.by_number[1].en == "Tea spread in the Tang dynasty."
    assert [p.number for p in opened.paragraphs] == [1, 2, 3]


def test_the_manifest_names_what_the_index_was_built_from_and_with(
    folder: Path, settings: Settings, embedder: HashingEmbedder, source: Path
) -> None:
    manifest = asdict(open_index(settings, folder, embedder).manifest)
    assert manifest["title"] == "facts"
    assert manifest["source"] == "facts.jsonl"
    assert manifest["source_path"] == str(source)
    assert (manifest["embedder"], manifest["fingerprint"], manifest["dimension"]) == ("hashing", "hashing-1", 256)
    assert manifest["paragraphs"] == 3
    assert manifest["vectors"] == open_index(settings, folder, embedder).vectors.count() == 6 + 8
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["built_at"])


def test_the_default_index_is_the_bundled_article(article_index: Index) -> None:
    assert article_index.manifest.title == "When AI builds itself / 当 AI 开始自我构建"
    assert len(article_index.paragraphs) == 67
    assert article_index.vectors.count() == article_index.manifest.vectors


def test_the_dump_is_one_json_object_a_paragraph_and_needs_no_weights(folder: Path, settings: Settings) -> None:
    lines = [json.loads(line) for line in dump(settings, folder)]
    assert lines[0] == {
        "paragraph": 1,
        "kind": "body",
        "section": {"zh": "茶", "en": "Tea"},
        "zh": "茶在唐代传遍全国。",
        "en": "Tea spread in the Tang dynasty.",
    }
    assert [line["paragraph"] for line in lines] == [1, 2, 3]


# --- nothing is done twice ----------------------------------------------------------------------------------------


def test_a_second_build_of_the_same_source_does_nothing(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    before = generations(folder)
    report = build(settings, source=source, into=folder, embedder=embedder)
    assert report.was_current
    assert embedder.embedded == []
    assert generations(folder) == before


def test_only_what_changed_is_embedded_again(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    write(source, [FACTS[0], FACTS[1] | {"en": "Railways made time one. They took Greenwich's."}, FACTS[2]])
    report = build(settings, source=source, into=folder, embedder=embedder)
    # The passage, and both of its sentences, which are read in its light.
    assert sorted(text.split("\n")[-1] for text in embedder.embedded) == [
        "Railways made time one.",
        "Railways made time one. They took Greenwich's.",
        "They took Greenwich's.",
    ]
    assert (report.embedded, report.reused) == (3, 11)
    assert best(open_index(settings, folder, embedder), "took Greenwich's") == 2


def test_a_paragraph_that_moves_keeps_its_vectors(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    write(source, [FACTS[2], FACTS[0], FACTS[1]])
    report = build(settings, source=source, into=folder, embedder=embedder)
    assert embedder.embedded == []
    assert report.reused == 14
    assert best(open_index(settings, folder, embedder), "the Suez canal") == 1


def test_rebuild_embeds_everything_again(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    report = build(settings, source=source, into=folder, rebuild=True, embedder=embedder)
    assert (report.embedded, report.reused, len(embedder.embedded)) == (14, 0, 14)


def test_another_embedder_takes_over_no_vector(folder: Path, source: Path, settings: Settings) -> None:
    other = HashingEmbedder(fingerprint="hashing-2", size=32)
    report = build(settings, source=source, into=folder, embedder=other)
    assert (report.embedded, report.reused) == (14, 0)
    assert open_index(settings, folder, other).manifest.dimension == 32


def test_progress_ends_at_all_the_texts(tmp_path: Path, settings: Settings, embedder: HashingEmbedder) -> None:
    seen: list[tuple[int, int]] = []
    report = build(
        settings, into=tmp_path / "i", embedder=embedder, on_progress=lambda done, total: seen.append((done, total))
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    texts = sum(len(paragraph.languages) for paragraph in report.paragraphs)
    assert seen[-1] == (texts, texts)
    assert len(seen) > 2, "the bar moves on the way"


def test_an_index_that_is_built_in_parts_is_the_same(
    tmp_path: Path, settings: Settings, embedder: HashingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build(settings, into=tmp_path / "whole", embedder=embedder)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr("index.build.AT_ONCE", 7)
    parts = build(
        settings, into=tmp_path / "parts", embedder=embedder, on_progress=lambda done, total: seen.append((done, total))
    )
    assert (parts.embedded, parts.reused) == (whole.embedded, whole.reused)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    texts = sum(len(paragraph.languages) for paragraph in parts.paragraphs)
    assert seen[-1] == (texts, texts)
    one, other = (open_index(settings, tmp_path / name, embedder) for name in ("whole", "parts"))
    assert one.vectors.known_vectors().keys() == other.vectors.known_vectors().keys()
    question = np.eye(4, embedder.dimension, dtype=np.float32)
    numbers = [paragraph.number for paragraph in parts.paragraphs]
    for language in LANGUAGES:
        assert one.tokens.maxsims(question, numbers, language) == other.tokens.maxsims(question, numbers, language)


def test_progress_tells_of_what_is_taken_over_too(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.build.AT_ONCE", 2)
    seen: list[tuple[int, int]] = []
    write(source, [FACTS[0] | {"zh": "茶在宋代传遍全国。"}, *FACTS[1:]])
    build(
        settings,
        source=source,
        into=folder,
        embedder=embedder,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[0][0] <= 2, "the Chinese half comes first, and only its first text is new"
    assert seen[-1] == (6, 6)


# --- which source -------------------------------------------------------------------------------------------------


def test_without_a_source_an_index_is_rebuilt_from_its_own_not_from_the_bundled_article(
    folder: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    report = build(settings, into=folder, rebuild=True, embedder=embedder)
    assert len(report.paragraphs) == 3
    assert report.manifest.source == "facts.jsonl"


def test_a_source_set_in_the_settings_is_the_default_index_and_unsetting_it_brings_the_bundled_one_back(
    source: Path, embedder: HashingEmbedder
) -> None:
    assert len(build(load_settings(source=source), embedder=embedder).paragraphs) == 3
    assert len(build(load_settings(), embedder=embedder).paragraphs) == 67


def test_an_index_whose_source_is_forgotten_asks_for_it(
    folder: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    for manifest in folder.glob("generations/*/manifest.json"):
        manifest.write_text("{")
    with pytest.raises(
        UserError, match=r"does not say what it was built from. Name it: python -m index SOURCE --rebuild"
    ):
        build(settings, into=folder, rebuild=True, embedder=embedder)


@pytest.mark.parametrize("text", ["", "{broken", '{"zh": ""}'])
def test_a_broken_source_leaves_the_old_index(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder, text: str
) -> None:
    source.write_text(text, encoding="utf-8")
    before = generations(folder)
    with pytest.raises(UserError):
        build(settings, source=source, into=folder, embedder=embedder)
    assert best(open_index(settings, folder, embedder), "the Suez canal") == 3
    assert generations(folder) == before


def test_a_source_that_may_not_be_read_is_not_said_to_be_the_disks_fault(
    source: Path, tmp_path: Path, settings: Settings, embedder: HashingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(self: Path, *_: object) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(index.build, "sha256_of", forbidden)
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(UserError, match=r"the source .* cannot be read \(Permission denied\)"):
        build(settings, source=source, into=tmp_path / "i", embedder=embedder)


# --- staged ---------------------------------------------------------------------------------------------------------


def test_a_reader_that_is_open_goes_on_answering_while_and_after_a_new_index_is_built(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    reader = open_index(settings, folder, embedder)
    assert best(reader, "the Suez canal") == 3
    write(source, [FACTS[2]])
    build(settings, source=source, into=folder, embedder=embedder)
    assert best(reader, "the Suez canal") == 3
    assert best(open_index(settings, folder, embedder), "the Suez canal") == 1


def test_two_generations_are_kept_and_older_ones_removed(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    seen = [(folder / "CURRENT").read_text()]
    for facts in (FACTS[:1], FACTS[:2], FACTS):
        write(source, facts)
        build(settings, source=source, into=folder, embedder=embedder)
        seen.append((folder / "CURRENT").read_text())
        assert generations(folder) == set(seen[-2:])


_KILLED = """
import os, signal, sys
from pathlib import Path
from index.environment import prepare
prepare()
import index.build as b
import index.store
from index.settings import load_settings
from tests.fakes import HashingEmbedder

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

class Dying(HashingEmbedder):
    def passages_with_tokens(self, texts):
        die()

moments = {
    "while embedding": lambda: None,
    "when the vectors are stored": lambda: setattr(b, "_manifest", die),
    "before the keywords": lambda: setattr(b.KeywordIndex, "build", die),
    "before it is named": lambda: setattr(b, "_publish", die),
    "while it is named": lambda: setattr(b.Path, "replace", die),
    "before the old ones go": lambda: setattr(b, "_remove_old", die),
}
source, copies = Path(sys.argv[1]), Path(sys.argv[2])
for moment, prepare_for in moments.items():
    child = os.fork()  # all imported, and nothing opened yet
    if child == 0:
        prepare_for()
        embedder = (Dying if moment == "while embedding" else HashingEmbedder)()
        b.build(load_settings(), source=source, into=copies / moment, rebuild=True, embedder=embedder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(moment, os.WIFSIGNALED(status) and os.WTERMSIG(status), sep="|")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_build_killed_at_any_moment_leaves_a_working_index(
    folder: Path, source: Path, tmp_path: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    answers = {
        "while embedding": 3,
        "when the vectors are stored": 3,
        "before the keywords": 3,
        "before it is named": 3,
        "while it is named": 3,
        "before the old ones go": 1,  # the new one has its name, so it is the one that answers
    }
    changed = write(tmp_path / "changed.jsonl", [FACTS[2], FACTS[0]])
    for moment in answers:
        shutil.copytree(folder, tmp_path / "copies" / moment)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(changed), str(tmp_path / "copies")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split("\n") == [*(f"{moment}|{signal.SIGKILL.value}" for moment in answers), ""], done.stderr
    for moment, paragraph in answers.items():
        copy = tmp_path / "copies" / moment
        assert best(open_index(settings, copy, embedder), "the Suez canal") == paragraph, moment
        report = build(settings, source=changed, into=copy, embedder=embedder)
        assert report.was_current == (moment == "before the old ones go")
        assert best(open_index(settings, copy, embedder), "the Suez canal") == 1, moment
        assert len(generations(copy)) == 2, moment


def test_a_second_build_waits_for_the_first_and_says_so(source: Path, tmp_path: Path, settings: Settings) -> None:
    entered, go_on, waiting = threading.Event(), threading.Event(), threading.Event()

    class Slow(HashingEmbedder):
        def passages_with_tokens(self, texts: Sequence[str]) -> list[Embedded]:
            entered.set()
            assert go_on.wait(30)
            return super().passages_with_tokens(texts)

    reports: dict[str, Any] = {}

    def run(name: str, embedder: HashingEmbedder, on_wait: Callable[[], None]) -> None:
        reports[name] = build(settings, source=source, into=tmp_path / "i", embedder=embedder, on_wait=on_wait)

    never = HashingEmbedder()
    first = threading.Thread(target=run, args=("first", Slow(), lambda: None))
    second = threading.Thread(target=run, args=("second", never, waiting.set))
    first.start()
    assert entered.wait(30)
    second.start()
    assert waiting.wait(30)
    assert reports == {}
    go_on.set()
    first.join(30)
    second.join(30)
    assert reports["first"].embedded == 14
    assert reports["second"].was_current
    assert never.embedded == []


# --- a disk that is full ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "number"),
    [
        *(
            (step, errno.ENOSPC)
            for step in ("paragraphs.jsonl", "manifest.json", "CURRENT.new", "keywords", "short write")
        ),
        *(("manifest.json", number) for number in (errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES)),
    ],
)
def test_a_full_disk_leaves_the_old_index_and_no_rubbish(
    folder: Path,
    source: Path,
    settings: Settings,
    embedder: HashingEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    number: int,
) -> None:
    real = index.build._write_durably

    def full(path: Path, text: str) -> None:
        if path.name == step:
            raise OSError(number, "the disk says no")
        real(path, text)

    def full_keywords(self: KeywordIndex, where: Path) -> None:
        raise OSError(number, "the disk says no") if step == "keywords" else OSError("24 requested and 8 written")

    if step in ("keywords", "short write"):
        monkeypatch.setattr(KeywordIndex, "save", full_keywords)
    monkeypatch.setattr(index.build, "_write_durably", full)
    before = generations(folder)
    write(source, FACTS[:2])
    with pytest.raises(
        UserError, match=r"cannot write the index to .*(says no|8 written).*The old index, if any, is untouched"
    ):
        build(settings, source=source, into=folder, embedder=embedder)
    assert generations(folder) == before
    assert best(open_index(settings, folder, embedder), "the Suez canal") == 3


_LIMITED = """
import resource, sys
from pathlib import Path
from index.environment import prepare
prepare()
import index.build as b
from index.errors import UserError
from index.settings import load_settings
from tests.fakes import HashingEmbedder

source, folder = map(Path, sys.argv[1:])
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in (10, 20_000, 150_000, 250_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        b.build(load_settings(), source=source, into=folder, rebuild=True, embedder=HashingEmbedder(size=512))
        said = "built"
    except UserError as error:
        said = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    opened = b.open_index(load_settings(), folder, HashingEmbedder())
    print(limit, len(opened.paragraphs), len(list((folder / "generations").iterdir())), said, sep="|")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_writes_that_really_fail_leave_the_old_index(folder: Path, tmp_path: Path) -> None:
    changed = write(
        tmp_path / "changed.jsonl", [*FACTS[:2], *({"en": f"Fact {n} of many about tea."} for n in range(60))]
    )
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(changed), str(folder)], capture_output=True, text=True, check=False
    )
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert len(lines) == 4, done.stderr
    for _, paragraphs, count, said in lines:
        assert (paragraphs, count) == ("3", "1")
        assert said.startswith(f"cannot write the index to {folder}: ")


# --- refused, with the command that repairs it ------------------------------------------------------------------


def repair(message: str) -> list[str]:
    """The arguments of the command a message names last."""
    return shlex.split(message.rsplit("python -m index", 1)[1].split("\n", maxsplit=1)[0].rstrip("."))


def test_no_index_is_said_with_the_command_that_builds_it(
    tmp_path: Path, settings: Settings, hashing_everywhere: HashingEmbedder
) -> None:
    with pytest.raises(IndexMissing, match=r"Build it with: python -m index$"):
        open_index(settings)
    with pytest.raises(IndexMissing, match=r"Build it with: python -m index SOURCE --into .*other$"):
        open_index(settings, tmp_path / "other")
    with pytest.raises(IndexMissing):
        list(dump(settings))


def damage_embedder(folder: Path, generation: Path) -> None:
    edit(generation, fingerprint="1571fc98aaaa", embedder="another-model", dimension=384)


def edit(generation: Path, **changes: object) -> None:
    manifest = json.loads((generation / "manifest.json").read_text())
    (generation / "manifest.json").write_text(json.dumps(manifest | changes))


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "another embedder": damage_embedder,
    "another splitter": lambda folder, generation: edit(generation, splitter=0),
    "another format": lambda folder, generation: edit(generation, format=99),
    "a field too many": lambda folder, generation: edit(generation, colour="red"),
    "a count that is wrong": lambda folder, generation: edit(generation, vectors=5),
    "a manifest cut short": lambda folder, generation: (generation / "manifest.json").write_text('{"format": 1,'),
    "a manifest of another shape": lambda folder, generation: (generation / "manifest.json").write_text("[]"),
    "no manifest": lambda folder, generation: (generation / "manifest.json").unlink(),
    "an empty pointer": lambda folder, generation: (folder / "CURRENT").write_text(""),
    "a binary pointer": lambda folder, generation: (folder / "CURRENT").write_bytes(b"\xff\xfe\x00"),
    "a pointer to nowhere": lambda folder, generation: (folder / "CURRENT").write_text("20200101T000000-abcdef"),
    "no vectors": lambda folder, generation: shutil.rmtree(generation / "chroma"),
    "a database of garbage": lambda folder, generation: (generation / "chroma" / "chroma.sqlite3").write_bytes(
        b"garbage" * 999
    ),
    "half a database": lambda folder, generation: truncate(generation / "chroma" / "chroma.sqlite3"),
    "no paragraphs": lambda folder, generation: (generation / "paragraphs.jsonl").unlink(),
    "paragraphs of another shape": lambda folder, generation: (generation / "paragraphs.jsonl").write_text(
        '{"a": 1}\n'
    ),
    "no keywords": lambda folder, generation: shutil.rmtree(generation / "keywords"),
    "empty keywords": lambda folder, generation: (generation / "keywords" / "zh" / "data.csc.index.npy").write_bytes(
        b""
    ),
}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_outdated_index_is_refused_with_the_command_that_repairs_it(
    folder: Path, source: Path, settings: Settings, hashing_everywhere: HashingEmbedder, damage: str
) -> None:
    DAMAGES[damage](folder, folder / "generations" / (folder / "CURRENT").read_text())
    with pytest.raises(IndexMismatch, match="Rebuild it with: python -m index") as caught:
        ask(open_index(settings, folder))
    assert "\n" not in str(caught.value)
    arguments = repair(str(caught.value))
    assert arguments == ["--rebuild", "--into", str(folder)]
    if "manifest" in damage:  # nothing is left that says what it was built from
        arguments = [str(source), *arguments]
    assert main(arguments) == 0
    opened = open_index(settings, folder)
    assert best(opened, "the Suez canal") == 3
    assert next(iter(opened.keywords.scores("铁路", "zh", 3))) == 2


@pytest.mark.parametrize(
    "damage", ["no vectors", "a database of garbage", "no paragraphs", "no keywords", "an empty pointer"]
)
def test_an_ordinary_build_repairs_a_damaged_index_too(
    folder: Path, source: Path, settings: Settings, embedder: HashingEmbedder, damage: str
) -> None:
    DAMAGES[damage](folder, folder / "generations" / (folder / "CURRENT").read_text())
    assert not build(settings, source=source, into=folder, embedder=embedder).was_current
    assert best(open_index(settings, folder, embedder), "the Suez canal") == 3


def test_the_refusal_of_another_embedder_names_both(
    folder: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    damage_embedder(folder, folder / "generations" / (folder / "CURRENT").read_text())
    with pytest.raises(
        IndexMismatch,
        match=r"built with another-model@1571fc98 \(384 dimensions\); the settings ask for hashing@hashing-",
    ):
        open_index(settings, folder, embedder)


def test_a_folder_with_a_blank_in_its_name_is_quoted_in_the_command(
    tmp_path: Path, source: Path, settings: Settings, hashing_everywhere: HashingEmbedder
) -> None:
    folder = tmp_path / "my index"
    build(settings, source=source, into=folder)
    shutil.rmtree(folder / "generations")
    with pytest.raises(IndexMismatch) as caught:
        open_index(settings, folder)
    assert repair(str(caught.value)) == ["--rebuild", "--into", str(folder)]


def test_an_index_is_not_built_over_something_else(
    tmp_path: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(UserError, match=r"holds 'cat\.jpg' and no index"):
        build(settings, source=source, into=tmp_path / "photos", embedder=embedder)
    with pytest.raises(UserError, match="is a file, not a folder"):
        build(settings, source=source, into=source, embedder=embedder)
    with pytest.raises(UserError, match="cannot write the index to"):
        build(settings, source=source, into=source / "below", embedder=embedder)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]


# --- on a server ------------------------------------------------------------------------------------------------


def collections(url: str) -> set[str]:
    """The names without what each level and language adds to them."""
    address = f"{url}/api/v2/tenants/default_tenant/databases/default_database/collections"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return {re.sub(r"-(passage|sentence)-(zh|en)$", "", one["name"]) for one in json.load(answer)}


@pytest.mark.chroma
def test_an_index_on_a_server_is_built_opened_and_asked(
    chroma_url: str, tmp_path: Path, source: Path, embedder: HashingEmbedder
) -> None:
    settings = load_settings(chroma_url=chroma_url)
    report = build(settings, source=source, into=tmp_path / "i", embedder=embedder)
    opened = open_index(load_settings(), tmp_path / "i", embedder)  # the manifest knows where the vectors are
    assert opened.manifest.chroma_url == chroma_url
    assert best(opened, "the Suez canal") == 3
    assert len(opened.vectors.sentence_vectors([2])) == 4
    assert report.manifest.collection in collections(chroma_url)
    assert build(settings, source=source, into=tmp_path / "i", embedder=embedder).was_current
    write(source, FACTS[1:])
    assert build(settings, source=source, into=tmp_path / "i", embedder=embedder).embedded == 0


@pytest.mark.chroma
def test_the_server_keeps_two_generations_and_nothing_of_a_build_that_failed(
    chroma_url: str, tmp_path: Path, source: Path, embedder: HashingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(chroma_url=chroma_url)
    before = collections(chroma_url)
    names = []
    for facts in (FACTS[:1], FACTS[:2], FACTS):
        write(source, facts)
        names.append(build(settings, source=source, into=tmp_path / "i", embedder=embedder).manifest.collection)
    assert collections(chroma_url) - before == set(names[-2:])

    def full(self: KeywordIndex, where: Path) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(KeywordIndex, "save", full)
    with pytest.raises(UserError, match="no space"):
        build(settings, source=source, into=tmp_path / "i", rebuild=True, embedder=embedder)
    assert collections(chroma_url) - before == set(names[-2:])


@pytest.mark.chroma
def test_a_server_is_asked_under_the_name_that_the_settings_give_it(
    chroma_url: str, tmp_path: Path, source: Path, embedder: HashingEmbedder
) -> None:
    build(load_settings(chroma_url=chroma_url), source=source, into=tmp_path / "i", embedder=embedder)
    generation = tmp_path / "i" / "generations" / (tmp_path / "i" / "CURRENT").read_text()
    edit(generation, chroma_url="http://127.0.0.1:9")  # as if it had been built where the server has another name
    settings = load_settings(chroma_url=chroma_url)
    assert best(open_index(settings, tmp_path / "i", embedder), "the Suez canal") == 3
    assert build(settings, source=source, into=tmp_path / "i", embedder=embedder).embedded == 0


def test_an_index_in_a_folder_is_not_taken_for_one_on_a_server(
    tmp_path: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    build(settings, source=source, into=tmp_path / "i", embedder=embedder)
    asked = load_settings(chroma_url="http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"in its own folder; .* server at http://127\.0\.0\.1:9\. Rebuild it with"):
        open_index(asked, tmp_path / "i", embedder)


def test_a_server_that_went_away_is_said_when_asked(
    tmp_path: Path, source: Path, settings: Settings, embedder: HashingEmbedder
) -> None:
    build(settings, source=source, into=tmp_path / "i", embedder=embedder)
    generation = tmp_path / "i" / "generations" / (tmp_path / "i" / "CURRENT").read_text()
    edit(generation, chroma_url="http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"Chroma at http://127\.0\.0\.1:9 cannot be opened.*Check that it is running"):
        best(open_index(settings, tmp_path / "i", embedder), "tea")


# --- with the real model ----------------------------------------------------------------------------------------


@pytest.mark.model
@pytest.mark.timeout(600)
def test_the_bundled_article_pairs_exactly_also_when_the_real_embedder_has_its_say(real_index: Index) -> None:
    assert [p.kind for p in real_index.paragraphs if p.languages != ("zh", "en")] == ["summary"]
    assert len(real_index.paragraphs) == 67
    assert real_index.manifest.source_path == str(BUNDLED_ARTICLE)


@pytest.mark.model
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("question", "language", "words"),
    [
        ("What is recursive self-improvement?", "en", "This is called recursive self-improvement"),
        ("How many API errors did Claude fix in April 2026?", "en", "over 800 fixes"),
        ("阿姆达尔定律是什么?", "zh", "阿姆达尔定律"),
        ("单方面暂停有什么用?", "zh", "单方面暂停"),
    ],
)
def test_the_real_index_finds_the_paragraph_that_answers(
    real_index: Index, question: str, language: str, words: str
) -> None:
    vector = real_index.embedder.question(question)
    found = real_index.vectors.nearest(vector, level="sentence", language=language, k=30)  # type: ignore[arg-type]
    # Sentences of one paragraph are alike: as the retriever does, the nearest of each.
    numbers = list(dict.fromkeys(number for number, _ in found))[:3]
    assert any(words in (real_index.by_number[number].text(language) or "") for number in numbers)  # type: ignore[arg-type]
