"""Pages in a directory: what is written, and what is never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.dictionary.files import compare, write
from cloudact.dictionary.pages import MARKER
from cloudact.errors import OutputRefused

PAGES = {"README.md": f"{MARKER}\n\n# Index\n", "a.md": f"{MARKER}\n\n# A\n"}


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(directory.iterdir())}


def test_a_directory_is_made_and_then_current(tmp_path: Path) -> None:
    out = tmp_path / "docs" / "catalog"
    assert compare(PAGES, out).missing == ("README.md", "a.md")
    assert write(PAGES, out).missing == ("README.md", "a.md")
    assert contents(out) == PAGES
    assert compare(PAGES, out).is_current


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    write(PAGES, tmp_path)
    (tmp_path / "a.md").write_text(f"{MARKER}\nolder", encoding="utf-8")
    before = (tmp_path / "README.md").stat().st_mtime_ns
    assert write(PAGES, tmp_path).stale == ("a.md",)
    assert contents(tmp_path) == PAGES
    assert (tmp_path / "README.md").stat().st_mtime_ns == before


def test_a_stale_page_is_replaced_whole_and_not_written_over(tmp_path: Path) -> None:
    older = f"{MARKER}\nolder"
    (tmp_path / "a.md").write_text(older, encoding="utf-8")
    (tmp_path / "same file").hardlink_to(tmp_path / "a.md")
    write(PAGES, tmp_path)
    assert contents(tmp_path) == {**PAGES, "same file": older}


def test_a_page_of_what_vanished_is_named_and_stays(tmp_path: Path) -> None:
    write({**PAGES, "gone.md": f"{MARKER}\n"}, tmp_path)
    differing = write(PAGES, tmp_path)
    assert (differing.vanished, differing.is_current) == (("gone.md",), False)
    assert (tmp_path / "gone.md").exists()


def test_a_file_that_somebody_wrote_is_never_replaced_and_then_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Mine\n", encoding="utf-8")
    for act in (compare, write):
        with pytest.raises(OutputRefused, match=r"did not write: a\.md"):
            act(PAGES, tmp_path)
    assert contents(tmp_path) == {"a.md": "# Mine\n"}


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89")
    assert write(PAGES, tmp_path).vanished == ()
    assert {path.name for path in tmp_path.iterdir()} == {*PAGES, "notes.md", "picture.png"}


def test_a_checkout_with_other_line_ends_is_still_our_page(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(f"{MARKER}\r\nold".encode())
    assert compare(PAGES, tmp_path).stale == ("a.md",)


def test_a_checkout_with_other_line_ends_is_current(tmp_path: Path) -> None:
    for name, content in PAGES.items():
        (tmp_path / name).write_bytes(content.replace("\n", "\r\n").encode())
    assert write(PAGES, tmp_path).is_current
    assert b"\r\n" in (tmp_path / "a.md").read_bytes()


def test_directories_and_dead_links_that_look_like_pages_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "link.md").symlink_to(tmp_path / "nowhere.md")
    assert write(PAGES, tmp_path).vanished == ()
    assert {path.name for path in tmp_path.iterdir()} == {*PAGES, "folder.md", "link.md"}


def test_a_dead_link_in_the_place_of_a_page_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to(tmp_path / "nowhere.md")
    with pytest.raises(OutputRefused, match=r"a\.md cannot be read"):
        write(PAGES, tmp_path)
    assert (tmp_path / "a.md").is_symlink()


def test_a_file_in_the_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x", encoding="utf-8")
    with pytest.raises(OutputRefused, match="is not a directory"):
        write(PAGES, path)


def test_a_page_in_the_way_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.md").mkdir()
    with pytest.raises(OutputRefused, match=r"a\.md cannot be read"):
        write(PAGES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
