"""The catalogs of all targets: loaded in worker threads, kept until data definition passes or they are old, shared by all sessions.

A catalog that is not there yet keeps statements waiting; one that cannot be read refuses them (fail closed).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import psycopg

from jupyter_govern.errors import TargetUnavailable
from jupyter_govern_gateway.sql.catalog import Catalog
from jupyter_govern_gateway.sql.catalog_load import load_catalog

REFRESH_SECONDS: Final = 10.0
"""How old a catalog in use may get: what others define at the target directly is known after this."""
MISS_SECONDS: Final = 0.2
"""A name that is not known makes the catalog be read anew, but not more often than this."""


class Catalogs:
    """conninfos: target name → libpq connection string of the gateway's own role."""

    def __init__(self, conninfos: Mapping[str, str]) -> None:
        self._conninfos = conninfos
        # of their own, one for each target: targets that do not answer must not take the threads of everybody else
        self._threads = ThreadPoolExecutor(max(1, len(conninfos)), thread_name_prefix="catalog")
        self._known: dict[str, Catalog] = {}
        self._loaded_at: dict[str, float] = {}
        self._loading: dict[str, asyncio.Task[Catalog]] = {}
        self._old: set[str] = set()
        """Targets whose catalog is used for REFRESH_SECONDS: whoever asks next has it read anew."""

    def current(self, target: str) -> Catalog | None:
        """What is known now, without waiting. An old one is still the answer while it is read anew."""
        if target in self._old:
            self._old.discard(target)
            self._start(target)
        return self._known.get(target)

    async def get(self, target: str) -> Catalog:
        """Raises TargetUnavailable."""
        return self._known.get(target) or await self.refresh(target)

    async def refresh(self, target: str) -> Catalog:
        """Read it anew, unless that has just been done. Raises TargetUnavailable."""
        catalog = self._known.get(target)
        if catalog is not None and asyncio.get_running_loop().time() - self._loaded_at[target] < MISS_SECONDS:
            return catalog
        try:
            return await asyncio.shield(self._start(target))
        except psycopg.Error as error:
            raise TargetUnavailable(f"the catalog of {target} cannot be read") from error

    def invalidate(self, target: str) -> None:
        """Data definition has passed: what is known is old now."""
        self._known.pop(target, None)
        self._loading.pop(target, None)  # a load that began before the change must not count

    def _start(self, target: str) -> asyncio.Task[Catalog]:
        task = self._loading.get(target)
        if task is None:
            task = self._loading[target] = asyncio.get_running_loop().create_task(self._load(target))
            task.add_done_callback(_seen)
        return task

    async def _load(self, target: str) -> Catalog:
        mine = asyncio.current_task()
        try:
            catalog = await asyncio.get_running_loop().run_in_executor(self._threads, load_catalog, self._conninfos[target])
        except BaseException:
            asyncio.get_running_loop().call_later(REFRESH_SECONDS, self._old.add, target)  # the one in use is tried again
            raise
        finally:
            current = self._loading.get(target) is mine
            if current:
                del self._loading[target]
        if current:
            before = self._known.get(target)
            # the same object where nothing changed, so that nobody's plans become old
            self._known[target] = before if before is not None and before.version == catalog.version else catalog
            loop = asyncio.get_running_loop()
            self._loaded_at[target] = loop.time()
            loop.call_later(REFRESH_SECONDS, self._old.add, target)
        return self._known.get(target, catalog)


def _seen(task: asyncio.Task[Catalog]) -> None:
    if not task.cancelled():
        task.exception()
