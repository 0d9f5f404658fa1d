"""Reading a pipeline file: checked whole before anything runs, every problem in one report with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from typing import Any

from cloudact.catalog.folder import content_of, text_of
from cloudact.catalog.problems import Code, Problems, some_of
from cloudact.catalog.yaml_file import Place, line_of, parse_yaml, validate
from cloudact.errors import PipelineInvalid
from cloudact.pipeline.definition import HeaderFile, Pipeline, PipelineFile, Retry, Step, StepFile, execution_order
from cloudact.pipeline.processor import JSON, Processor
from cloudact.pipeline.variables import Unresolvable, known, parse_parameter, plain, refers, resolve

Processors = Mapping[str, Processor[Any]]
RUN_PARAMETERS = "run parameters"
_TEXT = "pipeline"
_UNREADABLE = ""


def load_pipeline(source: Path | str, processors: Processors, parameters: Mapping[str, str] | None = None) -> Pipeline:
    """Return the pipeline of a file, or of a file's text, with run parameters in place of its variables' values.

    Raises PipelineInvalid naming every problem; nothing has run then.
    """
    problems = Problems(str(source) if isinstance(source, Path) else _TEXT)
    if isinstance(source, Path):
        text = text_of(content_of(source), problems, absent="name a pipeline file, such as configs/setup/NAME.yml")
    else:
        text = source
    pipeline = _parse(text, processors, parameters or {}, problems) if text is not None else None
    if pipeline is None or problems.found:
        raise PipelineInvalid(problems.found)
    return pipeline


def _parse(text: str, processors: Processors, parameters: Mapping[str, str], problems: Problems) -> Pipeline | None:
    document = parse_yaml(text, problems)
    if document is None:
        if not problems.found:
            problems.add("", "is empty", "declare at least `pipeline` and `steps`", code=Code.EMPTY_FILE)
        return None
    check = _Check(document, problems)
    file = validate(PipelineFile, document, problems, page="docs/pipelines.md")
    if file is None:
        file = _readable(document)
    elif not file.steps:
        check.add(("steps",), "is empty", "declare at least one step")
    variables = check.variables(file.variables, parameters)
    check.order(file.steps)
    steps = [check.step(index, file.steps, processors, variables) for index in range(len(file.steps))]
    return Pipeline(
        pipeline_id=file.pipeline.id,
        name=file.pipeline.name,
        steps=tuple(step for step in steps if step is not None),
        variables=variables,
        description=file.pipeline.description,
        organizations=file.pipeline.organizations,
    )


def _readable(document: Any) -> PipelineFile:
    """Return what can be read of a file with mistakes in it, so that one report has what else is wrong."""
    parts = document if isinstance(document, Mapping) else {}
    variables, entries = parts.get("variables"), parts.get("steps")
    return PipelineFile.model_construct(
        pipeline=HeaderFile.model_construct(id="", name=""),
        variables=variables if isinstance(variables, Mapping) else {},
        steps=tuple(map(_readable_step, count(), entries)) if isinstance(entries, list) else (),
    )


def _readable_step(index: int, entry: Any) -> StepFile:
    parts = entry if isinstance(entry, Mapping) else {}
    step_id, ps_type = parts.get("step_id"), parts.get("ps_type")
    config, depends_on = parts.get("config"), parts.get("depends_on")
    return StepFile.model_construct(
        # No step can have this id, so that nothing is found to be twice that is not there once.
        step_id=step_id if isinstance(step_id, str) else f"step {index}",
        ps_type=ps_type if isinstance(ps_type, str) else _UNREADABLE,
        config=config if isinstance(config, Mapping) else {},
        depends_on=tuple(map(str, depends_on)) if isinstance(depends_on, list) else None,
    )


def _after(index: int, steps: Sequence[StepFile]) -> tuple[str, ...]:
    depends_on = steps[index].depends_on
    if depends_on is not None:
        return depends_on
    return (steps[index - 1].step_id,) if index else ()


@dataclass(frozen=True, slots=True)
class _Check:
    """What a file has to be beyond YAML, reported at the lines of its document."""

    document: Any
    problems: Problems

    def add(self, path: Place, what: str, fix: str) -> None:
        """Report one problem of one part of the file."""
        line = line_of(self.document, path)
        self.problems.add(".".join(map(str, path)), what, fix, code=Code.INVALID_ENTRY, line=line)

    def variables(self, declared: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, JSON]:
        """Return the value of every declared variable; a run parameter stands above the file's own value."""
        values = {name: plain(value) for name, value in declared.items()}
        for name, value in values.items():
            if any(refers(text) for text in _texts(value)):
                fix = "write its value out; only the `config` of a step refers to variables"
                self.add(("variables", name), "refers to a variable", fix)
        where = self.problems.at(RUN_PARAMETERS)
        for name, text in parameters.items():
            if name not in values:
                fix = f"name a variable of the file: {known(values)}"
                where.add(name, "is not a variable of the pipeline", fix, code=Code.INVALID_ENTRY)
                continue
            try:
                values[name] = parse_parameter(text, values[name])
            except ValueError as error:
                fix = "its type is that of the value in the file"
                where.add(name, str(error), fix, code=Code.INVALID_ENTRY)
        return values

    def order(self, steps: Sequence[StepFile]) -> None:
        """Report steps of one name, and dependencies that nothing can satisfy."""
        names = [step.step_id for step in steps]
        for index, step in enumerate(steps):
            if step.step_id in names[:index]:
                first = line_of(self.document, ("steps", names.index(step.step_id), "step_id"))
                what = f"is {step.step_id}, as in line {first}"
                self.add(("steps", index, "step_id"), what, "give each step an id of its own")
            for place, name in enumerate(step.depends_on or ()):
                if name not in names:
                    fix = f"{_meant(name, names)}name steps of this file: {some_of(names)}"
                    self.add(("steps", index, "depends_on", place), f"is {name}, which is not a step", fix)
        if len(set(names)) == len(names):
            _, cycle = execution_order({name: _after(index, steps) for index, name in enumerate(names)})
            if cycle:
                what = f"goes round in a circle: {' after '.join([*cycle, cycle[0]])}"
                index = names.index(cycle[0])
                path: Place = ("steps", index, "depends_on") if steps[index].depends_on else ("steps", index)
                self.add(path, what, "take one of these dependencies out")

    def step(
        self, index: int, steps: Sequence[StepFile], processors: Processors, variables: Mapping[str, JSON]
    ) -> Step | None:
        """Return the step with its configuration checked, or None after reporting what is wrong with it."""
        step = steps[index]
        processor = processors.get(step.ps_type)
        if processor is None and step.ps_type != _UNREADABLE:
            what = f"is {step.ps_type}, which is not a known processor"
            fix = f"{_meant(step.ps_type, processors)}known are {', '.join(sorted(processors)) or 'none'}"
            self.add(("steps", index, "ps_type"), what, fix)
        before = len(self.problems.found)
        path: Place = ("steps", index, "config")
        resolved = self._resolved(step.config, path, variables)
        if processor is None or len(self.problems.found) > before:
            return None
        config = validate(
            processor.config, resolved, self.problems, page="docs/processors.md", document=self.document, at=path
        )
        if config is None:
            return None
        return Step(
            step_id=step.step_id,
            name=step.name or step.step_id,
            processor=processor,
            config=config,
            index=index,
            after=_after(index, steps),
            depends_on=step.depends_on or (),
            timeout=step.timeout,
            retry=Retry(**step.retry.model_dump()),
            on_failure=step.on_failure,
        )

    def _resolved(self, value: object, path: Place, variables: Mapping[str, JSON]) -> JSON:
        match value:
            case str():
                try:
                    return resolve(value, variables)
                except Unresolvable as error:
                    self.add(path, error.what, error.fix)
                    return None
            case Mapping():
                return {str(name): self._resolved(item, (*path, name), variables) for name, item in value.items()}
            case list():
                return [self._resolved(item, (*path, place), variables) for place, item in enumerate(value)]
            case _:
                return plain(value)


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}? " if close else ""


def _texts(value: JSON) -> list[str]:
    match value:
        case str():
            return [value]
        case list() | tuple():
            return [text for item in value for text in _texts(item)]
        case Mapping():
            return [text for item in value.values() for text in _texts(item)]
        case _:
            return []
