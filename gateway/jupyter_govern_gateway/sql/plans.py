"""Compiled statements, kept by everything that they depend on; those whose literals decide nothing are shared.

A miss is compiled in a worker thread, never on the event loop.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from jupyter_govern.errors import Blocked, SyntaxProblem
from jupyter_govern_gateway.policy.standing import Standing
from jupyter_govern_gateway.sql.catalog import Catalog
from jupyter_govern_gateway.sql.catalogs import Catalogs
from jupyter_govern_gateway.sql.compiler import Compiled, compile_statement, with_literals
from jupyter_govern_gateway.sql.filters import BadFilter
from jupyter_govern_gateway.sql.naming import Naming
from jupyter_govern_gateway.sql.normal import normal
from jupyter_govern_gateway.sql.unknown import UnknownName

MAX_PLANS: Final = 5_000
MAX_KEPT_BYTES: Final = 64 << 20
MAX_STATEMENT_BYTES: Final = 1 << 20
COMPILE_SECONDS: Final = 10.0
WORKERS: Final = 2

_Key = tuple[str, str, str, Naming, str]


class PlanCache:
    def __init__(self, catalogs: Catalogs, *, max_statement_bytes: int = MAX_STATEMENT_BYTES) -> None:
        self._catalogs, self._max_bytes = catalogs, max_statement_bytes
        self._plans: OrderedDict[_Key, Compiled] = OrderedDict()
        self._shapes: OrderedDict[_Key, Compiled] = OrderedDict()
        self._bytes = 0
        self.hits = self.misses = 0
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="compile")

    def lookup(self, *, target: str, catalog: Catalog, standing: Standing, naming: Naming, text: str) -> Compiled | None:
        key = (target, catalog.version, standing.key, naming, text)
        found = self._plans.get(key)
        if found is not None:
            self._plans.move_to_end(key)
            self.hits += 1
            return found
        shape = normal(text)
        if shape is None:
            return None
        key = (target, catalog.version, standing.key, naming, shape.key)
        found = self._shapes.get(key)
        if found is None:
            return None
        self._shapes.move_to_end(key)
        self.hits += 1
        return with_literals(found, text, shape.spans)

    async def compile(self, *, target: str, catalog: Catalog, standing: Standing, naming: Naming, text: str) -> Compiled:
        """Raises SyntaxProblem, Blocked. A name that the catalog lacks makes it be read anew once."""
        self.misses += 1
        if len(text) > self._max_bytes:
            raise Blocked(f"a statement of more than {self._max_bytes} bytes is not read", hint="load data with COPY or parameters")
        try:
            return await self._compile(target, catalog, standing, naming, text)
        except UnknownName:
            fresh = await self._catalogs.refresh(target)
            if fresh.version == catalog.version and not standing.unbounded:
                raise
            return await self._compile(target, fresh, standing, naming, text, takes_unknown=True)

    async def _compile(
        self, target: str, catalog: Catalog, standing: Standing, naming: Naming, text: str, *, takes_unknown: bool = False
    ) -> Compiled:
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, _compile_or_refuse, text, catalog, naming, standing, takes_unknown
        )
        try:
            compiled = await asyncio.wait_for(work, COMPILE_SECONDS)
        except TimeoutError:
            raise Blocked("the statement takes too long to read", hint="split it into simpler statements") from None
        self._keep(self._plans, (target, catalog.version, standing.key, naming, text), compiled)
        if compiled.spans is not None and (shape := normal(text)) is not None:
            self._keep(self._shapes, (target, catalog.version, standing.key, naming, shape.key), compiled)
        return compiled

    def _keep(self, plans: OrderedDict[_Key, Compiled], key: _Key, compiled: Compiled) -> None:
        if key not in plans:
            self._bytes += len(compiled.source) + len(compiled.sql)
        plans[key] = compiled
        while len(plans) > MAX_PLANS or (self._bytes > MAX_KEPT_BYTES and len(plans) > 1):
            _, old = plans.popitem(last=False)
            self._bytes -= len(old.source) + len(old.sql)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _compile_or_refuse(text: str, catalog: Catalog, naming: Naming, standing: Standing, takes_unknown: bool = False) -> Compiled:
    try:
        return compile_statement(text, catalog=catalog, naming=naming, standing=standing, takes_unknown=takes_unknown)
    except (SyntaxProblem, Blocked):
        raise
    except BadFilter as problem:
        raise Blocked(f"{problem}: nothing is read where a filter cannot be applied", hint="tell the gateway's operator") from problem
    except (RecursionError, ValueError, KeyError, IndexError, StopIteration, AttributeError) as error:
        # a defect of the compiler must refuse the statement, never let it pass as it is
        raise Blocked(f"the gateway could not judge this statement ({type(error).__name__})", hint="tell its operator") from error
