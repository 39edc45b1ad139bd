"""A pipeline that is refused leaves nothing behind that was not there before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reliability_lab import Lab

import postlude
from postlude import ConfigError, SpecError

Refused = Callable[[Lab, Path], tuple[str, str]]
"""Has a pipeline refused by Python and by the command line, and gives what both say."""


def both(lab: Lab, source: Any, *arguments: str, **options: Any) -> tuple[str, str]:
    with pytest.raises((SpecError, ConfigError)) as refused:
        postlude.run(source, home=lab.home, **options)
    done = lab.do("run", source, *arguments)
    assert done.code == 2
    return str(refused.value), done.err


def broken(lab: Lab, place: Path) -> tuple[str, str]:
    source = place / "broken.yaml"
    source.write_text("pipelineInfo: {name: demo}\nroot: {}\n")
    return both(lab, source)


def unreadable(lab: Lab, place: Path) -> tuple[str, str]:
    source = place / "unreadable.yaml"
    source.write_text("a: [")
    return both(lab, source)


def uncompiled(lab: Lab, place: Path) -> tuple[str, str]:
    source = place / "uncompiled.py"
    source.write_text("1 / 0")
    return both(lab, source)


def absent(lab: Lab, place: Path) -> tuple[str, str]:
    return both(lab, place / "absent.yaml")


def wrong_arguments(lab: Lab, _place: Path) -> tuple[str, str]:
    return both(lab, lab.pipeline, "-p", 'rows="many"', arguments={"rows": "many"})


def wrong_fault(lab: Lab, _place: Path) -> tuple[str, str]:
    return both(lab, lab.pipeline, "--fail", "trian", faults=[postlude.Fault.fail("trian")])


def wrong_root(lab: Lab, _place: Path) -> tuple[str, str]:
    return both(lab, lab.pipeline, "--pipeline-root", "ftp://here", pipeline_root="ftp://here")


REFUSED = [broken, unreadable, uncompiled, absent, wrong_arguments, wrong_fault, wrong_root]


@pytest.mark.parametrize("refused", REFUSED)
def test_no_home_is_left_behind(lab: Lab, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "sources").mkdir()
    deep = Lab(home=tmp_path / "deep" / "home", pipeline=lab.pipeline)
    said, shown = refused(deep, tmp_path / "sources")
    assert said.splitlines()[-1] in shown
    assert [each.name for each in tmp_path.iterdir()] == ["sources"]


def test_an_empty_directory_stays_empty(lab: Lab, tmp_path: Path) -> None:
    lab.home.mkdir()
    absent(lab, tmp_path)
    assert list(lab.home.iterdir()) == []


def test_a_home_with_runs_stays_as_it_is(lab: Lab, tmp_path: Path) -> None:
    run = lab.run()
    before = sorted(lab.home.rglob("*"))
    absent(lab, tmp_path)
    assert (sorted(lab.home.rglob("*")), lab.show()) == (before, run)
