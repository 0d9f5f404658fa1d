"""Scripts: statements one after the other, alone or in a transaction, each in the engine's own transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql import dml
from tests.bigquery_fake.sql.concurrency import Access
from tests.bigquery_fake.sql.ddl import Ddl, Done
from tests.bigquery_fake.sql.queries import Result, describe, select
from tests.bigquery_fake.sql.row_store import run
from tests.bigquery_fake.sql.session import Session, cte_names, is_cte
from tests.bigquery_fake.sql.statements import parse, parse_query, split, syntax_error, words
from tests.bigquery_fake.tables import Tables

MAX_TEXT = 1 << 20  # rule 8, as are the next two
MAX_PARAMETERS = 10_000
MAX_TABLES = 1_000
_CONTROL = {"BEGIN": "BEGIN_TRANSACTION", "COMMIT": "COMMIT_TRANSACTION", "ROLLBACK": "ROLLBACK_TRANSACTION"}
_DML = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_DDL = (exp.Create, exp.Alter, exp.Drop)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement of a script: its text and type, and its tree unless it only controls the script."""

    text: str
    kind: str
    tree: exp.Expr | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did."""

    step: Step
    result: Result | None = None
    affected: dml.Affected | None = None
    done: Done | None = None


class Script:
    """The statements of one job."""

    def __init__(self, session: Session, tables: Tables, limits: Limits, text: str) -> None:
        if len(text.encode()) > MAX_TEXT or len(session.parameters) > MAX_PARAMETERS:
            raise invalid_query(
                f"The query is longer than {MAX_TEXT} bytes or has over {MAX_PARAMETERS} parameters (rule 8)"
            )
        self._session = session
        self._limits = limits
        self._ddl = Ddl(session, tables, limits)
        self.steps = [_step(part) for part in split(text)]
        self.outcomes: list[Outcome] = []
        if not self.steps:
            raise syntax_error("Unexpected end of statement at [1:1]")
        session.billed = any(_reads_tables(step.tree) for step in self.steps)

    @property
    def kind(self) -> str:
        """The type of the statement, SCRIPT for several."""
        return self.steps[0].kind if len(self.steps) == 1 else "SCRIPT"

    def plan(self) -> list[Resource]:
        """Check the statements as a dry run does, and return the columns of a query."""
        self._session.planning = True
        fields: list[Resource] = []
        for step in self.steps:
            if isinstance(step.tree, exp.Query):
                fields = describe(self._session, step.tree.copy())
            elif isinstance(step.tree, _DML):
                dml.target(self._session, step.tree)
                self._session.tables_in(step.tree)
        return fields

    def run(self) -> None:
        """Run the statements in order; `outcomes` has those that were done, also when one raises."""
        steps = iter(self.steps)
        for step in steps:
            if step.kind == "BEGIN_TRANSACTION":
                self._transaction(step, steps)
            elif step.kind in _CONTROL.values():
                raise invalid_query(f"{step.text} without an open transaction at [1:1]")
            elif isinstance(step.tree, _DML):
                with self._unit([step]):
                    self._do(step)
            else:
                self._do(step)

    def _transaction(self, begin: Step, steps: Iterator[Step]) -> None:
        """Run the statements up to COMMIT or ROLLBACK; one that ends with the script is rolled back."""
        inside, end = [], "ROLLBACK_TRANSACTION"
        closing = None
        for step in steps:
            if step.kind in {"COMMIT_TRANSACTION", "ROLLBACK_TRANSACTION"}:
                end, closing = step.kind, step
                break
            if step.kind == "BEGIN_TRANSACTION" or isinstance(step.tree, _DDL) or step.kind == "UNDROP_SCHEMA":
                raise invalid_query(f"{step.kind} is not supported in a transaction at [1:1]")
            inside.append(step)
        self.outcomes.append(Outcome(begin))
        with self._unit(inside, commit=end == "COMMIT_TRANSACTION"):
            for step in inside:
                self._do(step)
        if closing:
            self.outcomes.append(Outcome(closing))

    @contextmanager
    def _unit(self, steps: Sequence[Step], *, commit: bool = True) -> Iterator[None]:
        """Give the statements one transaction of the engine, with the locks their tables need."""
        session, concurrency = self._session, self._session.warehouse.concurrency
        trees = [step.tree for step in steps if step.tree is not None]
        accesses = self._accesses(trees)
        reads_target = any(self._reads(tree) & _changed(accesses) for tree in trees)
        with ExitStack() as stack:
            for tree in trees:
                if isinstance(tree, _DML):
                    mutating = dml.access_of(tree) is Access.MUTATE
                    table = dml.target(session, tree)
                    stack.enter_context(self._limits.dml(table.full_name, mutating=mutating))
            session.pin(accesses)
            stack.enter_context(concurrency.holding(accesses, session.warehouse.store))
            session.pin_again(_changed(accesses))
            run(session.cursor, "BEGIN TRANSACTION")
            try:
                yield
                if commit:
                    concurrency.commit(accesses, reads_target=reads_target)
                    run(session.cursor, "COMMIT")
                else:
                    run(session.cursor, "ROLLBACK")
            except BaseException:
                with suppress(duckdb.Error):  # a failed COMMIT has ended it already
                    session.cursor.rollback()
                raise

    def _accesses(self, trees: Sequence[exp.Expr]) -> dict[Table, Access]:
        accesses: dict[Table, Access] = {}
        for tree in trees:
            for table in self._session.tables_in(tree):
                accesses.setdefault(table, Access.READ)
            if isinstance(tree, _DML):
                table = dml.target(self._session, tree)
                access = max(accesses.get(table, Access.READ), dml.access_of(tree), key=lambda item: item.value)
                accesses[table] = access
        if len(accesses) > MAX_TABLES:
            raise invalid_query(f"The query references {len(accesses)} tables; {MAX_TABLES} are the limit (rule 8)")
        return accesses

    def _reads(self, tree: exp.Expr) -> set[Table]:
        """Return the tables whose rows decide what a statement does."""
        if isinstance(tree, exp.Insert):
            source = tree.expression
            return self._session.tables_in(source) if isinstance(source, exp.Query) else set()
        return self._session.tables_in(tree)

    def _do(self, step: Step) -> None:
        tree, session = step.tree, self._session
        if step.kind == "UNDROP_SCHEMA":
            outcome = Outcome(step, done=self._ddl.undrop_schema(step.text))
        elif isinstance(tree, _DML):
            outcome = Outcome(step, affected=dml.execute(session, tree))
        elif isinstance(tree, _DDL):
            outcome = Outcome(step, done=self._ddl.execute(tree, step.text))
        elif isinstance(tree, exp.Query):
            result = select(session, tree.copy())
            if step.kind == "ASSERT" and result.rows != [(True,)]:
                raise invalid_query(f"Assertion failed: {_assertion_message(step.text)}")
            outcome = Outcome(step, result=None if step.kind == "ASSERT" else result)
        else:
            raise syntax_error(f"Unexpected statement {step.text[:80]!r}")
        self.outcomes.append(outcome)


def _step(text: str) -> Step:
    first = words(text, 3)
    if first[0] in _CONTROL and first[1:] in {(), ("TRANSACTION",)}:
        return Step(text, _CONTROL[first[0]], None)
    if first[:2] == ("UNDROP", "SCHEMA"):
        return Step(text, "UNDROP_SCHEMA", None)
    if first[0] == "ASSERT":
        return Step(text, "ASSERT", parse_query(f"SELECT {text[len('ASSERT') :]}"))
    tree = parse(text)
    return Step(text, _kind(tree, first), tree)


def _kind(tree: exp.Expr, first: tuple[str, ...]) -> str:
    """Return the statementType of a job."""
    if isinstance(tree, exp.Query):
        return "SELECT"
    if isinstance(tree, _DML):
        return type(tree).__name__.upper()
    if isinstance(tree, exp.Create):
        materialized = any(
            isinstance(item, exp.MaterializedProperty) for item in tree.find_all(exp.MaterializedProperty)
        )
        return f"CREATE_{'MATERIALIZED_' if materialized else ''}{tree.args['kind']}"
    if isinstance(tree, exp.Drop):
        return f"DROP_{'MATERIALIZED_' if tree.args.get('materialized') else ''}{tree.args['kind']}"
    return "_".join(first[:2])


def _assertion_message(text: str) -> str:
    select = parse_query(f"SELECT {text[len('ASSERT') :]}").selects[0]
    return select.alias or text[:80]


def _changed(accesses: dict[Table, Access]) -> set[Table]:
    return {table for table, access in accesses.items() if access is not Access.READ}


def _reads_tables(tree: exp.Expr | None) -> bool:
    """Tell whether a statement reads or writes rows of a table, or reads INFORMATION_SCHEMA."""
    if tree is None or isinstance(tree, _DDL):
        return False
    names = cte_names(tree)
    return any(not is_cte(node, names) for node in tree.find_all(exp.Table))
