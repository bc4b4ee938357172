"""A secret as a file, for libraries that take a path only: in memory where the system has that, else mode 0600 and removed when done."""

from __future__ import annotations

import contextlib
import os
import tempfile


class SecretFile:
    """`path` holds the text until close(). Only this process and its user can read it."""

    def __init__(self, text: str) -> None:
        data = text.encode()
        if hasattr(os, "memfd_create"):
            self._descriptor = os.memfd_create("govern")
            self.path = f"/proc/self/fd/{self._descriptor}"
            os.fchmod(self._descriptor, 0o600)  # libpq looks at the mode of a key
        else:
            self._descriptor, self.path = tempfile.mkstemp(prefix="govern-")
        with open(self._descriptor, "wb", closefd=False) as file:
            file.write(data)

    def close(self) -> None:
        """The file is gone. May be called twice."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        if not self.path.startswith("/proc/"):
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def __repr__(self) -> str:
        return f"SecretFile({self.path!r})"
