"""The gateway process: reads the configuration, wires the parts, starts the listeners, stops them in order.

Knows every part and decides nothing. A start that cannot be whole does not happen: whatever was opened is closed again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_govern import private_files
from jupyter_govern.config.export import Export
from jupyter_govern.config.model import Config, Gateway
from jupyter_govern.config.strict import LOOPBACK
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.api.directory import PolicyDirectory
from jupyter_govern_gateway.api.server import ApiServer
from jupyter_govern_gateway.api.services import ApiServices, Counted, Listening
from jupyter_govern_gateway.approvals import Approvals
from jupyter_govern_gateway.authority import names_of
from jupyter_govern_gateway.exporting.exporter import Exporter
from jupyter_govern_gateway.exporting.sinks import sink_of
from jupyter_govern_gateway.gate import Gate
from jupyter_govern_gateway.identity.accounts import accounts_file
from jupyter_govern_gateway.identity.hub.setup import HubParts, hub_parts
from jupyter_govern_gateway.identity.oidc.build import LOGINS, oidc_logins, verifiers
from jupyter_govern_gateway.identity.oidc.recheck import Recheck
from jupyter_govern_gateway.identity.oidc.service import OidcLogins
from jupyter_govern_gateway.identity.orphans import end_orphans, ways
from jupyter_govern_gateway.identity.service import LocalIdentity
from jupyter_govern_gateway.identity.tokens import SERVICE
from jupyter_govern_gateway.identity.workload import Workloads
from jupyter_govern_gateway.net.estimates import Estimates
from jupyter_govern_gateway.net.listening import Inherited, inherited
from jupyter_govern_gateway.net.postgresql import PostgresqlListener
from jupyter_govern_gateway.net.services import Services
from jupyter_govern_gateway.policy.store import PolicyStore
from jupyter_govern_gateway.reaches import TargetReaches, said_unverified, unverified
from jupyter_govern_gateway.recorder.objects import wanted_storage
from jupyter_govern_gateway.recorder.recorder import Recorder
from jupyter_govern_gateway.recorder.signer import Signer, own_signer
from jupyter_govern_gateway.recorder.witness import Witness, witness_place
from jupyter_govern_gateway.sql.catalogs import Catalogs
from jupyter_govern_gateway.sql.plans import PlanCache
from jupyter_govern_gateway.sshgate import ssh_gate
from jupyter_govern_gateway.tls import ListenerTls, listener_tls
from jupyter_govern_gateway.upkeep import Upkeep

if TYPE_CHECKING:
    from jupyter_govern_gateway.ssh.listener import SshGate

DISCOVERY: Final = "govern-gateway.json"


if TYPE_CHECKING:  # pysaml2 is an optional extra
    from jupyter_govern_gateway.identity.saml.service import SamlLogins


class PortTaken(Exception):
    """A listener's address cannot be had."""


class GatewayApp:
    """say: where progress lines go (one line each)."""

    def __init__(self, path: Path, *, say: Callable[[str], None] = print) -> None:
        self.path, self._say = path.resolve(), say
        self._stack = contextlib.AsyncExitStack()
        self._inherited = inherited()
        self.api: ApiServer
        self.postgresql: PostgresqlListener
        self.ssh: SshGate | None = None
        self.policy: PolicyStore
        self.upkeep: Upkeep

    async def start(self) -> None:
        """Raises ConfigError, RecordingFailed, PortTaken; nothing is left running then."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Let running statements end for gateway.drain_seconds, then close everything."""
        await self._stack.aclose()

    def leave(self) -> dict[str, Inherited]:
        """The listening sockets, for what this process becomes when it restarts; before `stop`."""
        return {"postgresql": self.postgresql.leave(), "api": self.api.leave()}

    async def _start(self) -> None:
        config = PolicyStore(self.path, lambda kind, detail: None).current().config
        directory, gateway = self.path.parent, config.gateway
        _check_api(gateway)
        state = _private_folder(directory / gateway.state_dir)
        recorder = Recorder(
            state,
            time.time,
            signer=_signer(gateway, directory, state),
            durable=gateway.recording.mode == "durable",
            min_free_bytes=gateway.recording.min_free_bytes,
            index_apart=True,
            wanted=wanted_storage(gateway.recording, directory),
        )
        self._stack.callback(recorder.close)
        self.policy = PolicyStore(self.path, lambda kind, detail: self._policy_event(recorder, kind, detail))
        identity = LocalIdentity(
            accounts=accounts_file(config.identity, directory),
            state_dir=state,
            secret=_secret(state / "scram.key").encode(),
            log=recorder.log,
            clock=time.time,
            services=self._static_services,
            workloads=self._workload_services,
        )
        tls = listener_tls(gateway.tls, state, directory, _own_names(gateway), self._say)
        saml = self._saml(config, identity, recorder)
        oidc = self._oidc(config, identity, recorder, state)
        hub = self._hub(config, identity, recorder)
        end_orphans(identity, ways(config.identity, saml.entity_ids() if saml is not None else {}))
        approvals = Approvals(
            log=recorder.log, clock=time.time, number_file=state / "approvals.last", url=self._decision_url
        )
        gate = Gate(recorder=recorder, approvals=approvals, clock=time.time, rows_budget=gateway.recording.rows_budget)
        services = self._services(config, recorder, identity, gate, state)
        await self._start_postgresql(gateway, services, tls)
        await self._start_ssh(config, services, identity, state)
        await self._start_api(
            gateway,
            ApiServices(
                identity=identity,
                approvals=approvals,
                recorder=recorder,
                directory=self._directory(tls),
                ssh=self.ssh,
                oidc=oidc,
                workloads=self._workloads(config, identity, recorder, state),
                saml=saml,
                hub=hub.logins if hub is not None else None,
                counted=lambda: Counted(
                    sessions_open=gate.sessions_open,
                    blocked=gate.blocked,
                    asked=gate.asked,
                    plan_hits=self._plans.hits,
                    plan_misses=self._plans.misses,
                ),
            ),
            tls,
        )
        recorder.log.write("gateway", event="started", pid=os.getpid())
        recorder.log.sign()
        self._stack.callback(recorder.log.write, "gateway", event="stopped", pid=os.getpid())
        self.policy.report_loaded()
        self.upkeep = Upkeep(policy=self.policy, tls=tls, reaches=self._reaches, log=recorder.log, say=self._say)
        self.upkeep.warn()
        self._watch(self.policy.watch())
        self._watch(self.upkeep.watch())
        self._watch(self.upkeep.watch_secrets())
        self._watch(identity.ties.watch())
        self._watch(recorder.keep(gateway.recording.retention.days_of, gateway.recording.keeping_seconds))
        if (place := witness_place(gateway.recording.witness, directory)) is not None:
            self._watch(Witness(recorder.log, place).watch())
        if hub is not None:
            self._watch(hub.recheck.watch())
        if oidc is not None:
            self._watch(Recheck(oidc).watch())
        for each in gateway.export:
            self._watch(self._exporter(each, recorder, state).watch())
        self._announce(tls)

    def _oidc(self, config: Config, identity: LocalIdentity, recorder: Recorder, state: Path) -> OidcLogins | None:
        providers, directory = config.identity.oidc, self.path.parent
        if not providers and not (state / LOGINS).exists():
            return None
        found = verifiers(providers, directory, time.time, config.identity.prefixes)
        for verifier in found.values():
            self._stack.push_async_callback(verifier.close)
        logins = oidc_logins(
            providers, verifiers=found, directory=directory, state=state, identity=identity, log=recorder.log, clock=time.time
        )  # fmt: skip
        Recheck(logins).restore()
        return logins if providers else None

    def _saml(self, config: Config, identity: LocalIdentity, recorder: Recorder) -> SamlLogins | None:
        """None without such providers; raises ConfigError where the extra is missing."""
        sources = {provider.issuer for provider in config.identity.oidc}
        found: SamlLogins | None = None
        if config.identity.saml:
            try:
                from jupyter_govern_gateway.identity.saml.build import saml_logins
            except ModuleNotFoundError as missing:
                what = f"{missing.name} is not installed here: pip install 'jupyter-govern[saml]'"
                raise ConfigError(what, key="identity.saml") from None
            directory = self.path.parent
            found = saml_logins(config.identity, directory=directory, identity=identity, log=recorder.log, clock=time.time)
            sources |= {partner.pinned.entity_id for partner in found.partners.values()}
        identity.people.forget_sources(frozenset(sources))
        return found

    def _hub(self, config: Config, identity: LocalIdentity, recorder: Recorder) -> HubParts | None:
        parts = hub_parts(config.identity, directory=self.path.parent, identity=identity, log=recorder.log, clock=time.time)
        if parts is not None:
            self._stack.push_async_callback(parts.close)
            settings = config.identity.jupyterhub
            if settings is not None and settings.insecure_because:
                self._say(f"WARNING: the Hub is asked over plain http: {settings.insecure_because}")
        return parts

    def _exporter(self, settings: Export, recorder: Recorder, state: Path) -> Exporter:
        file = state / "exports" / f"{settings.name}.json"
        sink = sink_of(settings, self.path.parent)
        return Exporter(
            settings.name, sink, settings.format, index=recorder.index, log=recorder.log, state=file, seconds=settings.seconds
        )

    def _services(self, config: Config, recorder: Recorder, identity: LocalIdentity, gate: Gate, state: Path) -> Services:
        directory, gateway = self.path.parent, config.gateway
        self._reaches = TargetReaches(config.postgresql_targets, directory)
        self._stack.callback(self._reaches.close)
        self._reaches.read()
        catalogs = Catalogs(self._reaches.conninfos)
        plans = PlanCache(catalogs, max_statement_bytes=gateway.max_statement_bytes)
        self._stack.callback(plans.close)
        estimates = Estimates(self._reaches.conninfos)
        self._stack.callback(estimates.close)
        self._plans = plans
        for target in unverified(config):
            self._say(f"WARNING: {said_unverified(target)}")
            recorder.log.write("tls", event="unverified target", target=target.name, tls=target.tls, because=target.tls_insecure_because)
        return Services(
            identity=identity,
            policy=self.policy,
            plans=plans,
            catalogs=catalogs,
            estimates=estimates,
            gate=gate,
            targets=self._reaches.addresses,
            log=recorder.log,
            hash_key=gateway.hash_key.read(directory, "gateway.hash_key") if gateway.hash_key else _secret(state / "hash.key"),
        )

    async def _start_postgresql(self, gateway: Gateway, services: Services, tls: ListenerTls) -> None:
        listen = gateway.postgresql
        self.postgresql = PostgresqlListener(
            services=services,
            host=listen.host,
            port=listen.port,
            tls=tls.wire,
            channel=tls.end_point,
            takes_cleartext=listen.cleartext_in_tls,
            max_statement=gateway.max_statement_bytes,
        )
        await _listening(self.postgresql.start(self._inherited.get("postgresql", ())), "gateway.postgresql.listen", listen.listen)
        self._stack.push_async_callback(self.postgresql.stop, gateway.drain_seconds)
        self._say(f"PostgreSQL clients: {listen.host}:{self.postgresql.port} (TLS, authority {tls.ca_file or 'public'})")

    async def _start_ssh(self, config: Config, services: Services, identity: LocalIdentity, state: Path) -> None:
        listen = config.gateway.ssh
        if listen is None:
            return
        self.ssh = ssh_gate(config, listen, self.path.parent, state, services, identity, self.policy)
        await _listening(self.ssh.start(), "gateway.ssh.listen", listen.listen)
        self._stack.push_async_callback(self.ssh.stop, config.gateway.drain_seconds)
        self._say(f"SSH clients: {listen.host}:{self.ssh.port} ({self.ssh.public_key})")

    async def _start_api(self, gateway: Gateway, services: ApiServices, tls: ListenerTls) -> None:
        listen = gateway.api
        self.api = ApiServer(
            services,
            host=listen.host,
            port=listen.port,
            public_url=listen.public_url,
            tls=tls.context if gateway.tls is not None else None,
            proxies=listen.proxies,
        )
        await _listening(self.api.start(self._inherited.get("api", ())), "gateway.api.listen", listen.listen)
        self._stack.push_async_callback(self.api.stop)
        self._say(f"API and pages: {self.api.url}")

    def _decision_url(self, number: int) -> str:
        return self.api.decision_url(number)

    def _directory(self, tls: ListenerTls) -> PolicyDirectory:
        return PolicyDirectory(
            self.policy, listening=lambda: Listening(host=self.postgresql.host, port=self.postgresql.port, ca_file=tls.ca_file)
        )

    def _policy_event(self, recorder: Recorder, kind: str, detail: dict[str, Any]) -> None:
        recorder.log.write("policy", event=kind, **detail)
        if kind == "loaded":
            self._say(f"policy {detail['version']} in force ({detail['rules']} rules)")
        else:
            self._say(f"policy {kind}: {detail.get('problem', '')}")

    def _workload_services(self) -> dict[str, frozenset[str]]:
        return {f"{SERVICE}{each.name}": frozenset(each.groups) for each in self.policy.current().config.identity.workload}

    def _workloads(self, config: Config, identity: LocalIdentity, recorder: Recorder, state: Path) -> Workloads:
        found = Workloads(
            config.identity.workload, directory=self.path.parent, state=state, identity=identity, log=recorder.log, clock=time.time
        )  # fmt: skip
        self._stack.push_async_callback(found.close)
        return found

    def _static_services(self) -> dict[str, frozenset[str]]:
        identity = self.policy.current().config.identity
        found = identity.service if identity.static_keys else ()
        return {f"{SERVICE}{each.name}": frozenset(each.groups) for each in found}

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        self._stack.push_async_callback(end)

    def _announce(self, tls: ListenerTls) -> None:
        """Tell kernels, notebook servers and the CLI of this user where we are; taken back on stop."""
        folder = Path(jupyter_runtime_dir())
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = {
            "api_url": self.api.url,
            "postgresql": {"host": self.postgresql.host, "port": self.postgresql.port},
            "ca_file": tls.ca_file,
            "pid": os.getpid(),
            "started_at": time.time(),
        }
        file = folder / DISCOVERY
        private_files.replace(file, json.dumps(said))

        def take_back() -> None:
            with contextlib.suppress(OSError, ValueError):
                if json.loads(file.read_text())["pid"] == os.getpid():
                    file.unlink()

        self._stack.callback(take_back)


def _signer(gateway: Gateway, directory: Path, state: Path) -> Signer:
    reference, key = gateway.recording.signing_key, "gateway.recording.signing_key"
    signer = Signer(reference.read(directory, key).encode(), key) if reference else own_signer(state)
    signer.publish(state)
    return signer


def _check_api(gateway: Gateway) -> None:
    if gateway.tls is None and gateway.api.host not in LOOPBACK:
        raise ConfigError(
            "an address that is not this machine's own needs [gateway.tls]: tokens must not travel in clear", key="gateway.api.listen"
        )


def _own_names(gateway: Gateway) -> tuple[str, ...]:
    """By what clients reach this gateway, as far as the configuration says."""
    return names_of(gateway.postgresql.host, gateway.api.host, urlsplit(gateway.api.public_url).hostname or "")


async def _listening(start: Any, key: str, address: str) -> None:
    try:
        await start
    except OSError as error:
        raise PortTaken(f"{key}: cannot listen on {address}: {error.strerror or error}") from error


def _private_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}", key="gateway.state_dir") from error
    return path


def _secret(path: Path) -> str:
    """A generated secret, made once."""
    if not path.exists():
        private_files.replace(path, secrets.token_urlsafe(32))
    return path.read_text()


def complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
