"""Verify a folder of jupyter-govern recordings with public keys only. Needs Python 3.11 and `cryptography`, nothing of jupyter-govern.

    python verifier.py STATE_DIR/recordings --key signing.pub [--key older.pub] [--anchor SEQ:HASH]

Exit 0: nothing was changed. 1: something was (each problem on a line of standard error). docs/recording-verify.md explains.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

TYPES = set(
    "session-open operation approval result output end wire-check note session-close "
    "gateway policy login token session signature watch".split()
)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(entry: dict) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_keys(paths: list[Path]) -> dict:
    """Public keys by id: the first 16 hex digits of the SHA-256 of the raw key."""
    keys = {}
    for path in paths:
        for block in re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", path.read_bytes(), re.DOTALL):
            key = load_pem_public_key(block)
            keys[sha(key.public_bytes(Encoding.Raw, PublicFormat.Raw))[:16]] = key
    if not keys:
        raise SystemExit("no public key was given")
    return keys


class Verifier:
    def __init__(self, folder: Path, keys: dict, anchors: dict[int, str]) -> None:
        self.folder, self.keys, self.anchors = folder, keys, anchors
        self.problems: list[str] = []
        self.notes: list[str] = []

    def chain(self, path: Path, label: str) -> tuple[list[dict], int]:
        """The entries of one file, and the number of the last entry that a good signature covers."""
        entries, covered, closed, prev = [], 0, False, sha(b"jupyter-govern recording 1\0" + path.stem.encode())
        data = path.read_bytes() if path.exists() else b""
        lines = data.split(b"\n")
        if not data or lines.pop() != b"":
            self.problems.append(f"{label}: is missing, empty or torn")
            return [], 0
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                body = {key: value for key, value in entry.items() if key != "hash"}
                good = (
                    canonical(entry) == line and entry["v"] == 1 and entry["type"] in TYPES
                    and entry["seq"] == number and entry["prev"] == prev and entry["hash"] == sha(canonical(body))
                    and not (closed and (entry["type"] != "signature" or entries[-1]["type"] == "signature"))
                )  # fmt: skip
            except (ValueError, KeyError, AttributeError, TypeError):
                good = False
            if not good:
                self.problems.append(f"{label}: entry {number} was edited, cut or moved")
                return [], 0
            if entry["type"] == "signature":
                if self.is_signed(entry, path.stem):
                    covered = number
                else:
                    self.problems.append(f"{label}: entry {number}: the signature does not fit, or its key is not accepted")
            closed = closed or entry["type"] == "session-close"
            prev = entry["hash"]
            entries.append(entry)
        return entries, covered

    def is_signed(self, entry: dict, name: str) -> bool:
        """A signature says: entry number seq - 1 of the recording `name` has the hash `prev`."""
        said = b"jupyter-govern head 1\0" + f"{name}\0{entry['seq'] - 1}\0{entry['prev']}".encode()
        try:
            self.keys[entry["key"]].verify(bytes.fromhex(entry["signature"]), said)
        except (KeyError, ValueError, TypeError, InvalidSignature):
            return False
        return True

    def run(self) -> None:
        log, covered = self.chain(self.folder / "gateway.jsonl", "gateway.jsonl")
        if log and not covered:
            self.problems.append("gateway.jsonl: is not signed")
        for seq, head in self.anchors.items():
            if seq > len(log) or log[seq - 1]["hash"] != head:
                self.problems.append(f"gateway.jsonl: entry {seq} is not the one that was kept elsewhere")
        if covered < len(log):
            self.notes.append(f"gateway.jsonl: {len(log) - covered} entries at its end are not signed (yet)")
        elif log and log[-2].get("event") != "stopped":
            self.notes.append("gateway.jsonl: does not end with a stop: the gateway runs, was killed, or the end was cut")
        opened, closes = set(), {}
        for entry in log:
            if entry["type"] == "session" and entry["event"] == "open":
                opened.add(entry["session"])
            elif entry["type"] == "session":
                closes[entry["session"]] = entry
        seen = set()
        for path in sorted(self.folder.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl")):
            name, label = path.stem, f"session {path.stem}"
            entries, signed = self.chain(path, label)
            if name in seen:
                self.problems.append(f"{label}: there are two recordings of it")
            seen.add(name)
            if not entries:
                continue
            if name not in opened and name not in closes:
                self.problems.append(f"{label}: the gateway's log knows nothing of it")
            elif name not in closes:
                self.notes.append(f"{label}: is open as far as the log says, {len(entries)} entries")
            elif closes[name]["head"] != entries[-1]["hash"]:
                self.problems.append(f"{label}: does not end as the gateway's log says: it was replaced or cut")
            elif closes[name]["seq"] > covered and signed != len(entries):
                self.problems.append(f"{label}: is not signed")
        for name in sorted((opened | closes.keys()) - seen):
            self.problems.append(f"session {name}: is in the gateway's log, but its recording is missing")
        self.notes.append(f"{len(seen)} sessions; the log's head is {len(log)}:{log[-1]['hash'] if log else ''}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", type=Path, action="append", required=True, help="PEM file with public keys; more than once for more")
    parser.add_argument("--anchor", action="append", default=[], metavar="SEQ:HASH", help="a head of gateway.jsonl that was kept elsewhere")
    args = parser.parse_args()
    anchors = {int(seq): head for seq, _, head in (anchor.partition(":") for anchor in args.anchor)}
    verifier = Verifier(args.folder, read_keys(args.key), anchors)
    verifier.run()
    print("\n".join(verifier.notes))
    print("\n".join(verifier.problems) or "nothing was changed", file=sys.stderr if verifier.problems else sys.stdout)
    return 1 if verifier.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
