"""The process that runs attempts for the engine: one per interpreter, single-threaded, standard library only.

It is loaded by file under a private package name (see `boot`), so that it serves any interpreter, with or without
postlude installed, and leaves nothing but itself in the interpreter that the components inherit. That is why its
modules import each other relatively and nothing else of ours.
"""
