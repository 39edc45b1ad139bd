"""Reads the simple commands of a shell script, without running or expanding anything."""

import shlex

_SEPARATORS = frozenset(";&|()\n")
_REDIRECTS = frozenset("<>")


def commands(script: str) -> list[list[str]] | None:
    """The words of each simple command, in order; None where the quoting does not close.

    Quotes are taken off and nothing is expanded: `"$0"` gives `$0`. Redirections are left out.
    """
    try:
        tokens = list(_lexer(script.replace("\\\n", " ")))
    except ValueError:
        return None
    found: list[list[str]] = [[]]
    redirected = False
    for token in tokens:
        if _SEPARATORS.issuperset(token):
            found.append([])
        elif _REDIRECTS.issuperset(token):
            redirected = True
        elif redirected:
            redirected = False
        else:
            found[-1].append(token)
    return [words for words in found if words]


def _lexer(script: str) -> shlex.shlex:
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    return lexer
