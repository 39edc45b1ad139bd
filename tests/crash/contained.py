"""A pipeline whose one task hangs in a container: `python contained.py IMAGE FILE` compiles it."""

import sys

from kfp import compiler, dsl

IMAGE = sys.argv[1]


@dsl.container_component
def hang(ready: str):
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", 'echo running > "$0"; sleep 300'], args=[ready])


@dsl.pipeline(name="contained")
def contained(ready: str) -> None:
    hang(ready=ready)


if __name__ == "__main__":
    compiler.Compiler().compile(contained, sys.argv[2])
