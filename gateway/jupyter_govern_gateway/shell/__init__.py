"""Command lines, read as a POSIX shell reads them. Pure: no I/O, no policy, no wire.

tree       words, commands, redirections: values
quoting    one word: quotes, escapes, expansions
reader     a command line: lists, pipes, subshells, loops, here-documents; what it does not read, it says
programs   what is known of programs: those that do only what their name says, and those that run others
paths      files that run by themselves later
facts      a command line as facts for policy

The reader is made for judging, not for running: every command that may run is found, in whatever branch. Where shells differ, or
where a value decides what runs, it does not guess: that is a problem, and policy refuses it wherever it has command rules.
"""
