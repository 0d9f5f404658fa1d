"""Everything that is declared in files, checked together: the catalog and the plans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.template import EMBEDDED, Catalog, Engine
from cloudact.errors import CatalogError, Problem
from cloudact.tenancy.plans import SubscriptionPlan, load_plans


class Declarations:
    """The declarations in a directory, as its files stand at each call and as the warehouse's engine needs them."""

    def __init__(self, root: Path, engine: Engine = EMBEDDED) -> None:
        self.root = root
        self._catalogs = CatalogSource(root, engine)

    def load(self) -> Catalog:
        """Return the catalog; raises CatalogError naming every problem in any file, `plans.yml` included."""
        problems: list[Problem] = []
        catalog: Catalog | None = None
        try:
            catalog = self._catalogs.load()
        except CatalogError as error:
            problems += error.problems
        try:
            self.plans()
        except CatalogError as error:
            problems += error.problems
        if catalog is None or problems:
            raise CatalogError(problems)
        return catalog

    def plans(self) -> Mapping[str, SubscriptionPlan]:
        """Return the subscription plans by name; raises CatalogError naming every problem of the file."""
        return load_plans(self.root)

    def pinned(self) -> Declarations:
        """Return the declarations as they are now, whatever becomes of the files; raises as `load` does."""
        return _Pinned(self.root, self.load(), self.plans())


class _Pinned(Declarations):
    """What was declared at one moment."""

    def __init__(self, root: Path, catalog: Catalog, plans: Mapping[str, SubscriptionPlan]) -> None:
        super().__init__(root)
        self._catalog = catalog
        self._plans = plans

    def load(self) -> Catalog:
        """See `Declarations.load`."""
        return self._catalog

    def plans(self) -> Mapping[str, SubscriptionPlan]:
        """See `Declarations.plans`."""
        return self._plans
