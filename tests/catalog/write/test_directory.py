"""Files are written all or not at all, and over nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudact.catalog.write.directory import add_files, check_vacant, write_directory
from cloudact.errors import OutputRefused

FILES = {"config.yml": "größe\n", "schemas/a.json": "[]\n", "views/deep/b.sql": "SELECT 1\n"}


def texts(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


@pytest.mark.parametrize("exists", [True, False])
def test_a_directory_that_is_empty_or_not_there_gets_every_file(tmp_path: Path, *, exists: bool) -> None:
    out = tmp_path / "some" / "out"
    if exists:
        out.mkdir(parents=True)
    write_directory(out, FILES)
    assert texts(out) == FILES
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert oct(out.stat().st_mode) == oct(tmp_path.joinpath("some").stat().st_mode)


def test_the_current_directory_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputRefused, match="in use"):
        write_directory(Path(), FILES)
    assert [*tmp_path.iterdir()] == []


def test_a_link_to_an_empty_directory_is_followed_and_one_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    write_directory(tmp_path / "link", FILES)
    assert texts(tmp_path / "real") == FILES
    with pytest.raises(OutputRefused, match="not a directory"):
        check_vacant(tmp_path / "dangling")


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"

    def taken(_file: int) -> None:
        out.mkdir(exist_ok=True)
        (out / "mine").write_text("mine")

    monkeypatch.setattr(os, "fsync", taken)
    with pytest.raises(OutputRefused):
        write_directory(out, FILES)
    assert texts(tmp_path) == {"out/mine": "mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def full(file: int) -> None:
        written.append(file)
        if len(written) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputRefused, match="No space left"):
        write_directory(tmp_path / "deep" / "out", FILES)
    assert [*tmp_path.iterdir()] == []
    written.clear()
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputRefused, match="No space left"):
        add_files(tmp_path / "there", FILES)
    assert [*(tmp_path / "there").iterdir()] == []


def test_what_somebody_else_puts_there_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        (tmp_path / "schemas").mkdir(exist_ok=True)
        (tmp_path / "schemas" / "mine").write_text("mine")
        if (tmp_path / "views").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    files = {"schemas/a.json": "[]\n", "views/b.sql": "SELECT 1\n"}
    with pytest.raises(OutputRefused, match="No space left"):
        add_files(tmp_path, files)
    assert texts(tmp_path) == {"schemas/mine": "mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["schemas"]


def test_a_place_where_nothing_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputRefused, match="Not a directory"):
        write_directory(tmp_path / "file" / "out", FILES)
    assert texts(tmp_path) == {"file": "mine"}


@pytest.mark.parametrize("path", ["../a", "/a", "b/../../a", ""])
def test_no_path_leads_out_of_the_directory(tmp_path: Path, path: str) -> None:
    with pytest.raises(OutputRefused, match="not a path within"):
        write_directory(tmp_path / "out", {path: "x"})
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
def test_a_kill_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Killed at each file in turn, the directory is not there; not killed, it is whole."""
    script = (
        "import os, sys, pathlib\n"
        "from cloudact.catalog.write.directory import write_directory\n"
        "left, real = [int(sys.argv[2])], os.fsync\n"
        "def fsync(file):\n"
        "    left[0] -= 1\n"
        "    os.kill(os.getpid(), 9) if left[0] < 0 else real(file)\n"
        "os.fsync = fsync\n"
        f"write_directory(pathlib.Path(sys.argv[1]), {FILES!r})\n"
    )
    for number in range(len(FILES) + 1):
        out = tmp_path / f"out{number}"
        done = subprocess.run([sys.executable, "-c", script, str(out), str(number)], check=False)
        assert done.returncode == (-signal.SIGKILL if number < len(FILES) else 0)
        assert texts(out) == ({} if number < len(FILES) else FILES)
        assert out.exists() is (number == len(FILES))
