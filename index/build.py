"""Build an index beside the one in use, and open one.

    <index>/
        CURRENT                  the name of the generation in use; replaced at once, last of all
        build.lock               held by whoever builds; a second build waits
        generations/<name>/      manifest.json, paragraphs.jsonl, chroma/, keywords/, tokens/

A generation is written whole before CURRENT names it, and never changed after, so a reader sees the old
index or the new one, a build killed at any moment leaves the old one working, and several processes may
read one index at once.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout
from llama_index.core.ingestion import IngestionPipeline

from index.capture import READER_VERSION
from index.embedder import Embedder
from index.errors import IndexMismatch, IndexMissing, UserError
from index.interaction import INTERACTION_VERSION, TokenVectors, TokenWriter
from index.keywords import KEYWORDS_VERSION, KeywordIndex
from index.outline import Outline, introduced
from index.paragraphs import Article, Paragraph, count_kinds, digest
from index.passages import SPLITTER_VERSION, PassageSplitter
from index.settings import DEFAULT_INDEX, Settings
from index.source import BUNDLED_ARTICLE, ArticleReader, documents_of
from index.store import PassageStore, StoreClient
from index.vectors import Known, NodeVectors
from index.weights import sha256_of

FORMAT_VERSION = 3
# Texts (a paragraph in one language) that are in memory with all of their vectors at once: some 0.4 GB.
AT_ONCE = 1024
_OWN_VERSIONS = (SPLITTER_VERSION, KEYWORDS_VERSION, INTERACTION_VERSION)
# What a full, read-only or forbidden disk raises; numpy's short write has no number.
_DISK_ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EIO,
    errno.ENAMETOOLONG,
    None,
)
# Called with (texts done, texts in all) while embedding; a paragraph is a text in each of its languages.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was built from and with; read before anything else is trusted."""

    format: int
    splitter: int
    keywords: int
    interaction: int
    title: str
    source: str
    source_digest: str  # of the source file and the reader's version
    article: str  # digest of the paragraphs
    embedder: str
    fingerprint: str
    dimension: int
    paragraphs: int
    vectors: int
    collection: str
    chroma_url: str | None
    built_at: str
    source_path: str = ""  # so that a repair needs no SOURCE; not known of indexes built before it was kept


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did, for people."""

    paragraphs: tuple[Paragraph, ...]
    notes: tuple[str, ...]
    manifest: Manifest
    embedded: int
    reused: int
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """How many paragraphs there are of each kind that occurs."""
        return count_kinds(self.paragraphs)

    @property
    def was_current(self) -> bool:
        """Whether there was nothing to do."""
        return self.embedded == 0 and self.reused == 0


class Index:
    """A finished index, opened for reading. Parts are read when first used and then kept."""

    def __init__(
        self, folder: Path, manifest: Manifest, generation: Path, embedder: Embedder, chroma_url: str | None = None
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.embedder = embedder
        # A server may be known by another name here than where the index was built.
        self._chroma_url = manifest.chroma_url and (chroma_url or manifest.chroma_url)
        self._generation = generation
        self._client: StoreClient | None = None

    @cached_property
    def paragraphs(self) -> tuple[Paragraph, ...]:
        """Every paragraph, in reading order."""
        return read_paragraphs(self._generation)

    @cached_property
    def by_number(self) -> dict[int, Paragraph]:
        """Paragraphs by number."""
        return {paragraph.number: paragraph for paragraph in self.paragraphs}

    @cached_property
    def outline(self) -> Outline:
        """What introduces, counts and answers what."""
        return Outline(self.paragraphs)

    @cached_property
    def keywords(self) -> KeywordIndex:
        """The keyword leg."""
        languages = {language for paragraph in self.paragraphs for language in paragraph.languages}
        with _damaged(self.folder):
            return KeywordIndex.load(self._generation / "keywords", languages)

    @cached_property
    def tokens(self) -> TokenVectors:
        """The token vectors of the passages, for late interaction."""
        with _damaged(self.folder):
            return TokenVectors(self._generation / "tokens")

    @cached_property
    def vectors(self) -> PassageStore:
        """The vector leg."""
        repair = _rebuild_hint(self.folder)
        self._client = StoreClient(self._generation / "chroma", self._chroma_url, repair=repair)
        return self._client.open(self.manifest.collection, expected=self.manifest.vectors)

    def close(self) -> None:
        """Release the vectors' files or connection; the index answers no more."""
        if self._client:
            self._client.close()

    def is_whole(self) -> bool:
        """Whether every part can be opened and holds what the manifest says."""
        try:
            parts = (self.keywords, self.vectors, self.tokens)
            return all(parts) and len(self.paragraphs) == self.manifest.paragraphs
        except IndexMismatch:
            return False


def open_index(settings: Settings, folder: Path | None = None, embedder: Embedder | None = None) -> Index:
    """Open the index in `folder` (default: the settings').

    Raises IndexMissing, or IndexMismatch naming what it was built with, what is asked for, and the repair.
    """
    folder = folder or settings.index_dir
    manifest, generation = _current(folder)
    if manifest is None:
        raise IndexMissing(f"there is no index in {folder}. Build it with: {_build_command(folder, settings)}")
    embedder = embedder or Embedder.from_settings(settings)
    _refuse_mismatch(folder, manifest, embedder)
    if settings.chroma_url and not manifest.chroma_url:
        raise IndexMismatch(
            f"the index in {folder} keeps its vectors in its own folder; the settings ask for the Chroma server at "
            f"{settings.chroma_url}. {_rebuild_hint(folder)}"
        )
    return Index(folder, manifest, generation, embedder, settings.chroma_url)


def read_paragraphs(generation: Path) -> tuple[Paragraph, ...]:
    """The paragraphs of a generation."""
    with _damaged(generation.parent.parent):
        lines = (generation / "paragraphs.jsonl").read_text(encoding="utf-8").split("\n")
        return introduced([Paragraph.from_json(json.loads(line)) for line in lines if line])


def dump(settings: Settings, folder: Path | None = None) -> Iterator[str]:
    """The paragraphs of an index as JSON lines; needs no weights."""
    folder = folder or settings.index_dir
    manifest, generation = _current(folder)
    if manifest is None:
        raise IndexMissing(f"there is no index in {folder}. Build it with: {_build_command(folder, settings)}")
    for paragraph in read_paragraphs(generation):
        yield json.dumps(paragraph.to_json(), ensure_ascii=False)


def build(
    settings: Settings,
    *,
    source: Path | None = None,
    into: Path | None = None,
    rebuild: bool = False,
    embedder: Embedder | None = None,
    on_progress: OnProgress = lambda done, total: None,
    on_wait: Callable[[], None] = lambda: None,
) -> BuildReport:
    """Bring the index in `into` up to date with `source`; the old one answers until the new one is whole.

    Vectors of unchanged passages are taken over unless `rebuild`. Raises UserError for a source that
    cannot be read, a full disk, or a folder that is something else.
    """
    started = time.perf_counter()
    folder = into or settings.index_dir
    embedder = embedder or Embedder.from_settings(settings)
    with _disk_errors(folder):
        _refuse_foreign_folder(folder)
        source = source or _own_source(folder, settings)
        source_digest = _source_digest(source)
        folder.mkdir(parents=True, exist_ok=True)
        with _build_lock(folder, on_wait):
            manifest, generation = (None, folder) if rebuild else _current_or_none(folder)
            if manifest and _is_current(manifest, source_digest, embedder, settings):
                current = Index(folder, manifest, generation, embedder, settings.chroma_url)
                with closing(current):
                    is_whole = current.is_whole()
                if is_whole:
                    return BuildReport(current.paragraphs, (), manifest, 0, 0, time.perf_counter() - started)
            article = ArticleReader(embed=embedder.passages).read(source)
            known = _known_vectors(manifest, generation, embedder, settings)
            job = _Job(settings, folder, source, source_digest, article, embedder)
            manifest, written = _write_generation(job, known, on_progress)
    seconds = time.perf_counter() - started
    reused = written.vectors - written.made
    return BuildReport(article.paragraphs, article.notes, manifest, written.made, reused, seconds)


def _own_source(folder: Path, settings: Settings) -> Path:
    """What the index in `folder` is built from when nobody names a source: what it was built from before."""
    if settings.source and folder == settings.index_dir:
        return settings.source
    if folder == settings.home / "index" / DEFAULT_INDEX or not (folder / "CURRENT").is_file():
        return BUNDLED_ARTICLE
    current, _ = _current_or_none(folder)
    if current and current.source_path:
        return Path(current.source_path)
    for older in sorted(folder.glob("generations/*/manifest.json"), reverse=True):
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Path(json.loads(older.read_text(encoding="utf-8"))["source_path"])
    raise UserError(
        f"the index in {folder} does not say what it was built from. "
        f"Name it: python -m index SOURCE --rebuild --into {shlex.quote(str(folder))}"
    )


def _source_digest(source: Path) -> str:
    data = ""
    with suppress(OSError):  # the reader says what is wrong with it
        data = sha256_of(source) if source.is_file() else ""
    return digest([data, source.suffix, str(READER_VERSION)])


# --- writing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Job:
    """What one build works on."""

    settings: Settings
    folder: Path
    source: Path
    source_digest: str
    article: Article
    embedder: Embedder


def _write_generation(job: _Job, known: Known, on_progress: OnProgress) -> tuple[Manifest, _Written]:
    settings, folder, article = job.settings, job.folder, job.article
    name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
    generation = folder / "generations" / name
    generation.mkdir(parents=True)
    collection = f"duizhao-{name}"
    client: StoreClient | None = None
    try:
        client = StoreClient(generation / "chroma", settings.chroma_url)
        store = client.create(collection, job.embedder.dimension, len(article.paragraphs))
        written = _write_vectors(job, known, store, generation / "tokens", on_progress)
        manifest = _manifest(job, written.vectors, collection)
        if store.count() != manifest.vectors:
            raise UserError(f"Chroma kept {store.count()} of {manifest.vectors} vectors. Build again; check the disk.")
        KeywordIndex.build(article.paragraphs).save(generation / "keywords")
        lines = (json.dumps(p.to_json(), ensure_ascii=False) + "\n" for p in article.paragraphs)
        _write_durably(generation / "paragraphs.jsonl", "".join(lines))
        _write_durably(generation / "manifest.json", json.dumps(asdict(manifest), ensure_ascii=False, indent=2))
        keep = {name, _current_or_none(folder)[1].name}
        _publish(folder, name)
        _remove_old(folder, keep, client if settings.chroma_url else None)
    except BaseException:
        if _current_or_none(folder)[1] != generation:
            shutil.rmtree(generation, ignore_errors=True)
            if client and settings.chroma_url:
                with suppress(UserError):
                    client.drop(collection)
        raise
    finally:
        if client:
            client.close()
    return manifest, written


@dataclass(frozen=True, slots=True)
class _Written:
    """How many vectors an index has, and of these were made anew."""

    vectors: int
    made: int


def _write_vectors(job: _Job, known: Known, store: PassageStore, tokens: Path, on_progress: OnProgress) -> _Written:
    """Embed the article into `store` and the folder `tokens`; only a part of it is in memory with its vectors."""
    documents = documents_of(job.article)
    done = count = 0
    with closing(TokenWriter(tokens, job.embedder.dimension)) as writer:
        vectors = NodeVectors(
            job.embedder,
            known,
            writer,
            lambda share: on_progress(done + round(share * min(AT_ONCE, len(documents) - done)), len(documents)),
        )
        pipeline = IngestionPipeline(
            transformations=[PassageSplitter(job.embedder.overflows), vectors],
            disable_cache=True,  # its keys ignore private attributes such as the model behind an embedder
        )
        for done in range(0, len(documents), AT_ONCE):
            nodes = pipeline.run(documents=documents[done : done + AT_ONCE])
            store.add(nodes)
            count += len(nodes)
            del nodes  # else two parts are in memory while the next is made
    return _Written(count, vectors.made)


def _manifest(job: _Job, vectors: int, collection: str) -> Manifest:
    article, embedder = job.article, job.embedder
    return Manifest(
        format=FORMAT_VERSION,
        splitter=SPLITTER_VERSION,
        keywords=KEYWORDS_VERSION,
        interaction=INTERACTION_VERSION,
        title=article.title,
        source=job.source.name,
        source_digest=job.source_digest,
        article=article.digest,
        embedder=embedder.model_name,
        fingerprint=embedder.fingerprint,
        dimension=embedder.dimension,
        paragraphs=len(article.paragraphs),
        vectors=vectors,
        collection=collection,
        chroma_url=job.settings.chroma_url,
        source_path=str(job.source.resolve()),
        built_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as sink:
        sink.write(text)
        sink.flush()
        os.fsync(sink.fileno())


def _publish(folder: Path, name: str) -> None:
    pointer = folder / "CURRENT.new"
    _write_durably(pointer, name)
    pointer.replace(folder / "CURRENT")


def _remove_old(folder: Path, keep: set[str], client: StoreClient | None) -> None:
    """Delete all generations but the new one and the one before it, which a reader may still have open."""
    for path in [path for path in (folder / "generations").iterdir() if path.name not in keep]:
        with suppress(UserError):  # the server went away: the next build tries again
            if client:
                client.drop(f"duizhao-{path.name}")
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _build_lock(folder: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    lock = FileLock(folder / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise _cannot_write(folder, error.strerror or str(error)) from error
    except IndexMismatch as error:  # what Chroma says of a disk that is full
        sign = re.search(r"disk is full|disk I/O error|no space left", str(error), re.IGNORECASE)
        if not sign:
            raise
        raise _cannot_write(folder, sign.group()) from error


def _cannot_write(folder: Path, reason: str) -> UserError:
    return UserError(
        f"cannot write the index to {folder}: {reason}. The old index, if any, is untouched; "
        f"make room or choose another folder with --into."
    )


# --- reading and refusing -----------------------------------------------------------------------------------


def _current_name(folder: Path) -> str | None:
    pointer = folder / "CURRENT"
    with _damaged(folder):
        return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None


def _current(folder: Path) -> tuple[Manifest | None, Path]:
    """The manifest and folder of the generation in use; (None, folder) where there is no index."""
    name = _current_name(folder)
    if name is None:
        return None, folder
    generation = folder / "generations" / name
    with _damaged(folder):
        record = json.loads((generation / "manifest.json").read_text(encoding="utf-8"))
        if record["format"] != FORMAT_VERSION:
            raise IndexMismatch(
                f"the index in {folder} has format {record['format']}, this version reads {FORMAT_VERSION}. "
                f"{_rebuild_hint(folder)}"
            )
        return Manifest(**record), generation


def _current_or_none(folder: Path) -> tuple[Manifest | None, Path]:
    # For a builder a damaged or outdated index is only something to replace.
    try:
        return _current(folder)
    except IndexMismatch:
        return None, folder


def _known_vectors(manifest: Manifest | None, generation: Path, embedder: Embedder, settings: Settings) -> Known:
    if manifest is None or manifest.fingerprint != embedder.fingerprint:
        return Known()
    old = Index(generation.parent.parent, manifest, generation, embedder, settings.chroma_url)
    try:
        with closing(old):
            return Known(old.vectors.known_vectors(), old.tokens)
    except IndexMismatch:
        return Known()


def _is_current(manifest: Manifest, source_digest: str, embedder: Embedder, settings: Settings) -> bool:
    return (
        manifest.source_digest == source_digest
        and manifest.fingerprint == embedder.fingerprint
        and _versions(manifest) == _OWN_VERSIONS
        and manifest.chroma_url == settings.chroma_url
    )


def _versions(manifest: Manifest) -> tuple[int, int, int]:
    return manifest.splitter, manifest.keywords, manifest.interaction


def _refuse_mismatch(folder: Path, manifest: Manifest, embedder: Embedder) -> None:
    if manifest.fingerprint != embedder.fingerprint:
        raise IndexMismatch(
            f"the index in {folder} was built with {manifest.embedder}@{manifest.fingerprint[:8]} "
            f"({manifest.dimension} dimensions); the settings ask for {embedder.label}. {_rebuild_hint(folder)}"
        )
    built, own = (".".join(map(str, versions)) for versions in (_versions(manifest), _OWN_VERSIONS))
    if built != own:
        raise IndexMismatch(
            f"the index in {folder} was cut by splitter {built}, this version is {own}. {_rebuild_hint(folder)}"
        )


def _refuse_foreign_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, not a folder for an index. Choose another place with --into.")
    if folder.is_dir() and not (folder / "CURRENT").is_file():
        foreign = [p.name for p in folder.iterdir() if p.name not in ("build.lock", "generations", "CURRENT.new")]
        if foreign:
            raise UserError(
                f"{folder} holds {foreign[0]!r} and no index; an index would be mixed with it. Choose another folder."
            )


@contextmanager
def _damaged(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise IndexMismatch(
            f"the index in {folder} is damaged ({type(error).__name__}: {str(error)[:120]}). {_rebuild_hint(folder)}"
        ) from error


def _rebuild_hint(folder: Path) -> str:
    return f"Rebuild it with: python -m index --rebuild --into {shlex.quote(str(folder))}"


def _build_command(folder: Path, settings: Settings) -> str:
    return (
        "python -m index"
        if folder == settings.index_dir
        else f"python -m index SOURCE --into {shlex.quote(str(folder))}"
    )
