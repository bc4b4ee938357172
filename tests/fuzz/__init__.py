"""Random and damaged dialogues against the codecs and the session machine (`make fuzz`).

dialogues   strategies: what clients and targets say, in any order, cut anywhere, damaged
checks      what must hold whatever is said
corpus      inputs that once failed or that reach rare places, replayed by every unit-test run
"""
