"""Values of the command line that are what a command takes, as they are given: texts, flags and defaults.

typer converts each value of each parameter by pydantic, missing ones too. To import pydantic and to make its converters
takes as long as the rest of the help; what needs no conversion does without it.
"""

from dataclasses import dataclass
from typing import Any

from typer._click.core import Context, Parameter
from typer._coercion import RuntimeParam, build_runtime_param
from typer.core import TyperArgument, TyperOption, _TyperParameter


@dataclass(frozen=True)
class GivenValue(RuntimeParam):
    """How a parameter gets its value: as it is given where that has the right type, otherwise as typer converts it."""

    def _coerce_value(self, value: Any, param: _TyperParameter, ctx: Context) -> Any:
        if type(value) is self.annotation:
            return value
        if self.annotation == list[str]:
            return list(value)
        return build_runtime_param(param.type_descriptor).coerce(value, param, ctx)


def as_given(parameters: list[Parameter]) -> list[Parameter]:
    """Return the parameters of a command after they were told to take values as they are given."""
    for each in parameters:
        if isinstance(each, TyperArgument | TyperOption):
            of_type = each.type_descriptor
            each._runtime_param = GivenValue(of_type.parameter_info, of_type.annotation)
    return parameters
