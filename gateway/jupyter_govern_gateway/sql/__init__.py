"""The SQL compiler: a statement in, what it is and what may be sent of it out.

reader        PostgreSQL's own parser: trees and tokens
catalog       what is known of a target (catalog_load reads it, catalogs keeps it)
naming        what a session's names are believed to mean; effects: what statements change of that
governed      which relations and columns are masked for one standing
masks         mask formats as SQL expressions
grammar       which parts of the grammar are understood; all else is refused
analysis      one text walked: facts and splices (statements, definitions, writes, predicates, functions, settings, relations)
compiler      read → judge → splice; outputs: which result columns are masked
plans         compiled statements, cached; misses in worker threads
"""
