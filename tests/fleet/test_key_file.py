"""The file that keys go to: who reads it, and what is left of it after a kill."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudact.errors import InvalidRequest
from cloudact.fleet.onboarding.key_file import HELD, opened

ONE = '{"org_slug": "one", "api_key": "one_api_x"}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


def beside(path: Path) -> Path:
    return path.with_name(f"{path.name}{HELD}")


def test_only_its_owner_reads_it(path: Path) -> None:
    old = os.umask(0)
    try:
        with opened(path) as keys:
            keys.hold({"one": "one_api_x"})
            assert [file.stat().st_mode & 0o777 for file in (path, beside(path))] == [0o600, 0o600]
            keys.keep({"one": "one_api_x"})
            keys.release()
    finally:
        os.umask(old)
    assert path.read_text() == ONE
    assert not beside(path).exists()


def test_what_is_held_is_told_to_the_next_run_unless_it_was_kept(path: Path) -> None:
    with opened(path) as keys:
        keys.hold({"one": "one_api_x", "two": "two_api_x"})
        keys.keep({"one": "one_api_x"})
    with opened(path) as keys:
        assert keys.held() == {"two": "two_api_x"}
        assert keys.slugs == {"one"}


def test_what_is_held_may_be_cut_off(path: Path) -> None:
    beside(path).write_text(ONE + ONE[:9])
    with opened(path) as keys:
        assert keys.held() == {"one": "one_api_x"}


def test_a_line_that_was_cut_off_while_it_was_held_is_written_again(path: Path) -> None:
    path.write_text(ONE[:20])
    path.chmod(0o600)
    beside(path).write_text(ONE)
    with opened(path) as keys:
        keys.keep(keys.held())
    assert path.read_text() == ONE


@pytest.mark.parametrize(
    ("content", "what"),
    [(ONE[:20], "cut off"), ("text\n", "something else"), ("[]\n", "something else"), ('{"a": 1}\n', "something else")],
)
def test_a_file_of_something_else_is_left_alone(path: Path, content: str, what: str) -> None:
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InvalidRequest, match=what), opened(path):
        pass
    assert path.read_text() == content


def test_a_file_that_others_read_is_refused(path: Path) -> None:
    path.write_text("")
    path.chmod(0o644)
    with pytest.raises(InvalidRequest, match="mode 644"), opened(path):
        pass


def test_a_disk_that_takes_no_more_is_told(path: Path) -> None:
    with opened(path) as keys:
        beside(path).mkdir()
        with pytest.raises(InvalidRequest, match="cannot be used"):
            keys.hold({"one": "one_api_x"})


def test_two_runs_do_not_share_a_file(path: Path) -> None:
    with opened(path), pytest.raises(InvalidRequest, match="in use"), opened(path):
        pass


def test_a_link_a_device_and_a_folder_are_no_files_for_keys(path: Path) -> None:
    path.symlink_to("elsewhere")
    for where in (path, Path("/dev/null"), path.parent, path.parent / "no" / "keys"):
        with pytest.raises(InvalidRequest), opened(where):
            pass


@contextmanager
def full_disk(after: int) -> Iterator[None]:
    """Let no file become longer than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_key_that_cannot_be_written_once_it_is_committed_is_still_held(path: Path) -> None:
    with opened(path) as keys:
        keys.hold({"one": "one_api_x"})
        with full_disk(9), pytest.raises(InvalidRequest, match="cannot be used: File too large") as refused:
            keys.keep({"one": "one_api_x"})
    assert "run it again with the same files" in refused.value.hint
    assert path.read_text() == ONE[:9]
    with opened(path) as keys:
        keys.keep(keys.held())
    assert path.read_text() == ONE


def test_a_key_that_cannot_be_held_is_not_committed(path: Path) -> None:
    with opened(path) as keys, full_disk(9), pytest.raises(InvalidRequest, match="cannot be used"):
        keys.hold({"one": "one_api_x"})


@pytest.mark.parametrize("what", ["text", "link", "folder"])
def test_what_is_in_the_place_of_held_keys_is_left_alone(path: Path, what: str) -> None:
    other = path.with_name("other")
    other.write_text("text\n")
    match what:
        case "text":
            beside(path).write_text("text\n")
        case "link":
            beside(path).symlink_to(other)
        case "folder":
            beside(path).mkdir()
    with opened(path) as keys, pytest.raises(InvalidRequest, match=r"uncommitted .*(something|link|regular)"):
        keys.held()
    assert beside(path).exists()
    assert other.read_text() == "text\n"
