"""`${name}` in the configuration of a step, run parameters, and what may be shown of either."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite, nan

from pydantic import BaseModel, SecretStr
from ruamel.yaml.scalarbool import ScalarBoolean

from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import parse_yaml
from cloudact.pipeline.processor import JSON

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
MASK = "***"
# `$${` is a literal `${`; what follows any other `${` has to be a name and a brace.
_TOKEN = re.compile(rf"\$\$\{{|\$\{{(?:({NAME})\}})?")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_SECRET_NAME = re.compile(r"key|token|secret|passw|passphrase|pwd|credential", re.IGNORECASE)
_LONGEST_QUOTE = 80
# A shorter text is in too many others to be taken out of them.
_SHORTEST_SECRET = 4


class Unresolvable(ValueError):
    """A text refers to variables in a way that has no meaning; the message says which, and `fix` what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def plain(value: object) -> JSON:
    """Return a value, such as one read from YAML, in the types of JSON; what has none there becomes text."""
    match value:
        case None | bool():
            return value
        case ScalarBoolean():
            return bool(value)
        case int():
            return int(value)
        case float():
            return float(value) if isfinite(value) else str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple() | set():
            return [plain(item) for item in value]
        case _:
            return str(value)


def refers(text: str) -> bool:
    """Tell whether a text has a reference, well-formed or not."""
    return any(match[0] != "$${" for match in _TOKEN.finditer(text))


def resolve(text: str, variables: Mapping[str, JSON]) -> JSON:
    """Return a text with its references resolved; a text that is one reference becomes the value with its type.

    Raises Unresolvable for the first reference that has no value.
    """
    whole = re.fullmatch(rf"\$\{{({NAME})\}}", text)
    if whole:
        return _value(whole[1], variables)
    return _TOKEN.sub(lambda match: _inserted(match, text, variables), text)


def _inserted(match: re.Match[str], text: str, variables: Mapping[str, JSON]) -> str:
    if match[0] == "$${":
        return "${"
    name = match[1]
    if name is None:
        what = f"has ${{ in {text!r}, which is no reference to a variable"
        raise Unresolvable(what, "write ${name}, with a name of letters, digits and underscores, or $${ for a plain ${")
    value = _value(name, variables)
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case _:
            kind = "null" if value is None else f"a {'list' if isinstance(value, list) else 'mapping'}"
            raise Unresolvable(f"inserts ${{{name}}} into text, and it is {kind}", f"write ${{{name}}} alone")


def _value(name: str, variables: Mapping[str, JSON]) -> JSON:
    if name not in variables:
        raise Unresolvable(
            f"refers to the unknown variable {name}", f"declare it under `variables`; {known(variables)}"
        )
    return variables[name]


def known(names: Collection[str]) -> str:
    """Return the sentence that names the declared variables."""
    return f"declared are {', '.join(sorted(names))}" if names else "none is declared"


def parse_parameter(text: str, default: JSON) -> JSON:
    """Return a run parameter in the type of the variable's declared value; raises ValueError naming that type.

    Lists and mappings are written as YAML; so is the value of a variable that is declared without one.
    """
    match default:
        case bool():
            if text.lower() not in _TRUTH:
                raise ValueError(f"{_quoted(text)} is not one of {', '.join(_TRUTH)}")
            return _TRUTH[text.lower()]
        case int():
            return _number(text, int, "a whole number")
        case float():
            return _number(text, float, "a number")
        case str():
            return text
        case None:
            return _yaml(text)
        case _:
            value = _yaml(text)
            if not isinstance(value, type(default)):
                kind = "list, such as [a, b]" if isinstance(default, list) else "mapping, such as {a: 1}"
                what = f"{_quoted(text)} is not a {kind}"
                raise ValueError(what)  # noqa: TRY004 - one error for every parameter that does not fit
            return value


def _number(text: str, kind: type[int] | type[float], name: str) -> JSON:
    try:
        number = kind(text)
    except ValueError:
        number = nan
    if isinstance(number, float) and not isfinite(number):
        raise ValueError(f"{_quoted(text)} is not {name}")
    return number


def _yaml(text: str) -> JSON:
    problems = Problems()
    document = parse_yaml(text, problems)
    for problem in problems.found:
        raise ValueError(f"{_quoted(text)} {problem.what}")
    return plain(document)


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]!r}..."


def masked(value: JSON, name: str = "") -> JSON:
    """Return a value without what stands under the name of a secret."""
    match value:
        case Mapping():
            return {key: masked(item, _secret_of(name, key)) for key, item in value.items()}
        case list() | tuple():
            return [masked(item, name) for item in value]
        case None | bool():
            return value
        case _:
            return MASK if _SECRET_NAME.search(name) else value


@dataclass(frozen=True, slots=True)
class Redaction:
    """The secrets of one run, to be taken out of everything that is shown or recorded of it."""

    secrets: tuple[str, ...] = ()

    @staticmethod
    def of(variables: Mapping[str, JSON], configs: Collection[BaseModel]) -> Redaction:
        """Return the redaction of every variable and configuration field that is a secret by its name or type."""
        found = _secrets(variables, "")
        for config in configs:
            found |= _secrets(config, "")
        return Redaction(tuple(sorted(found, key=lambda secret: (-len(secret), secret))))

    def text(self, text: str) -> str:
        """Return a text without the secrets, and with `?` for halves of characters, which nothing can show or keep."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text.encode("utf-8", "replace").decode()

    def mapping(self, values: Mapping[str, object]) -> dict[str, JSON]:
        """Return values as JSON, without the secrets and without what stands under the name of one."""
        return {self.text(str(name)): self._inside(masked(plain(item), str(name))) for name, item in values.items()}

    def _inside(self, value: JSON) -> JSON:
        match value:
            case str():
                return self.text(value)
            case list() | tuple():
                return [self._inside(item) for item in value]
            case Mapping():
                return {self.text(key): self._inside(item) for key, item in value.items()}
            case _:
                return value


def _secrets(value: object, name: str) -> set[str]:
    match value:
        case BaseModel():
            return set().union(
                *(_secrets(getattr(value, field), _secret_of(name, field)) for field in type(value).model_fields)
            )
        case Mapping():
            return set().union(*(_secrets(item, _secret_of(name, str(key))) for key, item in value.items()))
        case list() | tuple():
            return set().union(*(_secrets(item, name) for item in value))
        case SecretStr():
            return _long_enough(value.get_secret_value())
        case str() | int() | float() if not isinstance(value, bool) and _SECRET_NAME.search(name):
            return _long_enough(str(value))
        case _:
            return set()


def _secret_of(outer: str, inner: str) -> str:
    """Everything inside what is called a secret is one."""
    return outer if _SECRET_NAME.search(outer) else inner


def _long_enough(secret: str) -> set[str]:
    return {secret} if len(secret) >= _SHORTEST_SECRET else set()
