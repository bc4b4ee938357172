"""Verify a folder of jupyter-govern recordings with public keys only. Needs Python 3.11 and `cryptography`, nothing of jupyter-govern.

    python verifier.py STATE_DIR/recordings --key signing.pub [--key older.pub] [--anchor SEQ:HASH] [--witness FILE]

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


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(entry: dict) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_keys(paths: list[Path]) -> dict:
    """Public keys by id: the first 16 hex digits of the SHA-256 of the raw key."""
    blocks = re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", b"".join(p.read_bytes() for p in paths), re.DOTALL)
    keys = [load_pem_public_key(block) for block in blocks]
    return {sha(key.public_bytes(Encoding.Raw, PublicFormat.Raw))[:16]: key for key in keys}


class Verifier:
    def __init__(self, folder: Path, keys: dict) -> None:
        self.folder, self.keys = folder, keys
        self.problems, self.notes = [], []

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
                    canonical(entry) == line and entry["v"] == 1 and entry["seq"] == number
                    and entry["prev"] == prev and entry["hash"] == sha(canonical(body))
                    and not (closed and (entry["type"] != "signature" or entries[-1]["type"] == "signature"))
                )  # fmt: skip
            except (ValueError, KeyError, AttributeError, TypeError):
                good = False
            if not good:
                self.problems.append(f"{label}: entry {number} was edited, cut or moved")
                return [], 0
            if entry["type"] == "signature" and self.is_signed(entry, path.stem):
                covered = number
            elif entry["type"] == "signature":
                self.problems.append(f"{label}: entry {number}: the signature does not fit, or its key is not accepted")
            closed = closed or entry["type"] == "session-close"
            prev = entry["hash"]
            entries.append(entry)
        return entries, covered

    def is_signed(self, entry: dict, name: str) -> bool:
        """It says: entry number seq - 1 of the recording `name` has the hash `prev`."""
        said = b"jupyter-govern head 1\0" + f"{name}\0{entry['seq'] - 1}\0{entry['prev']}".encode()
        try:
            return self.keys[entry["key"]].verify(bytes.fromhex(entry["signature"]), said) is None
        except (KeyError, ValueError, TypeError, InvalidSignature):
            return False

    def heads(self, path: Path, log: list[dict]) -> None:
        """Signed heads of the log that are kept outside it: the log must still have them."""
        for line in path.read_bytes().splitlines(keepends=True) if path.exists() else [b""]:
            try:
                head = json.loads(line)
                entry = {"seq": head["seq"] + 1, "prev": head["hash"], "key": head["key"], "signature": head["signature"]}
                good = log[head["seq"] - 1]["hash"] == head["hash"] and self.is_signed(entry, "gateway")
                good = good and head["seq"] > 0 and canonical(head) + b"\n" == line and head["signature"] == head["signature"].lower()
            except (ValueError, KeyError, TypeError, IndexError):
                good = False
            if not good:
                self.problems.append(f"{path.name}: is missing, is no signed head, or gateway.jsonl was cut behind it")

    def run(self, witnesses: list[Path], anchors: list[str]) -> None:
        log, covered = self.chain(self.folder / "gateway.jsonl", "gateway.jsonl")
        for path in [self.folder / "gateway.head", *witnesses]:
            self.heads(path, log)
        for anchor in anchors:
            if anchor not in {f"{entry['seq']}:{entry['hash']}" for entry in log}:
                self.problems.append(f"gateway.jsonl: entry {anchor} is not the one that was kept elsewhere")
        if log and log[-2:][0].get("event") != "stopped":
            self.notes.append(f"gateway.jsonl: does not end with a signed stop; {len(log) - covered} entries at its end are not signed")
        said, seen = {}, set()
        for entry in log:
            if entry["type"] == "session":
                said.setdefault(entry["session"], {})[entry["event"]] = entry
        for path in sorted(self.folder.glob("[0-9]*/[0-9]*/[0-9]*/[!.]*.jsonl*")):
            name, form = path.name.split(".jsonl")
            if (name, form) in seen:
                self.problems.append(f"session {name}: there are two recordings of it")
            seen.add((name, form))
            self.session(path, name, said.get(name, {}), covered)
        for name in sorted(said.keys() - {name for name, _ in seen}):
            if not 0 < said[name].get("deleted", {"seq": 0})["seq"] <= covered:
                self.problems.append(f"session {name}: is in the gateway's log, but neither its recording nor a signed tombstone is there")
        self.notes.append(f"{len(seen)} recordings; the log's head is {len(log)}:{log[-1]['hash'] if log else ''}")

    def session(self, path: Path, name: str, said: dict, covered: int) -> None:
        label, stored, close = f"session {name}", said.get("stored"), said.get("close")
        if path.suffix != ".jsonl":  # compressed, perhaps encrypted: the log has the digest of the last form in which it was stored
            if not stored or stored["seq"] > covered or hashlib.sha256(path.read_bytes()).hexdigest() != stored["sha256"]:
                self.problems.append(f"{label}: is not as the gateway stored it")
            return
        entries, signed = self.chain(path, label)
        if not said:
            self.problems.append(f"{label}: the gateway's log knows nothing of it")
        elif entries and not close:
            self.notes.append(f"{label}: is open as far as the log says, {len(entries)} entries")
        elif entries and close["head"] != entries[-1]["hash"]:
            self.problems.append(f"{label}: does not end as the gateway's log says: it was replaced or cut")
        elif entries and close["seq"] > covered and signed != len(entries):
            self.problems.append(f"{label}: is not signed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", type=Path, action="append", required=True, help="PEM file with public keys; more than once for more")
    parser.add_argument("--anchor", action="append", default=[], metavar="SEQ:HASH", help="a head of gateway.jsonl that was kept elsewhere")
    parser.add_argument("--witness", type=Path, action="append", default=[], help="a file with signed heads, as a witness keeps it")
    args = parser.parse_args()
    verifier = Verifier(args.folder, read_keys(args.key))
    verifier.run(args.witness, args.anchor)
    print("\n".join(verifier.notes))
    print("\n".join(verifier.problems) or "nothing was changed", file=sys.stderr if verifier.problems else sys.stdout)
    return 1 if verifier.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
