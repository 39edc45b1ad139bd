"""As whom a container's program runs: as whoever runs Postlude, so that what it writes can be read and removed."""

from typing import Final

from postlude.ports.executor import Attempt

_ROOT_OPTION: Final = "--user=0:0"


def user_options(attempt: Attempt, *, uid: int, gid: int, rootless: bool) -> tuple[str, ...]:
    """The options of `run` that make the files of the attempt's container belong to `uid`.

    A container's root is this user already where the engine is rootless or this user is root. Elsewhere the program
    runs under this user's number, which the image does not know: unless the component sets HOME, a directory of the
    attempt is made for it, since an image gives such users no home they can write to.
    """
    if rootless or uid == 0:
        return (_ROOT_OPTION,)
    user = f"--user={uid}:{gid}"
    if "HOME" in attempt.env:
        return (user,)
    home = attempt.directory / "home"
    home.mkdir(exist_ok=True)
    return (user, f"--env=HOME={home}")
