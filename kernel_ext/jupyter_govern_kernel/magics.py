"""The magics: `%%govsql`, `%govsql`, `%govtargets`. They read the line, have it run, and hand over what to show.

Knows IPython; everything else is done by the modules it calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from jupyter_govern_kernel.calling import run_request
from jupyter_govern_kernel.options import HELP, UsageProblem, parse_request
from jupyter_govern_kernel.results import Done
from jupyter_govern_kernel.session import current_session
from jupyter_govern_kernel.targets import TargetList


@magics_class
class GovernMagics(Magics):
    """Registered by `%load_ext jupyter_govern`."""

    @needs_local_scope
    @no_var_expand  # SQL has braces and dollars of its own
    @line_cell_magic
    def govsql(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run SQL on a governed target: `%govsql --help`."""
        variables: dict[str, Any] = self.shell.user_ns  # type: ignore[union-attr]  # a registered magic has its shell
        try:
            request = parse_request(line, cell)
            if request.help:
                print(HELP)
                return None
            result = run_request(request, {**variables, **(local_ns or {})}, current_session())
        except UsageProblem as problem:
            raise UsageError(str(problem)) from None
        if not request.assign:
            return None if request.quiet and isinstance(result, Done) else result
        variables[request.assign] = result
        if not request.quiet:
            print(f"{request.assign} = {describe(result)}")
        return None

    @line_magic
    def govtargets(self, line: str) -> TargetList:
        """List the targets you may reach, what is masked there, and why you may not reach the others."""
        if line.strip():
            raise UsageError("%govtargets takes nothing.")
        return TargetList(current_session().targets())


def describe(result: Any) -> str:
    """One line on what was assigned."""
    shape = getattr(result, "shape", None)
    if shape is not None:
        return f"DataFrame, {shape[0]:,} rows × {shape[1]} columns"
    return repr(result) if isinstance(result, Done) else f"{type(result).__name__}, {len(result):,} long"
