"""Policy: facts in, decisions out. Pure but for the store, which reads the file again when it changes.

standing  what holds for an actor on a target before any statement is seen
matching  does this rule speak of this actor, this target, these facts?
snapshot  one version of the policy: standing() and decide()
store     the snapshot in force; reload on change or SIGHUP, a broken file refused
"""
