"""A pipeline whose task writes its output the first time only: `python forgetful.py FILE` compiles it."""

import sys

from kfp import compiler, dsl


@dsl.container_component
def write_once(mark: str, out: dsl.OutputPath(str)):
    script = 'test ! -e "$0" || exit 0; touch "$0"; mkdir -p "$(dirname "$1")"; printf stale > "$1"'
    return dsl.ContainerSpec(image="any", command=["sh", "-euc", script], args=[mark, out])


@dsl.pipeline(name="forgetful")
def forgetful(mark: str) -> None:
    write_once(mark=mark).set_caching_options(enable_caching=False)


if __name__ == "__main__":
    compiler.Compiler().compile(forgetful, sys.argv[1])
