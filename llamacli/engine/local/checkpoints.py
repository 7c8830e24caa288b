"""The quantized copies of models: keyed, made in one piece, listed and removable, without importing torch.

Quantizing 16 GB takes half a minute at each start; reading the 6 GB that come out of it takes a second or two.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from llamacli.engine.local.disk import stored_bytes
from llamacli.placement import RolePlacement

LIBRARIES = ("transformers", "bitsandbytes", "torch")
"""What the form of the copies depends on, up to the minor version."""
SPARE_BYTES = 1_000_000_000
"""What a copy has to leave of a disk."""

_ABOUT = "copy.json"  # written last: without it a copy does not count
_PARTIAL = re.compile(r".+\.(\d+)\.partial")


@dataclass(frozen=True, slots=True)
class About:
    """What a copy was made of."""

    model: str
    revision: str
    quantization: str
    dtype: str

    @property
    def key(self) -> str:
        """The name of the copy's directory, readable and unlike that of any other copy."""
        name = re.sub(r"[^\w.-]", "-", self.model.strip("/").replace("/", "--"))[-60:]
        libraries = "-".join(library + ".".join(version(library).split(".")[:2]) for library in LIBRARIES)
        return f"{name}@{self.revision}-{self.quantization}-{self.dtype}-{libraries}"


@dataclass(frozen=True, slots=True)
class Copy:
    """A complete copy on disk."""

    about: About
    path: Path

    @property
    def id(self) -> str:
        """Its name in lists."""
        return self.path.name

    @property
    def bytes(self) -> int:
        """Its size on disk."""
        return stored_bytes(self.path)

    def remove(self) -> None:
        """Delete it. A process that has read it is not disturbed."""
        shutil.rmtree(self.path)


class NoRoom(Exception):
    """The disk is too full for a copy."""

    def __init__(self, needed: int, free: int) -> None:
        super().__init__(needed, free)
        self.needed, self.free = needed, free


def about(directory: Path, place: RolePlacement) -> About:
    """What a copy of the model in `directory`, quantized as placed, would be made of.

    A snapshot of the hub is known by its commit, any other directory by where it is, its configuration and the sizes
    and times of its files.
    """
    if directory.parent.name == "snapshots":
        repository = directory.parent.parent.name.removeprefix("models--").replace("--", "/")
        return About(repository, directory.name[:12], place.quantization, place.dtype)
    path = directory.resolve()
    state = hashlib.sha256(str(path).encode() + (path / "config.json").read_bytes())
    for file in sorted(path.glob("*.safetensors*")):
        facts = file.stat()
        state.update(f"{file.name} {facts.st_size} {facts.st_mtime_ns}".encode())
    return About(str(path), state.hexdigest()[:12], place.quantization, place.dtype)


def find(cache_dir: Path, made_of: About) -> Copy | None:
    """The complete copy, or None."""
    path = _root(cache_dir) / made_of.key
    return Copy(made_of, path) if (path / _ABOUT).is_file() else None


def copies(cache_dir: Path) -> Iterator[Copy]:
    """All complete copies, by name."""
    for file in sorted(_root(cache_dir).glob(f"*/{_ABOUT}")):
        if not _PARTIAL.fullmatch(file.parent.name):
            with suppress(OSError, ValueError, TypeError):  # not ours, or just being deleted
                yield Copy(About(**json.loads(file.read_text(encoding="utf-8"))), file.parent)


def save(cache_dir: Path, made_of: About, size: int, write: Callable[[Path], None]) -> None:
    """Let `write` fill a directory with about `size` bytes, and make it the copy.

    It is written beside and renamed, so that a process that is killed leaves a part that counts for nothing and that
    the next one deletes. Raises NoRoom, or OSError where the disk cannot be written.
    """
    root = _root(cache_dir)
    root.mkdir(parents=True, exist_ok=True)
    clean(cache_dir)
    free = shutil.disk_usage(root).free
    if free - size < SPARE_BYTES:
        raise NoRoom(size, free)
    partial = root / f"{made_of.key}.{os.getpid()}.partial"
    try:
        partial.mkdir()
        write(partial)
        (partial / _ABOUT).write_text(json.dumps(asdict(made_of)), encoding="utf-8")
        _flush(partial)
        with suppress(FileExistsError):
            _rename(partial, root / made_of.key)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def clean(cache_dir: Path) -> None:
    """Delete the parts that dead processes left."""
    for path in _root(cache_dir).glob("*.partial"):
        match = _PARTIAL.fullmatch(path.name)
        if match and not _is_alive(int(match[1]), path):
            shutil.rmtree(path, ignore_errors=True)


def _root(cache_dir: Path) -> Path:
    return cache_dir / "checkpoints"


def _is_alive(process: int, path: Path) -> bool:
    """Whether the process that made the directory still runs; one that is younger only has its number."""
    try:
        return bool(psutil.Process(process).create_time() <= path.stat().st_mtime + 1)
    except (psutil.Error, OSError):
        return False


def _flush(directory: Path) -> None:
    """Have the files on the disk before they are named: a crash of the machine must not leave them empty."""
    for file in directory.iterdir():
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())


def _rename(partial: Path, path: Path) -> None:
    try:
        partial.rename(path)
    except OSError as error:  # some other process was faster: which error it is depends on the system
        if not (path / _ABOUT).is_file():
            raise
        raise FileExistsError(path) from error
