"""The session machine as transcripts: what arrives, what leaves, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.play import (
    BOUND,
    BYE,
    CLOSED,
    COPY_DONE,
    COPY_IN,
    EMPTY,
    FLUSH,
    NO_DATA,
    NO_PARAMETERS,
    PARSED,
    SUSPENDED,
    SYNC,
    Play,
    bind,
    close,
    columns,
    complete,
    copy_data,
    describe,
    error_in,
    execute,
    failed,
    kinds,
    parse,
    query,
    ready,
    row,
)
from adapters.wire_fakes import ANA, compile_text
from jupyter_govern.model import Actor
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.asking import REFUSED_PARSE, REFUSED_QUERY
from jupyter_govern_gateway.adapters.steps import CancelTarget, CloseSession, NeedApproval, StartTimer
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def approve(play: Play, step: NeedApproval) -> None:
    ben = Actor(subject="ben", groups=frozenset({"dba"}))
    digest = step.pending.approval.digest
    play.house.approvals.decide(step.pending.number, ben, "person", "approve", reason="", digest=digest)


def test_an_allowed_statement_passes_as_the_bytes_that_came(play: Play) -> None:
    asked = query("select 1")
    assert play.client(asked) == asked
    answer = columns("n") + row(b"1") + complete("SELECT 1") + ready()
    assert play.target(answer) == answer
    assert [e["type"] for e in play.entries()][-3:] == ["operation", "result", "end"]


def test_the_record_is_written_before_the_target_gets_a_byte(play: Play) -> None:
    play.client_side.feed(query("select 1"))
    assert play.entries()[-1]["type"] == "operation"
    assert len(play.x.to_target) == 1


def test_a_refusal_waits_its_turn_behind_earlier_results(play: Play) -> None:
    first, refused, last = query("select 1"), query("drop table t"), query("select 2")
    assert play.client(first, refused, last) == first + REFUSED_QUERY + last
    one, two = columns("n") + row(b"1") + complete("SELECT 1") + ready(), columns("n") + complete("SELECT 0") + ready()
    said = play.target(one, failed(), ready(), two)
    assert said.startswith(one)
    assert said.endswith(two)
    assert kinds(said) == "TDCZEZTCZ"
    found = error_in(said)
    assert (found["C"], found["M"], found["H"]) == ("42501", "DROP is blocked", "Ask a dba.")
    assert found["D"] == 'rule "no drops": tables are dear'


def test_a_statement_that_cannot_be_parsed_gets_its_position_and_the_target_never_sees_it(play: Play) -> None:
    assert play.client(query("this is syntax")) == b""
    play.compile()
    assert play.sent() == REFUSED_QUERY
    assert error_in(play.target(failed(), ready()))["P"] == "9"


def test_masked_statements_are_replaced_and_error_positions_mapped_back(play: Play) -> None:
    text = "select nope from customers"
    sent = play.client(query(text))
    assert b"mask(email)" in sent
    found = error_in(play.target(failed("42703", 'column "nope" does not exist', P=str(8 + compile_text(text).shift)), ready()))
    assert found["P"] == "8"


def test_details_of_statements_that_touch_masked_data_are_removed(play: Play) -> None:
    play.client(query("select email::int from customers"))
    said = play.target(failed("22P02", "bad", D="raw@example.com", W="raw@example.com", q="raw@example.com"), ready())
    assert b"raw@example.com" not in said


def test_details_of_other_statements_stay(play: Play) -> None:
    play.client(query("select 1/0"))
    answer = failed("22012", "division by zero", D="as it is", W="here") + ready()
    assert play.target(answer) == answer


def test_errors_at_commit_after_a_write_to_masked_data_are_blanked(play: Play) -> None:
    play.client(query("begin"))
    play.target(complete("BEGIN"), ready("T"))
    play.client(query("insert into customers values ('raw')"))
    play.target(complete("INSERT 0 1"), ready("T"))
    play.client(query("commit"))
    said = play.target(failed("23505", 'Key "raw@example.com" is taken', D="raw@example.com"), ready())
    assert b"raw@example.com" not in said


def test_a_result_with_a_masked_origin_is_cut_before_its_first_row(play: Play) -> None:
    play.client(query("select 1"))
    said = play.target(columns("email", origin=(16384, 2)), row(b"raw@example.com"), complete("SELECT 1"), ready())
    assert kinds(said) == "EZ"
    assert b"raw@example.com" not in said
    assert [type(step) for step in play.steps()] == [CancelTarget]
    assert play.door.notes[0][0] == "wire-check"
    assert "raw@example.com" not in str(play.entries())


def test_the_wire_check_works_for_clients_that_never_describe(play: Play) -> None:
    sent = play.client(parse("select 1"), bind(), execute(), SYNC)
    assert kinds(sent) == "PDBES"
    said = play.target(PARSED, NO_PARAMETERS, columns("email", origin=(16384, 2)))
    assert kinds(said) == "1E"
    said = play.target(BOUND, row(b"raw@example.com"), complete("SELECT 1"), ready())
    assert kinds(said) == "Z"
    play.client(bind(), execute(), SYNC)
    assert kinds(play.target(BOUND, failed(), ready())) == "2EZ"


def test_the_gateways_own_describe_is_not_seen_by_the_client(play: Play) -> None:
    play.client(parse("select 1", "s"), SYNC)
    assert play.target(PARSED, NO_PARAMETERS, columns("n"), ready()) == PARSED + ready()


def test_without_masks_nothing_is_added(tmp_path: Path) -> None:
    play = Play(tmp_path, masks=False)
    block = parse("select 1") + bind() + describe("P") + execute() + SYNC
    play.client_side.feed(block)
    assert [permitted.data for permitted in play.x.to_target] == [block]
    assert play.x.to_target[0].data is block


def test_a_refused_parse_fails_and_the_rest_is_skipped_by_the_target_itself(play: Play) -> None:
    assert play.client(parse("drop table t", "s"), bind("s"), execute(), SYNC).startswith(REFUSED_PARSE)
    said = play.target(failed(), ready())
    assert kinds(said) == "EZ"
    assert error_in(said)["C"] == "42501"
    assert play.client(bind("s"), execute(), SYNC).startswith(REFUSED_PARSE)
    assert error_in(play.target(failed(), ready()))["C"] == "26000"


def test_unknown_names_are_refused_in_the_servers_words(play: Play) -> None:
    assert play.client(execute("nobody"), SYNC) == REFUSED_PARSE + SYNC
    assert error_in(play.target(failed(), ready()))["C"] == "34000"


def test_what_a_client_sends_behind_an_error_is_not_run(play: Play) -> None:
    play.client(parse("select 1"), FLUSH)
    play.target(failed("42P01", "no"))
    before = len(play.door.asked)
    assert play.client(bind(), execute(), query("select 2")) == b""
    assert len(play.door.asked) == before
    assert play.client(SYNC, query("select 3")) == SYNC + query("select 3")


async def test_a_name_that_is_uncertain_waits_for_the_answers(play: Play) -> None:
    """Were the second Parse skipped, `s` would still be the delete, run under the permit of the select."""
    play.client(parse("delete from t", "s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, NO_DATA, ready())
    sent = play.client(parse("select nope"), close("S", "s"), parse("select 1", "s"), SYNC, bind("s"), execute(), SYNC)
    assert kinds(sent) == "PDCPDS"
    assert play.x.stall == x.FOR_ANSWERS
    said = play.target(failed("42703", "no such column"), ready())
    assert kinds(said) == "EZ"
    assert kinds(play.sent()) == "B"
    (step,) = play.steps()
    assert isinstance(step, NeedApproval)
    assert step.pending.approval.operation.statement == "delete from t"


def test_within_one_batch_a_name_is_certain(play: Play) -> None:
    play.client(parse("delete from t", "s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, NO_DATA, ready())
    sent = play.client(close("S", "s"), parse("select 1", "s"), bind("s"), execute(), SYNC)
    assert kinds(sent) == "CPDBES"
    assert kinds(play.target(CLOSED, PARSED, NO_PARAMETERS, columns("n"), BOUND, row(b"1"), complete("SELECT 1"), ready())) == "312DCZ"
    assert play.door.asked[-1].statement == "select 1"


def test_parameters_are_part_of_the_operation(play: Play) -> None:
    play.client(parse("select $1", "s"), bind("s", "", b"x", None), execute(), SYNC)
    assert play.door.asked[-1].parameters == (b"x", None)


def test_a_portal_read_in_pieces_is_one_operation(play: Play) -> None:
    play.client(parse("select 1"), bind("", "p"), execute("p", 1), SYNC)
    play.target(PARSED, NO_PARAMETERS, columns("n"), BOUND, row(b"1"), SUSPENDED, ready("T"))
    play.client(execute("p", 1), SYNC)
    play.target(row(b"2"), complete("SELECT 1"), ready("T"))
    assert len(play.door.asked) == 1
    ends = [e for e in play.entries() if e["type"] == "end"]
    assert [(e["rows"], e["tag"]) for e in ends] == [(2, "SELECT 1")]


def test_a_portal_left_behind_is_ended_with_its_transaction(play: Play) -> None:
    play.client(parse("select 1"), bind("", "p"), execute("p", 1), SYNC)
    play.target(PARSED, NO_PARAMETERS, columns("n"), BOUND, row(b"1"), SUSPENDED, ready("I"))
    assert [e["rows"] for e in play.entries() if e["type"] == "end"] == [1]


async def test_an_approval_keeps_the_client_unread_and_runs_after_the_answer(play: Play) -> None:
    assert play.client(query("delete from t"), query("select 1")) == b""
    (step,) = play.steps()
    assert isinstance(step, NeedApproval)
    assert play.x.stall == x.FOR_APPROVAL
    approve(play, step)
    play.client_side.answered(step.ticket, await step.pending.future)
    assert play.sent() == query("delete from t") + query("select 1")


async def test_a_denied_approval_is_a_refusal_in_its_turn(play: Play) -> None:
    play.client(query("delete from t"), query("select 1"))
    (step,) = play.steps()
    assert isinstance(step, NeedApproval)
    step.pending.withdraw("cancelled by the person who asked")
    problem = step.pending.future.exception()
    play.client_side.answered(step.ticket, problem)  # type: ignore[arg-type]
    assert play.sent() == REFUSED_QUERY + query("select 1")
    assert error_in(play.target(failed(), ready()))["C"] == "57014"


async def test_an_approval_fits_the_policy_of_now(play: Play) -> None:
    play.client(query("delete from customers"))
    (step,) = play.steps()
    assert isinstance(step, NeedApproval)
    play.door.current = object()
    play.door.known["delete from customers"] = play.door.look_up("delete from customers x", play.x.planner.naming_for(""))
    approve(play, step)
    play.client_side.answered(step.ticket, await step.pending.future)
    assert play.sent() == REFUSED_QUERY
    assert play.entries()[-1]["error"] == "the policy changed while the statement waited"


async def test_an_answer_is_never_given_to_another_message(play: Play) -> None:
    play.client(parse("delete from t", "s"), bind("s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, NO_DATA, BOUND, ready())
    play.client(bind("s"), execute(), SYNC, query("select 1"))
    (step,) = play.steps()
    assert isinstance(step, NeedApproval)
    play.door.current = object()
    play.door.known["delete from t"] = play.door.look_up("delete from customers", play.x.planner.naming_for(""))
    approve(play, step)
    play.sent()
    permit = await step.pending.future
    play.client_side.answered(step.ticket, permit)
    assert permit.spent
    assert play.sent() == REFUSED_PARSE + SYNC + query("select 1")
    assert error_in(play.target(BOUND, failed(), ready()))["C"] == "0A000"


def test_a_prepared_statement_whose_sql_would_differ_today_is_prepared_again(play: Play) -> None:
    play.client(parse("select 1", "s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, columns("n"), ready())
    play.door.current = object()
    play.door.known["select 1"] = play.door.look_up("select 1 from customers", play.x.planner.naming_for(""))
    assert play.client(bind("s"), execute(), SYNC) == bind("s") + REFUSED_PARSE + SYNC
    found = error_in(play.target(BOUND, failed(), ready()))
    assert (found["C"], found["M"]) == ("0A000", "cached plan must not change result type")


def test_the_reported_cell_is_kept_and_never_forwarded(play: Play) -> None:
    sent = play.client(query("""SET govern.cell TO '{"notebook":"it''s.ipynb","cell_id":"c","execution_count":3}'"""))
    assert sent == query("")
    assert play.target(EMPTY, ready()) == complete("SET") + ready()
    play.client(query("select 1"))
    cell = play.door.asked[-1].cell
    assert cell is not None
    assert (cell.notebook, cell.cell_id, cell.execution_count) == ("it's.ipynb", "c", 3)


def test_the_reported_cell_by_the_extended_protocol(play: Play) -> None:
    sent = play.client(parse("SET govern.cell TO '{}'"), bind(), describe("P"), execute(), SYNC)
    assert b"govern.cell" not in sent
    assert kinds(play.target(PARSED, NO_PARAMETERS, NO_DATA, BOUND, NO_DATA, EMPTY, ready())) == "12nCZ"
    assert play.x.cell is not None


def test_a_cell_report_that_is_none_is_refused(play: Play) -> None:
    assert play.client(query("SET govern.cell TO 'nonsense'")) == REFUSED_QUERY
    assert error_in(play.target(failed(), ready()))["C"] == "22023"


def test_copy_data_passes_only_while_the_target_wants_it(play: Play) -> None:
    copy = query("copy t from stdin")
    assert play.client(copy, copy_data(b"1\n"), COPY_DONE, query("select 1")) == copy
    assert play.x.stall == x.FOR_COPY
    assert play.target(COPY_IN) == COPY_IN
    assert play.sent() == copy_data(b"1\n") + COPY_DONE
    play.target(complete("COPY 1"), ready())
    assert play.sent() == query("select 1")


def test_a_sync_during_copy_in_is_dropped_as_the_server_would(play: Play) -> None:
    sent = play.client(parse("copy t from stdin"), bind(), execute(), SYNC)
    assert sent.endswith(execute() + FLUSH)
    play.target(PARSED, NO_PARAMETERS, NO_DATA, BOUND, COPY_IN)
    assert play.sent() == b""
    assert play.client(copy_data(b"1\n"), COPY_DONE, SYNC) == copy_data(b"1\n") + COPY_DONE + SYNC
    assert kinds(play.target(complete("COPY 1"), ready())) == "CZ"


def test_data_behind_a_copy_that_failed_goes_nowhere(play: Play) -> None:
    play.client(query("copy t from stdin"))
    play.target(COPY_IN)
    play.client(copy_data(b"x\n"))
    play.target(failed("22P02", "bad"), ready())
    assert play.client(copy_data(b"1\n"), COPY_DONE, query("select 1")) == query("select 1")


def test_function_calls_are_refused_where_rules_about_data_apply(play: Play) -> None:
    call = b"F\0\0\0\x0e\0\0\0\x01\0\0\0\0\0\0"
    assert play.client(call) == REFUSED_QUERY
    assert error_in(play.target(failed(), ready()))["C"] == "0A000"


def test_function_calls_are_decided_elsewhere(tmp_path: Path) -> None:
    play = Play(tmp_path, masks=False, judged=False)
    call = b"F\0\0\0\x0e\0\0\0\x01\0\0\0\0\0\0"
    assert play.client(call) == call
    assert play.door.asked[-1].facts.kinds == {"function-call"}
    assert kinds(play.target(b"V\0\0\0\x08\xff\xff\xff\xff", ready())) == "VZ"


def test_a_statement_that_changes_the_session_holds_back_the_next(play: Play) -> None:
    assert play.client(query("SET search_path TO archive"), query("select 1")) == query("SET search_path TO archive")
    play.target(complete("SET"), ready())
    assert play.sent() == query("select 1")
    assert play.x.naming.path == ("archive",)


async def test_sql_prepare_names_what_execute_runs(play: Play) -> None:
    play.client(query("PREPARE d AS delete from t"))
    play.target(complete("PREPARE"), ready())
    assert [name for name, _ in play.x.planner.naming_for("execute d").prepared] == ["d"]
    play.client(bind("d"), execute(), SYNC)
    (step,) = play.steps()
    assert isinstance(step, NeedApproval)


def test_a_kernel_is_told_what_is_masked_before_the_result(tmp_path: Path) -> None:
    play = Play(tmp_path, is_kernel=True)
    play.client(query("select email from customers"))
    said = play.target(columns("email"), row(b"***"), complete("SELECT 1"), ready())
    assert kinds(said) == "STDCZ"
    assert b'"rule": "hide mail"' in said
    play.client(query("select 1"))
    assert b"govern.masked\0[]" in play.target(columns("n"), complete("SELECT 0"), ready())


def test_rows_beyond_a_limit_are_withheld(play: Play) -> None:
    play.client(query("table t"))
    said = play.target(columns("n"), row(b"1"), row(b"2"), row(b"3"), complete("SELECT 3"), ready())
    assert kinds(said) == "TDDNCZ"
    assert error_in(said)["M"] == "limited to 2 rows, 1 more were withheld"


def test_a_copy_beyond_a_limit_is_stopped(play: Play) -> None:
    from adapters.play import COPY_OUT

    play.client(query("copy t to stdout"))
    said = play.target(COPY_OUT, *[copy_data(b"x\n")] * 4, COPY_DONE, complete("COPY 4"), ready())
    assert kinds(said) == "HddEZ"
    assert [type(step) for step in play.steps()] == [CancelTarget]


def test_seconds_are_limited_by_a_timer(tmp_path: Path) -> None:
    from jupyter_govern.model import Decision, Limit, RuleRef

    rule = RuleRef(name="short", because="others wait")
    decision = Decision(effect="allow", rules=(rule,), reason="", limits=(Limit(rule=rule, seconds=3.0),))
    play = Play(tmp_path, decide_with=lambda facts: decision)
    play.client(query("select 1"))
    (step,) = play.steps()
    assert isinstance(step, StartTimer)
    assert step.seconds == 3.0
    step.run.timed_out = True
    found = error_in(play.target(failed("57014", "canceling statement due to user request"), ready()))
    assert found["M"] == "stopped after 3 seconds"


def test_a_compilation_holds_back_everything_behind_it(tmp_path: Path) -> None:
    play = Play(tmp_path, slow=True)
    assert play.client(query("select 1"), query("select 2")) == b""
    play.compile()
    assert play.sent() == query("select 1")
    play.compile()
    assert play.sent() == query("select 2")


def test_a_cancel_during_compilation_stops_the_statement(tmp_path: Path) -> None:
    play = Play(tmp_path, slow=True)
    play.client(query("select 1"))
    play.client_side.cancel()
    play.compile()
    assert play.sent() == REFUSED_QUERY
    assert error_in(play.target(failed(), ready()))["C"] == "57014"


def test_a_cancel_while_a_prepared_statement_is_compiled_anew_does_not_spoil_it(tmp_path: Path) -> None:
    play = Play(tmp_path)
    play.client(parse("select 1", "s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, columns("n"), ready())
    play.door.current, play.door.slow = object(), True
    play.client(bind("s"), execute(), SYNC)
    play.client_side.cancel()
    play.compile()
    assert error_in(play.target(BOUND, failed(), ready()))["C"] == "57014"
    play.sent()
    assert play.client(bind("s"), execute(), SYNC) == bind("s") + execute() + SYNC


def test_goodbye(play: Play) -> None:
    assert play.client(BYE) == BYE
    (step,) = play.steps()
    assert step == CloseSession(reason="the client said goodbye", is_goodbye=True)


def test_a_statement_too_long_is_refused_and_not_held(play: Play) -> None:
    size = 3 * 1024 * 1024
    sent = play.client(b"Q" + (size + 5).to_bytes(4, "big"))
    for _ in range(48):
        sent += play.client(b"x" * 65536)
    sent += play.client(b"\0", query("select 1"))
    assert sent == REFUSED_QUERY + query("select 1")
    assert error_in(play.target(failed(), ready()))["C"] == "54000"


def test_a_bind_too_long_to_hold_streams_and_its_digest_is_in_the_operation(play: Play) -> None:
    play.client(parse("select $1", "s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, columns("n"), ready())
    long = bind("s", "", b"x" * 3_000_000)
    sent = b"".join(play.client(long[i : i + 65536]) for i in range(0, len(long), 65536))
    assert sent == long
    play.client(execute(), SYNC)
    (parameter,) = play.door.asked[-1].parameters
    assert parameter is not None
    assert parameter.startswith(b"sha256 of the Bind message: ")


@pytest.mark.parametrize("first", [5, 6, 7, 9])
def test_a_long_bind_whose_start_comes_in_pieces(play: Play, first: int) -> None:
    play.client(parse("select $1", "s"), SYNC)
    play.target(PARSED, NO_PARAMETERS, columns("n"), ready())
    long = bind("s", "", b"x" * 3_000_000)
    assert play.client(long[:first]) + play.client(long[first:]) == long


def test_a_long_bind_whose_names_do_not_end_is_no_bind(play: Play) -> None:
    with pytest.raises(Malformed):
        play.client_side.feed(b"B" + (3_000_000).to_bytes(4, "big") + b"x" * 20_000)
    assert play.sent() == b""


def long_call() -> bytes:
    body = (955).to_bytes(4, "big") + b"x" * 4_000_000
    return b"F" + (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize("first", [5, 8, 9, 100_000])
def test_a_long_function_call_streams_where_it_is_decided(tmp_path: Path, first: int) -> None:
    play = Play(tmp_path, masks=False, judged=False)
    call = long_call()
    assert play.client(call[:first]) + play.client(call[first:]) == call
    assert play.door.asked[-1].statement == "FunctionCall of function 955"


def test_a_long_result_of_a_function_call_streams(tmp_path: Path) -> None:
    play = Play(tmp_path, masks=False, judged=False)
    play.client(long_call())
    body = (3_000_000).to_bytes(4, "big") + b"y" * 3_000_000
    answer = b"V" + (len(body) + 4).to_bytes(4, "big") + body
    said = b"".join(play.target(answer[at : at + 65536]) for at in range(0, len(answer), 65536))
    assert said + play.target(ready()) == answer + ready()


def test_a_long_function_call_is_refused_and_not_held_where_it_cannot_be_judged(play: Play) -> None:
    call = long_call()
    assert play.client(call[:100], call[100:], query("select 1")) == REFUSED_QUERY + query("select 1")
    assert error_in(play.target(failed(), ready()))["C"] == "0A000"


@pytest.mark.parametrize("text", ["set client_encoding to 'EUC_JP'", "SET NAMES 'sjis'", "set session client_encoding = big5"])
def test_an_encoding_that_cannot_be_read_is_refused_and_the_session_goes_on(play: Play, text: str) -> None:
    assert play.client(query(text)) == REFUSED_QUERY
    said = error_in(play.target(failed(), ready()))
    assert said["C"] == "0A000"
    assert "not supported by the gateway" in said["M"]
    assert play.client(query("set client_encoding to 'latin1'")) == query("set client_encoding to 'latin1'")


@pytest.mark.parametrize(
    "bad",
    [
        b"Q\0\0\0\x03",
        b"?\0\0\0\x04",
        b"Q\0\0\0\x07a\0b",
        b"P\0\0\0\x06a\0",
        b"B\0\0\0\x05\0",
        b"E\0\0\0\x05\0",
        b"D\0\0\0\x06X\0",
        b"S\0\0\0\x05x",
        b"D\x7f\xff\xff\xff",
        b"Q\xff\xff\xff\xff",
    ],
)
def test_what_is_not_the_protocol_goes_nowhere(play: Play, bad: bytes) -> None:
    with pytest.raises(Malformed):
        play.client_side.feed(bad)
    assert play.sent() == b""


def test_operations_belong_to_the_actor(play: Play) -> None:
    play.client(query("select 1"))
    assert play.door.asked[0].actor is ANA
