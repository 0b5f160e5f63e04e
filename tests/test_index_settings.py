"""Settings: defaults < duizhao.toml < environment < command line; nothing misspelt is taken in silence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from index.errors import UserError
from index.settings import Settings, load_settings


def write_toml(text: str) -> None:
    Path("duizhao.toml").write_text(text, encoding="utf-8")


def test_without_file_or_environment_the_defaults_hold(home: Path) -> None:
    settings = load_settings()
    assert settings.generator == "local"
    assert settings.index_dir == home / "index" / "article"
    assert settings.models_dir == home / "models"


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml("threads = 2\nport = 8001\nhost = 'file'\n")
    monkeypatch.setenv("DUIZHAO_PORT", "8002")
    monkeypatch.setenv("DUIZHAO_HOST", "environment")
    settings = load_settings(host="argument", threads=None)
    assert (settings.threads, settings.port, settings.host) == (2, 8002, "argument")


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("thread", "threads"), ("openai_url", "openai_base_url"), ("chroma-url", "chroma_url")]
)
def test_an_unknown_key_in_the_file_is_refused_and_the_nearest_named(wrong: str, nearest: str) -> None:
    write_toml(f'"{wrong}" = 3\n')
    with pytest.raises(
        UserError, match=rf"'{wrong}' in duizhao\.toml is not a setting; the nearest one is {nearest}\."
    ):
        load_settings()


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("DUIZHAO_THREAD", "DUIZHAO_THREADS"), ("DUIZHAO_GENRATOR", "DUIZHAO_GENERATOR")]
)
def test_an_unknown_variable_is_refused_and_the_nearest_named(
    wrong: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wrong, "3")
    with pytest.raises(UserError, match=rf"{wrong} is not a setting; the nearest one is {nearest}\."):
        load_settings()


def test_a_key_like_no_other_is_refused_without_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHAO_ZZZZZZ", "1")
    with pytest.raises(UserError, match=r"DUIZHAO_ZZZZZZ is not a setting\. Unset it"):
        load_settings()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("threads = -1", r"the setting threads is -1: .* Set DUIZHAO_THREADS or threads in duizhao\.toml\."),
        ("port = 70000", "the setting port is 70000"),
        ('generator = "gpt"', "the setting generator is 'gpt': .*'local', 'quote', 'openai' or 'anthropic'"),
        ("evidence_tokens = 'many'", "the setting evidence_tokens is 'many'"),
        ("threads = [1, 2]", r"the setting threads is \[1, 2\]"),
        ("[index]\nhome = 3", "the setting index is"),
        ("request_timeout = inf", "the setting request_timeout is inf"),
        ("openai_base_url = '127.0.0.1:8080/v1'", r"openai_base_url is '127\.0\.0\.1:8080/v1': .*https\?://"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_value_and_the_place_to_mend_it(line: str, message: str) -> None:
    write_toml(line)
    with pytest.raises(UserError, match=message) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_a_bad_key_is_never_printed() -> None:
    write_toml("openai_api_key = ['sk-secret']")
    with pytest.raises(UserError, match="openai_api_key is \\(hidden\\)") as caught:
        load_settings()
    assert "sk-secret" not in str(caught.value)


def test_secrets_are_not_shown_by_printing_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHAO_ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("DUIZHAO_AUTH", "user:hush")
    shown = repr(load_settings())
    assert "sk-secret" not in shown
    assert "hush" not in shown


@pytest.mark.parametrize("text", ["threads = ", "threads 3", "\x00", "[[["])
def test_a_file_that_is_not_toml_is_said_to_be_so(text: str) -> None:
    write_toml(text)
    with pytest.raises(UserError, match=r"duizhao\.toml is not valid TOML: .* Mend that line"):
        load_settings()


def test_a_file_that_is_not_utf8_is_said_to_be_so() -> None:
    Path("duizhao.toml").write_bytes("host = '主机'".encode("gb18030"))
    with pytest.raises(UserError, match=r"duizhao\.toml is not valid TOML"):
        load_settings()


def test_a_file_of_another_user_is_said_to_be_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml("threads = 1")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"duizhao\.toml cannot be read: Permission denied\. Let this user read it"):
        load_settings()


def test_settings_cannot_be_changed(settings: Settings) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.threads = 9  # type: ignore[misc]


def test_a_tilde_means_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHAO_INDEX", "~/facts")
    assert load_settings().index_dir == Path.home() / "facts"


def test_an_empty_variable_sets_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home would be the working folder, to which a gigabyte of weights is fetched."""
    write_toml("threads = 2\nhome = 'kept'\n")
    for name in ("HOME", "INDEX", "CHROMA_URL", "THREADS"):
        monkeypatch.setenv(f"DUIZHAO_{name}", "")
    settings = load_settings()
    assert (settings.home, settings.index, settings.chroma_url, settings.threads) == (Path("kept"), None, None, 2)


def test_no_env_file_is_ever_read() -> None:
    Path(".env").write_text("DUIZHAO_THREADS=7\nANONYMIZED_TELEMETRY=True\n", encoding="utf-8")
    assert load_settings().threads == 0


def test_threads_default_to_the_cores_this_process_may_use() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert load_settings().cpu_threads == cores
    assert load_settings(threads=3).cpu_threads == 3


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []


def test_further_host_names_are_read_whatever_stands_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().further_hosts == ()
    monkeypatch.setenv("DUIZHAO_ALLOWED_HOSTS", "read.example, notes.example.org  10.0.0.5")
    assert load_settings().further_hosts == ("read.example", "notes.example.org", "10.0.0.5")


@pytest.mark.parametrize("wrong", ["https://read.example", "read.example:443", "*", "read.example/notes", "*.example"])
def test_what_is_no_host_name_is_refused_as_one(wrong: str) -> None:
    with pytest.raises(UserError, match=r"allowed_hosts .* is no host name; give names alone"):
        load_settings(allowed_hosts=f"fine.example, {wrong}")
