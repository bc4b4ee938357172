"""May this function be called where masks or statement rules exist? Answers by name, from the catalog; what is not known is refused."""

from __future__ import annotations

from typing import Final

from jupyter_govern_gateway.sql.catalog import Function
from jupyter_govern_gateway.sql.catalog_load import HARMLESS_EXTENSIONS

SERVER_FILES: Final = frozenset(
    {"lo_import", "lo_export", "pg_read_file", "pg_read_binary_file", "pg_stat_file", "pg_ls_dir", "pg_ls_logdir", "pg_ls_waldir",
     "pg_ls_tmpdir", "pg_ls_archive_statusdir", "pg_ls_logicalmapdir", "pg_ls_logicalsnapdir", "pg_ls_replslotdir", "pg_ls_summariesdir",
     "pg_current_logfile", "pg_file_write", "pg_file_read", "pg_file_rename", "pg_file_unlink", "pg_file_sync", "pg_logdir_ls",
     "pg_hba_file_rules", "pg_ident_file_mappings", "pg_show_all_file_settings"}
)  # fmt: skip
DYNAMIC: Final = frozenset(
    {"query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema", "table_to_xml",
     "table_to_xmlschema", "table_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema",
     "database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema", "ts_stat", "ts_rewrite"}
)  # fmt: skip
DATA: Final = frozenset(
    {"lo_get", "loread", "lowrite", "lo_open", "lo_put", "lo_from_bytea", "lo_create", "lo_creat", "lo_unlink", "lo_truncate",
     "lo_truncate64", "lo_lseek", "lo_lseek64", "lo_tell", "lo_tell64", "lo_close", "pg_stat_get_activity", "pg_stat_get_backend_activity",
     "pg_cursor", "pg_prepared_statement", "pg_prepared_xact", "pg_get_multixact_members", "pg_mcv_list_items", "pg_stats_ext_mcvlist_items",
     "pg_replication_origin_advance", "pg_export_snapshot", "pg_get_shmem_allocations", "pg_get_backend_memory_contexts", "setseed"}
) - {"setseed"}  # fmt: skip
SAFE_VOLATILE: Final = frozenset(
    {"random", "random_normal", "setseed", "nextval", "currval", "lastval", "setval", "clock_timestamp", "timeofday", "gen_random_uuid",
     "uuidv4", "uuidv7", "pg_sleep", "pg_sleep_for", "pg_sleep_until", "pg_notify", "pg_backend_pid", "txid_current", "txid_current_if_assigned",
     "pg_current_xact_id", "pg_current_xact_id_if_assigned", "pg_advisory_lock", "pg_advisory_unlock", "pg_advisory_unlock_all",
     "pg_try_advisory_lock", "pg_advisory_xact_lock", "pg_try_advisory_xact_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock_shared",
     "pg_advisory_unlock_shared", "pg_advisory_xact_lock_shared", "pg_try_advisory_xact_lock_shared", "pg_relation_size",
     "pg_total_relation_size", "pg_table_size", "pg_indexes_size", "pg_database_size", "pg_tablespace_size", "pg_relation_filenode",
     "pg_relation_filepath", "pg_is_in_recovery", "pg_current_wal_lsn", "pg_last_wal_replay_lsn", "pg_blocking_pids", "pg_lock_status",
     "pg_listening_channels", "pg_notification_queue_usage", "pg_stat_get_numscans", "pg_sequence_last_value", "pg_get_sequence_data",
     "pg_show_all_settings", "pg_timezone_names", "pg_timezone_abbrevs", "pg_stat_get_snapshot_timestamp", "pg_collation_actual_version",
     "pg_database_collation_actual_version", "pg_isolation_test_session_is_blocked", "pg_safe_snapshot_blocking_pids", "set_config",
     "pg_config", "pg_get_wal_replay_pause_state", "pg_available_extensions", "pg_available_extension_versions", "pg_extension_update_paths",
     "pg_column_compression", "pg_column_size", "pg_partition_ancestors", "pg_partition_tree",
     "pg_partition_root", "current_query"}
)  # fmt: skip
SETTINGS: Final = frozenset({"current_setting", "set_config"})


def server_file(name: str) -> bool:
    return name in SERVER_FILES


def server_data(function: Function) -> bool:
    """Whether it reads the server's files, data past the tables, or runs text as SQL."""
    return function.schema == "pg_catalog" and function.name in SERVER_FILES | DYNAMIC | DATA


def problem_of(function: Function) -> str:
    """Why a call of this function of PostgreSQL or of an extension cannot be judged safe, or ""."""
    name = function.name
    if function.schema != "pg_catalog":
        if function.schema == "information_schema" or function.extension in HARMLESS_EXTENSIONS:
            return ""
        return f"function {function.schema}.{name} runs code that the gateway does not read"
    if name in SERVER_FILES:
        return f"function {name} reads or writes files of the server"
    if name in DYNAMIC:
        return f"function {name} runs SQL that it is given as text"
    if name in DATA:
        return f"function {name} reads data past the tables"
    if function.volatility != "v" or function.kind in ("a", "w"):
        return ""
    if name in SAFE_VOLATILE or name.startswith(("pg_stat_get_", "has_", "pg_has_")):
        return ""
    return f"function {name} has effects that the gateway does not judge"
