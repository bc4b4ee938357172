"""Command lines as facts: which programs run, what is written, and what is never taken for judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.shell.facts import facts_of

READ = [
    ("uptime", {"uptime"}),
    ("ls -l /tmp 2>&1 | grep foo | wc -l && df -h || true; date &", {"ls", "grep", "wc", "df", "true", "date"}),
    ("'r'm x", {"rm"}),
    ('"rm" x', {"rm"}),
    ("r\\m x", {"rm"}),
    ("r''m x", {"rm"}),
    ("\\\nrm x", {"rm"}),
    ("r\\\nm x", {"rm"}),
    ("/usr/bin/rm x", {"rm"}),
    ("echo $(rm x)", {"echo", "rm"}),
    ('echo "a $(rm x) b"', {"echo", "rm"}),
    ('echo "a $(echo "$(rm x)") b"', {"echo", "rm"}),
    ("echo `rm x`", {"echo", "rm"}),
    ("(cd d; rm x)", {"cd", "rm"}),
    ("{ rm x; }", {"rm"}),
    ("! rm x", {"rm"}),
    ("if true; then rm x; else ls; fi", {"true", "rm", "ls"}),
    ("while true; do rm x; done", {"true", "rm"}),
    ('for f in *.txt "a b"; do rm "$f"; done', {"rm"}),
    ("a=$(rm x)", {"rm"}),
    ("a=1 rm x", {"rm"}),
    (">out rm x", {"rm"}),
    ("cat <<E\n$(rm x)\nE", {"cat", "rm"}),
    ("cat <<'E'\n$(not run)\nE\nrm x", {"cat", "rm"}),
    ("cat <<E; rm x\nbody\nE", {"cat", "rm"}),
    ("ls # comment; not run\nrm x", {"ls", "rm"}),
    ("echo a#b; rm x", {"echo", "rm"}),
    ("echo ${a:-b}", {"echo"}),
    ("echo $((1 + 2))", {"echo"}),
    ("find . -name '*.o' -exec rm {} +", {"find", "rm"}),
    ("find . -name x -ok rm {} \\;", {"find", "rm"}),
    ("find . -delete", {"find", "rm"}),
    ("ls | xargs -n 1 rm", {"ls", "xargs", "rm"}),
    ("ls | xargs", {"ls", "xargs"}),
    ("env LANG=C rm x", {"env", "rm"}),
    ("nohup nice -n 5 timeout 3s rm x", {"nohup", "nice", "timeout", "rm"}),
    ("sudo rm x", {"sudo", "rm"}),
    ("command rm x", {"command", "rm"}),
    ("sed -n '1,5p' f", {"sed"}),
    ("sed 's/a/b/g' f", {"sed"}),
    ('test -n "$x" && [ -f y ]', {"test", "["}),
    ("cp a b/", {"cp"}),
]
UNREAD = [
    "$a x", "a=rm; $a x", "$(echo rm) x", "`echo rm` x", "r$empty\"m\" x", "{rm,x}", "r[m] x", "/bin/r? x", "~/rm x", "./rm x", "../bin/rm x", "/tmp/rm x",
    "/bin/../tmp/rm x", "eval rm x", ". script", "source script", "bash -c 'rm x'", "sh script", "python3 -c x", "perl -e x", "awk 'BEGIN{x}'",
    "echo rm | sh", "busybox rm x", "git status", "vim -c x", "tar cf x y", "alias ls=rm", "trap 'rm x' EXIT", "f() { rm x; }; f", "function f { rm x; }",
    "case a in a) rm x;; esac", "select a in b; do rm x; done", "[[ a ]]", "((a=1))", "coproc rm x", "time rm x", "ls <(rm x)", "echo $'rm'", 'echo $"rm"',
    "echo ${!a}", "echo ${a@P}", "echo ${a/x/y}", "echo $((a[0]))", "echo $[1]", "PATH=. ls", "LD_PRELOAD=x ls", "IFS=x ls", "path=. ls", "export PATH=.",
    "read PATH", "for PATH in .; do ls; done", "env PATH=. ls", "env -i ls", "env -S 'rm x'", "exec -a ls rm x", "xargs -I{} sh -c {}", "find . $a",
    "find . -fprint x", "find . -exec sh -c x \\;", "find . -exec {} \\;", "echo x > .bashrc", "echo x > ~/.ssh/rc", "echo x > $f", "echo x > *", "cd d; echo x > y",
    "echo x > ../y", "cp x .bashrc", "cp x $d", "cp -t d x", "tee .profile", "ln -s / r", "dd of=.bashrc", "sort -o .bashrc x", "sort --compress-program=x y",
    "uniq a b", "sed -i s/a/b/ f", "sed 's/a/b/e' f", "sed 'w x' f", "printf -v x y", "test -v 'a[$(rm x)]'", "set -o posix -- x", "systemctl edit x",
    "journalctl", "man ls", "less f", "top", "su -c rm", "ssh host rm", "cat <<E\nno end", "echo 'open", 'echo "open', "echo $(open", "echo )", "echo \\",
    "cat << $a\n$a", "cat <<E\na\\\nE\nE", "echo `a\\`b`", "echo \x1b[A", "=ls", "%1", "hash -p /bin/rm ls", "enable -f x y", "ls\u00a0-l", "sudo -s", "nice", "watch rm",
    "cat <<E $(echo\nE\n)", "timeout 5", "sudo -u root -i rm",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kinds"), READ)
def test_every_program_is_found(text: str, kinds: set[str]) -> None:
    facts = facts_of(text)
    assert (facts.unread, facts.kinds) == ("", kinds)


@pytest.mark.parametrize("text", UNREAD)
def test_what_cannot_be_known_is_never_taken_for_judged(text: str) -> None:
    facts = facts_of(text)
    assert facts.unread and "dynamic" in facts.kinds
    assert facts.traits & {"dynamic", "unreadable"}


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("echo x > out", ("write", "~/out")),
        ("echo x >> /srv/log", ("write", "/srv/log")),
        ("echo x 2> ~/err", ("write", "~/err")),
        ("cat < in", ("read", "~/in")),
        ("(ls) > out", ("write", "~/out")),
        ("while true; do ls; done > out", ("write", "~/out")),
    ],
)
def test_redirections_are_accesses(text: str, access: tuple[str, str]) -> None:
    facts = facts_of(text)
    assert not facts.unread
    assert access in {(each.verb, each.resource) for each in facts.accesses}


@given(st.text(alphabet="rm x$`'\"\\(){}[];|&<>\n#=~*?!-ab/", max_size=40))
def test_any_garbage_gives_facts(text: str) -> None:
    facts = facts_of(text)
    assert bool(facts.unread) == ("dynamic" in facts.kinds)


WRITTEN = st.sampled_from(["rm", "'rm'", '"rm"', "\\rm", "r\\m", "r'm'"])


@given(st.lists(WRITTEN, min_size=1, max_size=3), st.sampled_from([";", "&&", "|", "\n", "||", "&"]))
def test_quotes_hide_no_program(words: list[str], operator: str) -> None:
    assert facts_of(operator.join(f"{word} x" for word in words)).kinds == {"rm"}
