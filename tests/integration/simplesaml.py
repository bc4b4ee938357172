"""SimpleSAMLphp, a SAML identity provider that others wrote, in a folder of its own: people, a fresh key, and whoever its metadata names.

`php -S` serves it on loopback. The program is Debian's package, unpacked below .compat/ by `make simplesaml`, or installed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Final

from jupyter_govern.demo.postgres import free_port
from jupyter_govern.demo.processes import Child, says_ok

UNPACKED: Final = Path(__file__).resolve().parents[2] / ".compat" / "debian" / "simplesamlphp" / "usr" / "share" / "simplesamlphp"
INSTALLED: Final = Path("/usr/share/simplesamlphp")
PEOPLE: Final = {
    "ida": ("correct horse battery", ["CN=Analysts,OU=Groups,DC=example,DC=org", "staff"]),
    "olaf": ("olaf's & Söhne", ["staff"]),
}
EMAIL: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

CONFIG: Final = """<?php
$config = [
    'baseurlpath' => '{url}/', 'certdir' => '{folder}/', 'loggingdir' => '{folder}/', 'datadir' => '{folder}/', 'tempdir' => '{folder}/tmp',
    'metadatadir' => '{folder}/', 'secretsalt' => '{secret}', 'auth.adminpassword' => '{secret}', 'timezone' => 'UTC',
    'technicalcontact_email' => 'na@example.org',
    'logging.level' => SimpleSAML\\Logger::INFO, 'logging.handler' => 'file', 'logging.logfile' => 'idp.log', 'statistics.out' => [],
    'showerrors' => true, 'errorreporting' => false, 'admin.checkforupdates' => false,
    'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession', 'session.phpsession.savepath' => '{folder}/tmp', 'session.cookie.secure' => false,
    'session.cookie.samesite' => null, 'metadata.sources' => array_merge(
        [['type' => 'flatfile']],
        array_map(fn ($file) => ['type' => 'xml', 'file' => $file], glob('{folder}/partners/*.xml')),
    ),
];
"""
SOURCES: Final = """<?php
$config = ['people' => ['exampleauth:UserPass', {people}]];
"""
HOSTED: Final = """<?php
$metadata['{url}/saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.pem', 'auth' => 'people',
    'NameIDFormat' => '{email}',
    'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'mail', 'Format' => '{email}']],
    {more}
];
"""


def program() -> Path | None:
    """Where SimpleSAMLphp lies."""
    return next((place for place in (UNPACKED, INSTALLED) if (place / "www" / "saml2").is_dir()), None)


def missing() -> str:
    """What this machine lacks; empty where everything is there."""
    if program() is None:
        return "no SimpleSAMLphp: make simplesaml"
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout if shutil.which("php") else ""
    if "dom" not in modules.split():
        return "no PHP with its XML module: make simplesaml"
    return "" if shutil.which("xmlsec1") else "no xmlsec1: make simplesaml"


class SimpleSaml:
    """The provider, running."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="govern-simplesaml-")
        self.folder = Path(self._folder.name)
        self._port = free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """By another name than the gateway's 127.0.0.1, so that browsers take it for another site."""
        return f"http://localhost:{self._port}"

    @property
    def entity_id(self) -> str:
        return f"{self.url}/saml2/idp/metadata.php"

    def __enter__(self) -> SimpleSaml:
        for name in ("tmp", "partners"):
            (self.folder / name).mkdir()
        self._write()
        self.new_key()
        environment = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(self.folder)}
        serve = ["php", "-d", "display_errors=0", "-d", "opcache.enable=0", "-S", f"127.0.0.1:{self._port}", "-t", f"{program()}/www"]
        self._child = Child("SimpleSAMLphp", serve, log=self.folder / "php.log", environment=environment, directory=self.folder)
        self._child.wait_until(lambda: says_ok(self.entity_id), 30)
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.stop()
        self._folder.cleanup()

    def behave(self, more: str = "") -> None:
        """more: options of its own entry, in PHP; they win over those that it has."""
        (self.folder / "saml20-idp-hosted.php").write_text(HOSTED.format(url=self.url, email=EMAIL, more=more))

    def new_key(self) -> None:
        """It signs with a fresh key and certificate from here on."""
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=simplesaml"]
        subprocess.run([*command, "-keyout", "idp.key", "-out", "idp.pem"], cwd=self.folder, check=True, capture_output=True)

    def _write(self) -> None:
        (self.folder / "config.php").write_text(CONFIG.format(url=self.url, folder=self.folder, secret=secrets.token_hex(16)))
        people = ", ".join(_person(name, *said) for name, said in PEOPLE.items())
        (self.folder / "authsources.php").write_text(SOURCES.format(people=people))
        self.behave()

    def metadata(self) -> str:
        """What it says of itself: the document that an operator gives the gateway."""
        with urllib.request.urlopen(self.entity_id, timeout=10) as answer:
            return str(answer.read().decode())

    def trust(self, name: str, metadata: str) -> None:
        """Let it know a service by the service's own metadata."""
        (self.folder / "partners" / f"{name}.xml").write_text(metadata)

    def log(self) -> str:
        """What it says of requests and logins."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))


def _person(name: str, password: str, groups: list[str]) -> str:
    values = {"uid": [name], "mail": [f"{name}@example.org"], "groups": groups}
    said = ", ".join(f"{_quoted(key)} => [{', '.join(map(_quoted, each))}]" for key, each in values.items())
    return f"{_quoted(f'{name}:{password}')} => [{said}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
