"""The grammar the fake knows: what is not listed here is refused, so that no test passes by a wrong translation."""

from __future__ import annotations

from sqlglot import exp

from tests.bigquery_fake.errors import GoogleError, invalid_query, unsupported

_CLAUSES = {
    "Alias", "CTE", "ColumnDef", "DataType", "DataTypeParam", "Distinct", "Except", "From", "Group", "Having",
    "Identifier", "Join", "Limit", "Offset", "Order", "Ordered", "Paren", "Qualify", "RawString", "Select", "Star",
    "Subquery", "Table", "TableAlias", "Tuple", "Union", "Unnest", "Var", "Where", "Window", "With",
}  # fmt: skip
_OPERATORS = {
    "Add", "And", "Array", "Between", "Boolean", "Bracket", "Case", "Cast", "Column", "DPipe", "Dot", "EQ",
    "Exists", "GT", "GTE", "If", "In", "Is", "LT", "LTE", "Like", "Literal", "Mul", "NEQ", "Neg", "Not", "Null",
    "NullSafeEQ", "NullSafeNEQ", "Or", "Parameter", "PropertyEQ", "Struct", "Sub",
}  # fmt: skip
_FUNCTIONS = {
    "Abs", "ArrayAgg", "ArrayConcat", "ArraySize", "ArrayToString", "Avg", "Coalesce", "Concat", "Contains", "Count",
    "CountIf", "CurrentDate", "CurrentTimestamp", "Date", "DateDiff", "EndsWith", "Extract", "FarmFingerprint",
    "GenerateSeries", "Greatest",
    "GroupConcat", "JSONExtractScalar", "JSONFormat", "JSONPath", "JSONPathKey", "JSONPathRoot", "JSONPathSubscript",
    "Least", "Length", "LogicalAnd", "LogicalOr", "Lower", "LowerHex", "Max", "MD5", "Min", "Nullif",
    "ParseJSON", "RegexpExtract", "RegexpLike", "RegexpReplace", "Replace", "Round", "RowNumber", "SHA2Digest",
    "Split", "StartsWith", "StrPosition", "Substring", "Sum", "Timestamp", "TimestampAdd", "TimestampDiff",
    "TimestampSub", "TimestampTrunc", "Trim", "TryCast", "TsOrDsToDate", "UnixMicros", "UnixToTime", "Upper", "Uuid",
}  # fmt: skip
_KNOWN = _CLAUSES | _OPERATORS | _FUNCTIONS
_ANONYMOUS = {"ERROR"}


def check_known(tree: exp.Expr) -> None:
    """Raise 501 for what the fake has no faithful way to run."""
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if node.name.upper() not in _ANONYMOUS:
                raise unsupported(f"the function {node.name}")
        elif type(node).__name__ not in _KNOWN:
            raise unsupported(f"{type(node).__name__} in {node.sql('bigquery')[:80]!r}")
        elif refusal := _refusal(node):
            raise refusal


def _refusal(node: exp.Expr) -> GoogleError | None:
    match node:
        case exp.Unnest() if node.args.get("offset"):
            return unsupported("UNNEST ... WITH OFFSET")
        case exp.FarmFingerprint() if not node.find_ancestor(exp.Sum):
            return unsupported("FARM_FINGERPRINT but in a SUM: its engine has another fingerprint")
        case exp.Select() if node.args.get("kind"):
            return unsupported(f"SELECT AS {node.args['kind']}")
        case exp.ArrayAgg() if node.find(exp.Limit):
            return unsupported("ARRAY_AGG ... LIMIT")
        case exp.Parameter() if isinstance(node.this, exp.Parameter):
            return unsupported("system variables")
        case exp.JSONFormat() if node.args.get("to_json"):
            return unsupported("TO_JSON")
        case exp.Limit() if not isinstance(node.expression, (exp.Literal, exp.Parameter)):
            return invalid_query("LIMIT expects an integer literal or parameter")
        case _:
            return None
