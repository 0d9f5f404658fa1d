"""The pipeline files of the catalog's directory: by their path, by the id they give themselves, and all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cloudact.catalog.folder import content_of, text_of
from cloudact.catalog.problems import Problems, some_of
from cloudact.catalog.yaml_file import parse_yaml
from cloudact.errors import InvalidRequest, PipelineInvalid, Problem
from cloudact.pipeline.load import Processors, load_pipeline
from cloudact.pipeline.processor import JSON

_CALLED = ("id", "name", "description")
_SUFFIXES = (".yml", ".yaml")
# The first key of a file in the usual form; YAML that is written as JSON is no pipeline of a catalog.
_PIPELINE = re.compile(rb"""^(?:\xef\xbb\xbf)?(["']?)pipeline\1[ \t]*:""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DeclaredStep:
    """A step as its file declares it."""

    step_id: str
    name: str
    ps_type: str


@dataclass(frozen=True, slots=True)
class DeclaredPipeline:
    """A pipeline file; one with problems cannot be run, and shows no more than its id and name, as far as it has them.

    `file` is its path in the catalog's directory; `variables` are their values without run parameters and secrets.
    """

    id: str
    name: str
    description: str
    file: str
    organizations: bool
    variables: Mapping[str, JSON]
    steps: list[DeclaredStep]
    problems: list[Problem]


def names_a_file(name: str) -> bool:
    """Tell whether a name is the path of a file, and not the id of a pipeline."""
    return "/" in name or name.endswith(_SUFFIXES)


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """The files within a directory whose top key is `pipeline`."""

    root: Path

    def named(self, name: str) -> Path:
        """Return the file of a path relative to the directory, or of a pipeline's id.

        Raises InvalidRequest for a path outside the directory, and for an id that no file has, or more than one.
        """
        return self._at(name) if names_a_file(name) else self._of(name)

    def listed(self, processors: Processors) -> list[DeclaredPipeline]:
        """Return every pipeline of the directory with its problems, by path."""
        found = [self._declared(path, processors) for path in self._paths()]
        return [self._with_twins(pipeline, found) for pipeline in found]

    def _at(self, name: str) -> Path:
        root = self.root.resolve()
        try:
            path = (root / name).resolve()
            inside = path.is_relative_to(root) and path.suffix in _SUFFIXES and path.is_file()
        except (OSError, ValueError):  # such as a name with a NUL, or one that is too long
            path, inside = root, False
        if not inside:
            what, fix = "is not a .yml file of the catalog's directory", "write its path there, such as setup/NAME.yml"
            raise _refused(f"{name!r} {what}", fix)
        return self.root / path.relative_to(root)

    def _of(self, pipeline_id: str) -> Path:
        ids = {path: _header(path)["id"] for path in self._paths()}
        found = [path for path, known in ids.items() if known == pipeline_id]
        if not found:
            known = sorted({known for known in ids.values() if known})
            fix = f"name one of {some_of(known)}" if known else "it has none with an id"
            raise _refused(f"{pipeline_id!r} is not the id of a pipeline in the catalog's directory", fix)
        if len(found) > 1:
            files = ", ".join(map(self._name, found))
            raise _refused(f"{pipeline_id!r} is the id of {len(found)} pipelines", f"write a path: {files}")
        return found[0]

    def _paths(self) -> Iterator[Path]:
        root = self.root.resolve()
        for path in sorted(self.root.rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file() and path.resolve().is_relative_to(root):
                content = content_of(path)
                if isinstance(content, bytes) and _PIPELINE.search(content):
                    yield path

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _declared(self, path: Path, processors: Processors) -> DeclaredPipeline:
        file = self._name(path)
        try:
            pipeline = load_pipeline(path, processors)
        except PipelineInvalid as error:
            problems = [replace(problem, where=file) for problem in error.problems]
            return DeclaredPipeline(
                **_header(path), file=file, organizations=False, variables={}, steps=[], problems=problems
            )
        return DeclaredPipeline(
            id=pipeline.pipeline_id,
            name=pipeline.name,
            description=pipeline.description,
            file=file,
            organizations=pipeline.organizations,
            variables=pipeline.redaction().mapping(pipeline.variables),
            steps=[DeclaredStep(step.step_id, step.name, step.ps_type) for step in pipeline.in_order()],
            problems=[],
        )

    def _with_twins(self, pipeline: DeclaredPipeline, found: list[DeclaredPipeline]) -> DeclaredPipeline:
        twins = [other.file for other in found if other.id == pipeline.id and other.file != pipeline.file]
        if not pipeline.id or not twins:
            return pipeline
        what = f"is {pipeline.id}, as in {', '.join(twins)}"
        twice = Problem(pipeline.file, "pipeline.id", what, "give each an id of its own, or run it by its path")
        return replace(pipeline, problems=[*pipeline.problems, twice])


def _header(path: Path) -> dict[str, str]:
    """Return what a file, valid or not, is called: empty texts where it does not say."""
    text = text_of(content_of(path), Problems(), absent="")
    document = parse_yaml(text, Problems()) if text is not None else None
    header = document.get("pipeline") if isinstance(document, Mapping) else None
    said = {name: header.get(name) if isinstance(header, Mapping) else None for name in _CALLED}
    return {name: value if isinstance(value, str) else "" for name, value in said.items()}


def _refused(what: str, fix: str) -> InvalidRequest:
    problem = Problem("request", "pipeline", what, fix)
    return InvalidRequest(f"pipeline {problem.message}", problems=[problem])
