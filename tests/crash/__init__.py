"""`kill -9` of a gateway at random points under a mixed load: python -m tests.crash. The small budget is tests/integration/test_crash.py.

load      the clients, and what the server ran next to what the recordings say
__main__  the runs, and the figures
"""
