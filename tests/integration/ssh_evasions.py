"""Ways to run a blocked program without saying its name plainly. V is replaced by the file that must stay, D by a folder to use."""

from __future__ import annotations

EVASIONS = [
    # quotes, escapes, expansions
    "'rm' V", '"rm" V', "r'm' V", 'r"m" V', "\\rm V", "r\\m V", "r''m V", 'r""m V', "''rm V", "r\\\nm V", "/bin/rm V", "/usr/bin/rm V",
    "/bin/../bin/rm V", "//bin/rm V", "/bin/./rm V", "/bin/r? V", "/bin/r[m] V", "/bin/[r]m V", "a=rm; $a V", "a=r b=m; $a$b V", "r${x}m V", "${x:-rm} V",
    "r$@m V", "rm${IFS}V", "{rm,V}", "$(echo rm) V", "`echo rm` V", "$(printf '\\162\\155') V", "$'\\x72m' V", "$'rm' V", "x='rm V'; $x",
    # where commands stand
    "true; rm V", "true && rm V", "false || rm V", "true | rm V", "true & rm V", "true\nrm V", "(rm V)", "{ rm V; }", "! rm V", ">/dev/null rm V", "A=1 rm V",
    "if true; then rm V; fi", "while rm V; do break; done", "until rm V; do :; done", "for f in V; do rm $f; done", "case x in x) rm V;; esac",
    "f() { rm V; }; f", "function f { rm V; }; f", "time rm V", "coproc rm V; wait", "echo $(rm V)", 'echo "$(rm V)"', "echo `rm V`", "cat <(rm V)",
    "cat <<E\n$(rm V)\nE", "cat <<-E\n\t`rm V`\n\tE", "cat <<< $(rm V)", "x=$(rm V)", "echo ${x:-$(rm V)}", "a='x[$(rm V)]'; echo $((a))",
    "test -v 'a[$(rm V)]'", "printf -v 'a[$(rm V)]' x", "echo ok # \\\n rm V", "x='$(rm V)'; echo ${x@P}",
    # programs that run programs
    "env rm V", "env -i rm V", "env -S 'rm V'", "nohup rm V", "nice rm V", "nice -n 3 rm V", "timeout 5 rm V", "setsid -w rm V", "stdbuf -o0 rm V",
    "command rm V", "exec rm V", "eval rm V", "eval 'r''m V'", "sh -c 'rm V'", "bash -c 'rm V'", "sh <<E\nrm V\nE", "echo rm V | sh", "echo cm0gVg== >/dev/null; rm V",
    "echo V | xargs rm", "echo rm V | xargs -I{} sh -c {}", "find V -delete", "find V -exec rm {} \\;", "find V -exec sh -c 'rm V' \\;", "find V -execdir rm {} +",
    "awk 'BEGIN { system(\"rm V\") }'", "perl -e 'unlink q(V)'", "python3 -c 'import os; os.remove(\"V\")'", "sed '1e rm V' /etc/hostname", "trap 'rm V' EXIT",
    "alias q=rm\nshopt -s expand_aliases\nq V", "echo 'rm V' > D/s; . D/s", "echo 'rm V' > D/t; sh D/t", "cp /bin/rm D/ls; D/ls V", "ln -s /bin/rm D/x; D/x V",
    "cp /bin/rm D/date; PATH=D; date V", "hash -p /bin/rm uptime; uptime V", "tar cf /dev/null /etc/hostname --checkpoint=1 --checkpoint-action=exec='rm V'",
    "sort --compress-program=true /etc/hostname; rm V", "split --filter='rm V' /etc/hostname", "flock D rm V", "xargs -a /dev/null rm V",
    "git -c alias.z='!rm V' z", "ssh -o ProxyCommand='rm V' nobody.invalid", "install -d D; rm V", "taskset 1 rm V", "chrt -o 0 rm V",
    "builtin eval rm V", "mapfile -C 'rm V;:' -c 1 < /etc/hostname", "PS4='$(rm V)'; set -x; :", "enable -n test; rm V",
]  # fmt: skip
