"""A workload's own OIDC token (GitHub Actions, GitLab, Kubernetes, …) for a gateway token that lives minutes.

Each token is taken once, from an issuer that is configured, for the audience and with the claims that one rule asks for. No key of ours
is kept anywhere. Every outcome is in the gateway log.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jwt

from jupyter_govern.config.identity import WorkloadConfig
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.oidc.claims import claim_at
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.verifier import IssuerKeys
from jupyter_govern_gateway.identity.oidc.verify import MAX_TOKEN
from jupyter_govern_gateway.identity.people import read_json_list, write_private_json
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.identity.tokens import SERVICE, Token
from jupyter_govern_gateway.recorder.log import GatewayLog

MAX_LIFETIME: Final = 86400.0
"""Seconds: a token that would live longer from now on is a static key by another name."""
MAX_SEEN: Final = 100_000
"""Used tokens that are remembered until they expire. With more of them, new ones are refused."""
MAX_RECORDED: Final = 200
MAX_SKEW: Final = 240.0
"""Seconds: a clock that is off lets a token live a little longer than it says."""


class Workloads:
    """`exchange` takes a token, once."""

    def __init__(
        self,
        workloads: Sequence[WorkloadConfig],
        *,
        directory: Path,
        state: Path,
        identity: Identity,
        log: GatewayLog,
        clock: Callable[[], float],
    ) -> None:
        self._workloads, self._identity, self._log, self._clock = tuple(workloads), identity, log, clock
        self._keys = {workload.name: _keys(workload, directory, clock) for workload in workloads}
        self._seen_file = state / "workload-tokens.json"
        self._seen = {row["mark"]: float(row["until"]) for row in read_json_list(self._seen_file, "used")}

    async def exchange(self, token: str, *, address: str, service: str = "", targets: tuple[str, ...] = ()) -> tuple[str, Token]:
        """A gateway token and its text. service: which one is meant, where several fit. targets: only these ("" for all it may).

        Raises TokenRefused or ProviderUnavailable, after that is on record.
        """
        try:
            workload, claims = await self._fitting(token, service)
            if targets and workload.targets and not set(targets) <= set(workload.targets):
                raise TokenRefused("no-rule", f"'{workload.name}' opens {', '.join(workload.targets)} at most")
            self._use_up(token, claims)
        except (TokenRefused, ProviderUnavailable) as refused:
            why = refused.why if isinstance(refused, TokenRefused) else "unavailable"
            detail = refused.detail if isinstance(refused, TokenRefused) else str(refused)
            self._log.write("login", event="workload refused", address=address, service=service, why=why, detail=detail)
            raise
        self._log.write(
            "login",
            event="workload succeeded",
            subject=f"{SERVICE}{workload.name}",
            address=address,
            issuer=workload.issuer,
            claims={path: str(claim_at(claims, path))[:MAX_RECORDED] for path in ("sub", "jti", *workload.claims)},
        )
        return self._identity.issue(
            subject=f"{SERVICE}{workload.name}",
            groups=frozenset(workload.groups),
            kind="workload",
            address=address,
            seconds=workload.token_seconds,
            targets=targets or workload.targets,
            issued_by=f"workload/{workload.name}",
        )

    async def close(self) -> None:
        for keys in self._keys.values():
            await keys.close()

    async def _fitting(self, token: str, service: str) -> tuple[WorkloadConfig, dict[str, Any]]:
        """The one workload that this token is of. A refusal for the first reason that is not about a rule."""
        issuer = _claimed_issuer(token)
        candidates = [each for each in self._workloads if each.issuer == issuer and service in ("", each.name)]
        if not candidates:
            raise TokenRefused("issuer", "no workload of this issuer is configured" + (" by that name" if service else ""))
        found: list[tuple[WorkloadConfig, dict[str, Any]]] = []
        refusals: list[TokenRefused] = []
        for workload in candidates:
            try:
                claims = await self._keys[workload.name].claims(token, (workload.audience,))
                check_claims(claims, workload.claims)
                found.append((workload, claims))
            except TokenRefused as refused:
                refusals.append(refused)
        if not found:
            raise refusals[0]
        if len(found) > 1:
            raise TokenRefused("ambiguous", f"it fits {', '.join(workload.name for workload, _ in found)}: say which is meant")
        return found[0]

    def _use_up(self, token: str, claims: Mapping[str, Any]) -> None:
        """Each token works once, until it is over; a token that never ends, or one too many, does not work at all."""
        now, expires = self._clock(), float(claims["exp"])
        if expires > now + MAX_LIFETIME:
            raise TokenRefused("expired", f"it lives longer than {MAX_LIFETIME / 3600:g} hours: workloads come with fresh tokens")
        for key in [key for key, until in self._seen.items() if until <= now]:
            del self._seen[key]
        # what is signed and not the signature: of some algorithms, a valid one makes another
        marks = {_mark(token.rpartition(".")[0])}
        if isinstance(claims.get("jti"), str):
            marks.add(_mark(f"{claims['iss']} {claims['jti']}"))
        if marks & self._seen.keys():
            raise TokenRefused("replayed", "it was used already: each of a workload's tokens is taken once")
        if len(self._seen) >= MAX_SEEN:
            raise TokenRefused("replayed", "too many tokens are remembered to tell whether it is a new one")
        self._seen.update(dict.fromkeys(marks, expires + MAX_SKEW))
        # written before anything is given for it: a restart must not make it new again
        write_private_json(self._seen_file, {"version": 1, "used": [{"mark": m, "until": until} for m, until in self._seen.items()]})


def check_claims(claims: Mapping[str, Any], wanted: Mapping[str, str | tuple[str, ...]]) -> None:
    """Every claim as the rule has it. Pure. Raises TokenRefused, which names the claim and not its value."""
    for path, texts in wanted.items():
        value = claim_at(claims, path)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise TokenRefused("no-rule", f"its claim {path!r} is no text")
        if not any(_fits(str(value), text) for text in ((texts,) if isinstance(texts, str) else texts)):
            raise TokenRefused("no-rule", f"its claim {path!r} is not what the rule asks for")


def _fits(value: str, pattern: str) -> bool:
    """`*` any characters, `?` one, and nothing else is special. Case counts."""
    parts = re.split(r"([*?])", pattern)
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts), value, re.DOTALL) is not None


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _claimed_issuer(token: str) -> str:
    """Only to find whose keys to check it with; nothing is believed yet."""
    try:
        issuer = jwt.decode(token[: MAX_TOKEN + 1], options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("malformed", "it is no signed token") from None
    return issuer if isinstance(issuer, str) else ""


def _keys(workload: WorkloadConfig, directory: Path, clock: Callable[[], float]) -> IssuerKeys:
    try:
        return IssuerKeys(workload, directory, clock)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot be used: {error}", key=f"identity.workload.{workload.name}.ca") from error
