"""Which parts of PostgreSQL's grammar are understood. What is not in here is refused by name (fail closed)."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from jupyter_govern.model import Verb

How = Literal["walk", "plain", "admin", "refuse"]
"""walk: every node inside must be understood. plain: nothing inside can read or write data. admin: harmless only where nothing
is masked, since it can move data from under a mask's name. refuse: cannot be judged."""


class Shape(NamedTuple):
    kind: str
    verb: Verb
    how: How


EXPRESSIONS: Final = frozenset(
    "A_Expr ColumnRef ParamRef A_Const FuncCall A_Star A_Indices A_Indirection A_ArrayExpr ResTarget MultiAssignRef TypeCast CollateClause"
    " SortBy WindowDef RangeSubselect RangeFunction RangeTableSample RangeTableFunc RangeTableFuncCol RangeVar JoinExpr BoolExpr NullTest"
    " BooleanTest CaseExpr CaseWhen CoalesceExpr MinMaxExpr SQLValueFunction XmlExpr XmlSerialize GroupingFunc GroupingSet SubLink RowExpr"
    " NamedArgExpr LockingClause WithClause CommonTableExpr CTESearchClause CTECycleClause SelectStmt IntoClause Alias List String Integer"
    " Float Boolean BitString TypeName JsonFuncExpr JsonValueExpr JsonFormat JsonOutput JsonReturning JsonObjectConstructor"
    " JsonArrayConstructor JsonArrayQueryConstructor JsonAggConstructor JsonObjectAgg JsonArrayAgg JsonIsPredicate JsonParseExpr"
    " JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn JsonTablePathSpec JsonArgument JsonBehavior JsonKeyValue InsertStmt"
    " UpdateStmt DeleteStmt MergeStmt MergeWhenClause InferClause OnConflictClause ReturningClause ReturningOption SetToDefault DefElem"
    " IndexElem CurrentOfExpr NamespaceOption".split()
)
DEFINITIONS: Final = frozenset(
    "ColumnDef Constraint IndexElem PartitionSpec PartitionElem PartitionBoundSpec TableLikeClause ObjectWithArgs RoleSpec".split()
)

STATEMENTS: Final[dict[str, Shape]] = {
    "select_stmt": Shape("select", "read", "walk"),
    "insert_stmt": Shape("insert", "write", "walk"),
    "update_stmt": Shape("update", "write", "walk"),
    "delete_stmt": Shape("delete", "write", "walk"),
    "merge_stmt": Shape("merge", "write", "walk"),
    "copy_stmt": Shape("copy", "read", "walk"),
    "explain_stmt": Shape("explain", "read", "walk"),
    "prepare_stmt": Shape("prepare", "read", "walk"),
    "execute_stmt": Shape("execute", "read", "walk"),
    "deallocate_stmt": Shape("deallocate", "connect", "plain"),
    "declare_cursor_stmt": Shape("declare", "read", "walk"),
    "fetch_stmt": Shape("fetch", "read", "plain"),
    "close_portal_stmt": Shape("close", "connect", "plain"),
    "transaction_stmt": Shape("transaction", "connect", "plain"),
    "constraints_set_stmt": Shape("set", "connect", "plain"),
    "variable_set_stmt": Shape("set", "connect", "walk"),
    "variable_show_stmt": Shape("show", "connect", "plain"),
    "discard_stmt": Shape("discard", "connect", "plain"),
    "listen_stmt": Shape("listen", "connect", "plain"),
    "unlisten_stmt": Shape("unlisten", "connect", "plain"),
    "notify_stmt": Shape("notify", "connect", "plain"),
    "lock_stmt": Shape("lock", "write", "walk"),
    "vacuum_stmt": Shape("vacuum", "define", "plain"),
    "checkpoint_stmt": Shape("checkpoint", "execute", "plain"),
    "truncate_stmt": Shape("truncate", "write", "walk"),
    "create_stmt": Shape("create", "define", "walk"),
    "create_table_as_stmt": Shape("create", "define", "walk"),
    "index_stmt": Shape("create", "define", "walk"),
    "create_seq_stmt": Shape("create", "define", "plain"),
    "alter_seq_stmt": Shape("alter", "define", "plain"),
    "create_schema_stmt": Shape("create", "define", "admin"),
    "create_enum_stmt": Shape("create", "define", "plain"),
    "composite_type_stmt": Shape("create", "define", "plain"),
    "view_stmt": Shape("create", "define", "walk"),
    "create_role_stmt": Shape("create", "define", "admin"),
    "alter_role_stmt": Shape("alter", "define", "admin"),
    "alter_role_set_stmt": Shape("alter", "define", "admin"),
    "drop_stmt": Shape("drop", "define", "plain"),
    "drop_role_stmt": Shape("drop", "define", "admin"),
    "drop_owned_stmt": Shape("drop", "define", "admin"),
    "dropdb_stmt": Shape("drop", "define", "admin"),
    "drop_table_space_stmt": Shape("drop", "define", "admin"),
    "drop_subscription_stmt": Shape("drop", "define", "admin"),
    "drop_user_mapping_stmt": Shape("drop", "define", "admin"),
    "reassign_owned_stmt": Shape("alter", "define", "admin"),
    "rename_stmt": Shape("alter", "define", "admin"),
    "alter_table_stmt": Shape("alter", "define", "admin"),
    "grant_stmt": Shape("grant", "define", "plain"),
    "grant_role_stmt": Shape("grant", "define", "plain"),
    "alter_default_privileges_stmt": Shape("grant", "define", "plain"),
    "comment_stmt": Shape("comment", "define", "plain"),
    "refresh_mat_view_stmt": Shape("refresh", "define", "plain"),
    "reindex_stmt": Shape("reindex", "define", "plain"),
    "cluster_stmt": Shape("cluster", "define", "plain"),
    "do_stmt": Shape("do", "execute", "refuse"),
    "call_stmt": Shape("call", "execute", "refuse"),
    "load_stmt": Shape("load", "execute", "refuse"),
    "create_function_stmt": Shape("create", "define", "refuse"),
    "rule_stmt": Shape("create", "define", "refuse"),
    "create_trig_stmt": Shape("create", "define", "refuse"),
}
"""Statements by libpg_query's name. Any other one is refused where something is masked, blocked or needs approval."""

ALTERING: Final = ("alter_", "rename_")
DROPPING: Final = ("drop", "remove_")
CREATING: Final = ("create", "define_", "import_", "view_", "rule_")


def shape_of(statement: str) -> Shape:
    """How to treat a statement; unknown ones get the nearest kind and are refused."""
    if (found := STATEMENTS.get(statement)) is not None:
        return found
    for prefixes, kind in ((ALTERING, "alter"), (DROPPING, "drop"), (CREATING, "create")):
        if statement.startswith(prefixes):
            return Shape(kind, "define", "refuse")
    return Shape(statement.removesuffix("_stmt").replace("_", "-"), "execute", "refuse")
