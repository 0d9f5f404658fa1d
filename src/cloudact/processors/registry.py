"""Every processor by its `ps_type`: those that ship, and those that installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cloudact.errors import ConfigurationError
from cloudact.pipeline.processor import Processor
from cloudact.processors.setup.initial.onetime_bootstrap_processor import OnetimeBootstrapProcessor
from cloudact.processors.setup.organizations.bootstrap_processor import BootstrapProcessor
from cloudact.processors.setup.organizations.dryrun_processor import DryRunProcessor
from cloudact.processors.setup.organizations.onboarding_processor import OnboardingProcessor
from cloudact.processors.setup.organizations.sync_processor import SyncProcessor
from cloudact.processors.use_cases import Dependencies

GROUP = "cloudact.processors"
Factory = Callable[[Dependencies], Processor[Any]]

SHIPPED: Mapping[str, Factory] = {
    "setup.initial.onetime_bootstrap": OnetimeBootstrapProcessor,
    "setup.organizations.bootstrap": BootstrapProcessor,
    "setup.organizations.dryrun": DryRunProcessor,
    "setup.organizations.onboarding": OnboardingProcessor,
    "setup.organizations.sync": SyncProcessor,
}


def load_processors(dependencies: Dependencies) -> dict[str, Processor[Any]]:
    """Return every processor by `ps_type`; raises ConfigurationError naming an installed one that cannot be used.

    An installed package adds one with an entry point of the group `cloudact.processors`: its name is the `ps_type`,
    its object takes `Dependencies` and returns the processor.
    """
    shipped = {ps_type: factory(dependencies) for ps_type, factory in SHIPPED.items()}
    return {**shipped, **_installed(entry_points(group=GROUP), dependencies)}


def _installed(found: Iterable[EntryPoint], dependencies: Dependencies) -> dict[str, Processor[Any]]:
    processors: dict[str, Processor[Any]] = {}
    for entry in found:
        if entry.name in SHIPPED or entry.name in processors:
            raise _unusable(entry, "its ps_type is taken", "Give it a name of its own, such as company.subject.action.")
        try:
            processor = entry.load()(dependencies)
        except Exception as error:
            # Whatever a stranger's module raises, the message has to name the package.
            cause = f"{type(error).__name__}: {error}"
            raise _unusable(entry, cause, "Mend the package that declares it, or uninstall it.") from error
        lacking = [name for name in ("ps_type", "config", "plan", "run") if not hasattr(processor, name)]
        if lacking or processor.ps_type != entry.name:
            what = f"it has no {', '.join(lacking)}" if lacking else f"its ps_type is {processor.ps_type}"
            raise _unusable(entry, what, "docs/processors.md says what a processor is; the names have to agree.")
        processors[entry.name] = processor
    return processors


def _unusable(entry: EntryPoint, what: str, fix: str) -> ConfigurationError:
    package = entry.dist.name if entry.dist else "an installed package"
    return ConfigurationError(f"processor {entry.name} of {package} ({entry.value}) cannot be used: {what}", hint=fix)
