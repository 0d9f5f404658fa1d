"""Errors of what the process is started with, and of the catalog that it is given."""

from __future__ import annotations

from collections.abc import Sequence

from cloudact.errors.root import CloudactError, Problem


class ConfigurationError(CloudactError):
    """A setting is missing, malformed or unsafe for the environment."""

    code = "configuration_invalid"


class CatalogError(CloudactError):
    """The declared catalog cannot be used; `problems` lists everything found, not the first thing."""

    code = "catalog_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        head = f"the catalog has {count} problem{'s' if count != 1 else ''}; nothing was changed"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))
        self.hint = "Mend the files named above; `cloudact catalog lint` checks them without a warehouse."
        if all(problem.code == "CA001" and problem.where.endswith(".yml") for problem in self.problems):
            self.hint = "Is CA_CONFIG_DIR the catalog's directory? `cloudact init` makes a new one."


class NotDeclarable(CloudactError):
    """A live dataset has parts that no catalog can declare; `problems` names each."""

    code = "not_declarable"

    def __init__(self, dataset: str, problems: Sequence[Problem]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"Dataset {dataset} has what the catalog has no place for:\n{listed}",
            hint="Change each as it says, or leave out whatever can be left out, with --skip-unsupported or "
            "skip_unsupported=true; the warehouse keeps it.",
        )
        self.problems = tuple(problems)


class OutputRefused(CloudactError):
    """Files cannot be written where they were asked for; nothing was written."""

    code = "output_refused"
