"""The gateway's certificate authority: where it is, its fingerprint, and how clients come to trust it.

  jupyter govern trust                       its file, fingerprint, and what to tell psql, Python, browsers, this system
  jupyter govern trust --export gateway.pem  a copy, for another machine
  jupyter govern trust --ca FILE             the same for a file that was copied here: compare the fingerprint

It changes nothing on this machine: making a system or a browser trust an authority is its owner's to do.
"""

from __future__ import annotations

import argparse
import binascii
import hashlib
import shlex
import ssl
import sys
from pathlib import Path

from jupyter_govern.commands import _place
from jupyter_govern.errors import GovernError

MAX_FILE = 256 * 1024
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

SYSTEM = {
    "Debian, Ubuntu": "sudo cp {file} /usr/local/share/ca-certificates/jupyter-govern.crt && sudo update-ca-certificates",
    "Fedora, RHEL": "sudo cp {file} /etc/pki/ca-trust/source/anchors/jupyter-govern.pem && sudo update-ca-trust",
    "macOS": "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}",
    "Windows": "certutil -addstore -f Root {file}",
}


class NoAuthority(GovernError):
    """There is no authority of the gateway's own to tell of."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("--ca", type=Path, default=None, metavar="FILE", help="this one, not that of the gateway that runs here")
    parser.add_argument("--export", type=Path, default=None, metavar="FILE", help="write a copy of the authority's certificate")


def run(args: argparse.Namespace) -> int:
    """Tell, or export."""
    file = args.ca or _own(args.url)
    pem = read_authority(file)
    if args.export is not None:
        _export(pem, args.export)
        print(f"{args.export} holds the authority now. Compare its fingerprint where you copy it to:", file=sys.stderr)
        file = args.export
    print(instructions(file.resolve(), pem))
    return 0


def _own(url: str) -> Path:
    found = _place.find(url)
    if not found.ca_file:
        raise NoAuthority(
            f"of {found.url} no authority of its own is known on this machine.",
            "Run this where the gateway runs, or give --ca FILE; a certificate of a public authority needs nothing.",
        )
    return Path(found.ca_file)


def read_authority(path: Path) -> str:
    """The certificates in a PEM file, and nothing else that may be in it. Raises GovernError."""
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(MAX_FILE)
    except (OSError, ValueError) as problem:
        raise GovernError(f"{path} cannot be read: {getattr(problem, 'strerror', None) or 'it is not PEM'}") from None
    parts = [BEGIN + part.partition(END)[0] + END + "\n" for part in text.split(BEGIN)[1:] if END in part]
    if not parts:
        raise GovernError(f"{path} holds no certificate")
    return "".join(parts)


def fingerprint(pem: str) -> str:
    """SHA-256 of the first certificate, as browsers show it. Raises GovernError."""
    try:
        der = ssl.PEM_cert_to_DER_cert(pem[: pem.index(END) + len(END)])
    except (ValueError, binascii.Error) as problem:
        raise GovernError(f"this is no certificate: {problem}") from None
    digest = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def instructions(file: Path, pem: str) -> str:
    """How each kind of client comes to trust it."""
    quoted = shlex.quote(str(file))
    lines = [
        f"authority    {file}",
        f"SHA-256      {fingerprint(pem)}",
        "",
        "psql, libpq  " + f'psql "host=… port=6432 dbname=TARGET user=YOU sslmode=verify-full sslrootcert={file}"',
        "             " + f"or: export PGSSLMODE=verify-full PGSSLROOTCERT={quoted}",
        "Python       " + f'psycopg.connect(…, sslmode="verify-full", sslrootcert={str(file)!r})',
        "             " + f"ssl.create_default_context(cafile={str(file)!r}); for requests: export REQUESTS_CA_BUNDLE={quoted}",
        "JDBC         " + f"jdbc:postgresql://…/TARGET?sslmode=verify-full&sslrootcert={file}",
        "this command " + f"export JUPYTER_GOVERN_CA={quoted}      (not needed on the gateway's own machine)",
        "browsers     Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import; tick `identify websites`.",
        "             Chrome and Edge: the system's authorities; on Linux",
        "             " + f"certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n jupyter-govern -i {quoted}",
        "the system:",
        *(f"  {name:<15}" + command.format(file=quoted) for name, command in SYSTEM.items()),
        "",
        "Compare the fingerprint with what this command says on the gateway's machine before you trust a copy.",
    ]
    return "\n".join(lines)


def _export(pem: str, path: Path) -> None:
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(pem)
    except FileExistsError:
        if read_authority(path) != pem:
            raise GovernError(f"{path} is there already and holds something else: it is not overwritten") from None
    except OSError as problem:
        raise GovernError(f"{path} cannot be written: {problem.strerror}") from None
