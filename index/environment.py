"""What must be true of the process before any heavy library is imported: no telemetry, no downloads.

Imported first by every entry point. Nothing here touches the network or imports the libraries it tames.
"""

from __future__ import annotations

import atexit
import gc
import importlib.util
import os
import tempfile
from pathlib import Path

# New objects, and as many younger collections, between two searches for cycles. Python's own 700 search all that an
# import makes again and again: a quarter of the seconds that importing torch and sentence-transformers takes.
_COLLECT_EVERY = (200_000, 10, 10)


def prepare() -> None:
    """Set the environment for a quiet, offline process; values the user has set are kept, except telemetry."""
    gc.set_threshold(*_COLLECT_EVERY)
    # At the end Python searches all that it holds once more, module by module: two seconds for which a reader waits
    # behind the answer. What is frozen is not searched, and the system takes it back at once.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a missing model fails at once instead of after 70 s of retries
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # llama.cpp's threads wait for each other in a busy loop of OpenMP's; where another program wants a core, the
    # default loop keeps it from the very thread that is waited for (0.8 tokens a second where 24 were possible).
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # So do numpy's: a product of two milliseconds took twenty beside a model at work, and one thread loses half of one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # llama-index-core ships tiktoken's and NLTK's data; a user's own setting would make them download.
    static = _llama_index_folder() / "_static"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(static / "tiktoken_cache")
    os.environ["NLTK_DATA"] = str(static / "nltk_cache")
    os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / f"duizhao-{_user()}"))


def _llama_index_folder() -> Path:
    spec = importlib.util.find_spec("llama_index")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return next((Path(folder) / "core" for folder in locations if (Path(folder) / "core").is_dir()), Path())


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
