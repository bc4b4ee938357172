"""Compile the gateway's per-statement path with mypyc: the same files, as extension modules beside them. Needs a C compiler.

`make compiled` builds in place, `make uncompiled` removes what it built; hatch_build.py builds for a wheel. The modules are those
that every message passes; everything else stays as it is, and all of it runs uncompiled where there is no compiler.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "gateway"
PACKAGE: Final = "jupyter_govern_gateway"
GROUP: Final = "jupyter_govern_gateway_compiled"
MODULES: Final = (
    "codecs/postgresql/frames",
    "codecs/postgresql/frontend",
    "codecs/postgresql/backend",
    "codecs/postgresql/fields",
    "adapters/steps",
    "adapters/postgresql/entries",
    "adapters/postgresql/names",
    "adapters/postgresql/outgoing",
    "adapters/postgresql/exchange",
    "adapters/postgresql/planning",
    "adapters/postgresql/asking",
    "adapters/postgresql/simple",
    "adapters/postgresql/extended",
    "adapters/postgresql/client_side",
    "adapters/postgresql/target_side",
    "adapters/postgresql/answers",
    "adapters/postgresql/sampling",
    "adapters/postgresql/wire_check",
    "recorder/chain",
    "recorder/session",
    "gate",
    "net/peer",
    "net/session",
    "net/door",
)


def build(target: Path) -> list[Path]:
    """Compile below `target`; returns the extension modules as paths relative to it."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    target.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(SOURCE)
    os.environ.setdefault("MYPY_CACHE_DIR", str(target / "mypy-cache"))
    os.environ["MYPYPATH"] = str(ROOT)
    try:
        options = ["--config-file", str(ROOT / "pyproject.toml")]
        extensions = mypycify(
            [*options, *(f"{PACKAGE}/{module}.py" for module in MODULES)], opt_level="2", target_dir=str(target / "c"), group_name=GROUP
        )
        distribution = Distribution({"name": PACKAGE, "ext_modules": extensions})
        command = distribution.get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(target / "lib"), str(target / "objects")
        command.ensure_finalized()
        command.run()
    finally:
        os.chdir(before)
    return sorted(path.relative_to(target / "lib") for path in (target / "lib").rglob(f"*{suffix()}"))


def suffix() -> str:
    """What an extension module's file name ends with, for this interpreter."""
    return str(sysconfig.get_config_var("EXT_SUFFIX"))


def remove() -> int:
    """Take away what was built in place."""
    names = {Path(module).name for module in MODULES}
    found = [path for path in SOURCE.rglob("*.so") if path.name.split(".")[0] in names or path.name.startswith(GROUP)]
    for path in found:
        path.unlink()
    return len(found)


def main(arguments: list[str]) -> int:
    remove()
    if "--remove" in arguments:
        return 0
    target = ROOT / "build" / "compiled"
    for path in build(target):
        (SOURCE / path).write_bytes((target / "lib" / path).read_bytes())
    print(f"compiled {len(MODULES)} modules in place; `make uncompiled` goes back")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
