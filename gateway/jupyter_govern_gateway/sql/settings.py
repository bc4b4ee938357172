"""Session settings that a person may not change, and those that name a secret. Names are compared in lower case, as PostgreSQL does."""

from __future__ import annotations

from typing import Final

REFUSED: Final = {
    "role": "it changes whose rights count at the target",
    "session_authorization": "it changes whose rights count at the target",
    "session_replication_role": "it switches triggers and foreign keys off",
    "row_security": "it changes which rows are seen",
    "allow_system_table_mods": "it opens the system catalogs",
    "session_preload_libraries": "it loads code",
    "local_preload_libraries": "it loads code",
    "shared_preload_libraries": "it loads code",
    "dynamic_library_path": "it loads code",
    "jit_provider": "it loads code",
    "extension_control_path": "it loads code",
    "ignore_checksum_failure": "it reads damaged pages",
    "zero_damaged_pages": "it destroys damaged pages",
    "log_statement": "it changes what the target logs",
    "log_min_messages": "it changes what the target logs",
    "log_min_error_statement": "it changes what the target logs",
    "debug_print_parse": "it makes the target send its own parse trees",
    "debug_print_rewritten": "it makes the target send its own parse trees",
    "debug_print_plan": "it makes the target send its own plans",
    "client_min_messages": "",
}
OWN: Final = "govern."
VALUE_RULES: Final = {"standard_conforming_strings": frozenset({"on", "true", "yes", "1", "t", "y"})}


def refusal(name: str, value: str | None) -> str:
    """Why this setting may not be changed so, or "". `value` None: not a constant."""
    name = name.lower()
    if name.startswith(OWN):
        return "settings that begin with govern. are the gateway's own"
    if why := REFUSED.get(name, ""):
        return f"SET {name} is refused: {why}"
    if name == "client_min_messages" and (value is None or value.lower().startswith("debug")):
        return "SET client_min_messages to debug is refused: the target would send its own plans"
    allowed = VALUE_RULES.get(name)
    if allowed is not None and (value is None or value.lower() not in allowed):
        return f"SET {name} is refused: strings would end elsewhere than they seem to"
    return ""
