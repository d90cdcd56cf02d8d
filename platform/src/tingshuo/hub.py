"""Bring a model from the ModelScope hub, through modelscope's own client.

The client is an optional dependency (`tingshuo[hub]`) and imported only here, only when a model is pulled. Its
endpoint and token come from its own variables, MODELSCOPE_ENDPOINT and MODELSCOPE_API_TOKEN.
Endpoints it asks (modelscope-hub 0.5): `/api/v1/models/<id>/repo/files` lists Path, Size, Sha256 and Type;
`/api/v1/models/<id>/repo?Revision=&FilePath=` gives a file.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tingshuo import weights
from tingshuo.errors import ConfigurationError, ModelError
from tingshuo.manifest import (
    MAX_FILES,
    Manifest,
    ManifestFile,
    files_of,
    intact_manifest,
    problems,
    safe_hub_id,
    safe_path,
)
from tingshuo.settings import Settings

if TYPE_CHECKING:
    from modelscope_hub import HubApi, ProgressCallback

#: Told (bytes done, bytes in all).
Progress: TypeAlias = Callable[[int, int], None]

#: What can be fetched at once; the hub slows a client down that asks for more.
_STREAMS = 4


def pull(settings: Settings, hub_id: str, progress: Progress, revision: str = "master") -> Path:
    """Download `hub_id` into the model store and return its folder; at once when it is there and whole.

    Every file is compared with the sha256 in the hub's listing before the model is put in place. A download that
    was interrupted goes on where it stopped. Raises `ConfigurationError` without modelscope's client, `ModelError`
    for everything that the hub or the network does wrong.
    """
    safe_hub_id(hub_id)
    if settings.offline:
        raise ConfigurationError("TINGSHUO_OFFLINE is set; bring the model with `tingshuo models import` instead")
    client = _client()
    name = hub_id.replace("/", "--")
    with weights.exclusive(settings, name):
        manifest = _listing(client, hub_id, revision)
        target = settings.model_store / hub_id
        if intact_manifest(target) == manifest and not problems(target, manifest):
            progress(manifest.size, manifest.size)
            return target
        folder = weights.staging(settings, name)
        folder.mkdir(exist_ok=True)
        there = sum((folder / file).stat().st_size for file in files_of(folder))
        weights.require_space(settings, manifest.size - there)
        _download(client, manifest, folder, progress)
        _accept(folder, manifest)
        return weights.install(settings, folder, hub_id)


def _client() -> HubApi:
    # The client's own bars would write over ours; tqdm reads this when it is imported.
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        from modelscope_hub import HubApi
        from tqdm import tqdm
    except ImportError as error:
        raise ConfigurationError("models are pulled by modelscope's client: pip install 'tingshuo[hub]'") from error
    # The lock that tqdm makes by itself takes a while to make, even for bars that are not shown. Ctrl-C at that moment
    # left it held, and the threads that download waited for it for ever.
    tqdm.set_lock(threading.RLock())
    # It logs each retry and each error on stderr; the error itself reaches our caller.
    logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
    return HubApi()


def _listing(client: HubApi, hub_id: str, revision: str) -> Manifest:
    from modelscope_hub import HubError

    try:
        listed = [file for file in client.list_repo_files(hub_id, "model", revision=revision) if not file.is_dir]
    except HubError as error:
        raise ModelError(_reason(error, hub_id, revision)) from error
    if not 0 < len(listed) <= MAX_FILES:
        raise ModelError(f"the hub lists {len(listed)} files for {hub_id} at {revision}; a model has 1 to {MAX_FILES}")
    entries = {}
    for file in listed:
        sha256 = (file.sha256 or "").lower()
        if len(sha256) != 64:
            raise ModelError(f"the hub gives no sha256 for {file.path!r} of {hub_id}, so it cannot be trusted")
        entries[safe_path(file.path)] = ManifestFile(sha256=sha256, size=file.size)
    return Manifest(hub_id=hub_id, revision=revision, files=entries)


def _download(client: HubApi, manifest: Manifest, folder: Path, progress: Progress) -> None:
    from modelscope_hub import HubError
    from modelscope_hub.errors import FileDownloadError, FileIntegrityError

    entries = [{"Path": path, "Size": file.size, "Sha256": file.sha256} for path, file in manifest.files.items()]
    try:
        client.download_repo(
            manifest.hub_id,
            "model",
            revision=manifest.revision,
            cache_dir=folder.parent,  # for its lock files only
            local_dir=folder,
            max_workers=_STREAMS,
            progress_callbacks=[_counter(progress, manifest.size)],
            file_list=entries,
        )
    except FileDownloadError as error:
        path, cause = next(iter(error.failed_files.items()))
        wrong = [name for name, reason in error.failed_files.items() if isinstance(reason, FileIntegrityError)]
        if wrong:
            shutil.rmtree(folder)
            raise ModelError(f"{manifest.hub_id}: {wrong[0]} is not what the hub's listing says: {cause}") from error
        reason = _reason(cause, manifest.hub_id, manifest.revision)
        raise ModelError(f"{reason} ({path}); run again to go on") from error
    except HubError as error:
        raise ModelError(_reason(error, manifest.hub_id, manifest.revision)) from error


def _counter(progress: Progress, total: int) -> type[ProgressCallback]:
    """A class as modelscope wants it (one instance per file), all adding to one count of bytes."""
    from modelscope_hub import ProgressCallback

    lock = threading.Lock()
    done = 0

    class Counter(ProgressCallback):
        def update(self, size: int) -> None:
            nonlocal done
            with lock:
                done += size
                progress(min(done, total), total)

    return Counter


def _accept(folder: Path, manifest: Manifest) -> None:
    """Check what was downloaded, drop what does not belong, write the manifest."""
    for name in set(files_of(folder)) - set(manifest.files):
        (folder / name).unlink()
    wrong = problems(folder, manifest)
    if wrong:
        shutil.rmtree(folder)
        raise ModelError(f"{manifest.hub_id} was downloaded damaged: {'; '.join(wrong)}")
    manifest.write(folder)


def _reason(error: BaseException, hub_id: str, revision: str) -> str:
    """One line for what modelscope's client raised."""
    from modelscope_hub.errors import AuthenticationError, NetworkError, NotExistError, PermissionDeniedError

    if isinstance(error, NotExistError):
        return f"the hub has no model {hub_id} at revision {revision}"
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return f"the hub refuses {hub_id}; for a private model set MODELSCOPE_API_TOKEN"
    if isinstance(error, NetworkError):
        return f"the hub cannot be reached for {hub_id}; without network use a kit: tingshuo models import"
    first = next(iter(str(error).splitlines()), "")
    return f"{hub_id} cannot be pulled: {type(error).__name__}: {first}"
