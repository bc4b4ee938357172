from __future__ import annotations

import pytest

from jupyter_govern_gateway.net.dialogue import send_to_target
from jupyter_govern_gateway.net.peer import Peer


@pytest.mark.parametrize("data", [b"Q\0\0\0\x0dselect 1\0", None, object()])
def test_the_only_function_that_writes_to_a_target_takes_permitted_bytes_only(data: object) -> None:
    with pytest.raises(PermissionError):
        send_to_target(Peer(), data)  # type: ignore[arg-type]


def test_it_is_the_only_one() -> None:
    """Nothing else in the package calls `write` on a target's socket."""
    import re
    from pathlib import Path

    from jupyter_govern_gateway import net

    folder = Path(net.__file__).parent
    calls = [
        f"{path.name}: {line.strip()}"
        for path in folder.glob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"\b_?target\.(write|transport)\b", line)
    ]
    assert calls == []
