"""What holds for every run, whatever its pipeline and whatever is reported in whatever order."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from pipelines import pipelines

from postlude.core.run import advance, begin
from postlude.core.run_state import FailurePolicy, Run, Settings, children
from postlude.core.task import (
    CancelRequested,
    Code,
    DeadlinePassed,
    Event,
    Failed,
    FinishRun,
    Lost,
    RetryRequested,
    SetDeadline,
    Start,
    Started,
    State,
    Succeeded,
    TaskError,
    Terminate,
    child_path,
)
from postlude.runtime.record import decode_event, encode_event, replay
from postlude.spec.types import Pipeline, Strategy

ANSWERS = st.sampled_from(["succeed", "succeed", "fail", "kill"])


class RunMachine(RuleBasedStateMachine):
    """A run whose shell answers in any order, late and twice."""

    starts = Bundle("starts")

    @initialize(
        pipeline=pipelines(),
        policy=st.sampled_from(FailurePolicy),
        limits=st.tuples(st.sampled_from([None, 5.0]), st.sampled_from([None, 3.0])),
    )
    def begin_run(self, pipeline: Pipeline, policy: FailurePolicy, limits: tuple[float | None, float | None]) -> None:
        self.pipeline = pipeline
        self.settings = Settings(
            run_id="r",
            name="random",
            created_at=0.0,
            failure_policy=policy,
            timeout_s=limits[0],
            exit_timeout_s=limits[1],
        )
        self.deadlines: list[SetDeadline] = []
        self.late = False
        self.events: list[Event] = []
        self.asked: list[Start] = []
        self.awaited: dict[tuple[str, int], Start] = {}
        self.terminated: set[tuple[str, int]] = set()
        self.finished = 0
        self.retried = False
        self.final: dict[str, State] = {}
        self.run: Run = begin(pipeline, self.settings).run
        self.obey(begin(pipeline, self.settings).commands)

    def obey(self, commands) -> None:
        for command in commands:
            match command:
                case Start():
                    self.asked.append(command)
                    self.awaited[command.path, command.attempt] = command
                case Terminate(path=path, attempt=attempt):
                    self.terminated.add((path, attempt))
                case SetDeadline():
                    self.deadlines.append(command)
                case FinishRun():
                    self.finished += 1

    def take(self, event: Event) -> None:
        self.events.append(event)
        step = advance(self.run, event)
        self.run = step.run
        self.nothing_starts_after_a_cancel(step.commands)
        self.obey(step.commands)

    def nothing_starts_after_a_cancel(self, commands) -> None:
        cancel = self.run.cancel
        if cancel is not None:
            started = [self.run.tasks[command.path] for command in commands if isinstance(command, Start)]
            assert all(task.protected and not cancel.force for task in started)

    @property
    def now(self) -> float:
        return float(len(self.events) + 1)

    def answer(self, start: Start, how: str) -> None:
        key = (start.path, start.attempt)
        self.awaited.pop(key, None)
        if how == "succeed" and key not in self.terminated:
            self.take(Succeeded(path=start.path, attempt=start.attempt, at=self.now))
            return
        stopped = key in self.terminated and how != "fail"
        code = Code.CANCELLED if stopped else Code.RESOURCE_EXHAUSTED if how == "kill" else Code.UNKNOWN
        error = TaskError(code=code, message=how)
        self.take(Failed(path=start.path, attempt=start.attempt, at=self.now, error=error))

    @precondition(lambda self: self.awaited)
    @rule(data=st.data())
    def an_attempt_starts(self, data) -> None:
        start = data.draw(st.sampled_from(list(self.awaited.values())))
        self.take(Started(path=start.path, attempt=start.attempt, at=self.now))

    @precondition(lambda self: self.awaited)
    @rule(data=st.data(), how=ANSWERS)
    def an_attempt_ends(self, data, how: str) -> None:
        self.answer(data.draw(st.sampled_from(list(self.awaited.values()))), how)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def old_news_come_again(self, data) -> None:
        start = data.draw(st.sampled_from(self.asked))
        before = self.run.tasks.get(start.path)
        if (start.path, start.attempt) not in self.awaited:
            self.take(
                Failed(path=start.path, attempt=start.attempt, at=self.now, error=TaskError(code=2, message="late"))
            )
            assert self.run.tasks.get(start.path) == before

    @rule(force=st.booleans(), exit_tasks=st.booleans(), let_finish=st.booleans())
    def somebody_cancels(self, *, force: bool, exit_tasks: bool, let_finish: bool) -> None:
        if len(self.events) % 3 == 0:
            self.take(CancelRequested(at=self.now, force=force, exit_tasks=exit_tasks, let_finish=let_finish))

    @precondition(lambda self: self.awaited)
    @rule(data=st.data())
    def an_engine_is_lost(self, data) -> None:
        start = data.draw(st.sampled_from(list(self.awaited.values())))
        self.awaited.pop((start.path, start.attempt))
        before = self.run.tasks[start.path]
        self.take(Lost(path=start.path, attempt=start.attempt, at=self.now))
        after = self.run.tasks[start.path]
        if after.attempt > before.attempt:
            assert after.attempt - after.uncounted == before.attempt - before.uncounted
            assert after.inputs == before.inputs

    @precondition(lambda self: self.deadlines)
    @rule(data=st.data())
    def a_deadline_passes(self, data) -> None:
        deadline = data.draw(st.sampled_from(self.deadlines))
        self.late = True
        self.take(DeadlinePassed(path=deadline.path, at=self.now))

    @precondition(lambda self: self.run.state.is_final)
    @rule(data=st.data())
    def somebody_retries(self, data) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.run.tasks)), max_size=1))
        kept = {p: t for p, t in self.run.tasks.items() if t.kind.is_leaf and t.state is State.SUCCEEDED}
        ended = self.run.root.finished_order
        self.awaited.clear()
        self.terminated.clear()
        self.finished = 0
        self.take(RetryRequested(at=self.now, tasks=tuple(chosen)))
        self.final = {}
        if self.run.root.finished_order == ended:
            self.finished = 1
            return
        self.retried = True
        if not chosen:
            again = [path for path, task in kept.items() if self.run.tasks.get(path) != task]
            assert all(task.protected for path, task in kept.items() if path in again)

    @invariant()
    def a_final_state_never_changes(self) -> None:
        for path, state in self.final.items():
            assert self.run.tasks[path].state is state
        self.final = {path: task.state for path, task in self.run.tasks.items() if task.state.is_final}

    def teardown(self) -> None:
        if not hasattr(self, "awaited"):
            return
        self.answer_everything()
        self.the_run_is_final()
        self.no_failure_hides_under_success()
        self.exit_tasks_ran_once_and_last()
        self.tasks_started_when_their_upstreams_allowed_it()
        self.replay_gives_the_same_run()

    def answer_everything(self) -> None:
        answers = 0
        while self.awaited:
            start = next(iter(self.awaited.values()))
            self.answer(start, "succeed" if answers % 3 else "fail")
            answers += 1
            assert answers < 10_000

    def the_run_is_final(self) -> None:
        assert self.run.state.is_final
        assert self.finished == 1
        assert {path for path, task in self.run.tasks.items() if not task.state.is_final} == set()
        if self.run.cancel is not None:
            assert self.run.state is State.CANCELED

    def no_failure_hides_under_success(self) -> None:
        for task in self.run.tasks.values():
            if task.state is State.SUCCEEDED and not task.kind.is_leaf:
                below = {self.run.tasks[path].state for path in children(task)}
                assert below <= {State.SUCCEEDED, State.SKIPPED}
            if task.state in (State.FAILED, State.UPSTREAM_FAILED):
                assert task.error is not None

    def exit_tasks_ran_once_and_last(self) -> None:
        for task in self.run.tasks.values():
            dag = self.run.tasks[task.parent].component.dag
            group = dag.topology.exit_of.get(task.spec.key) if dag and task.path and task.index is None else None
            if group is None:
                continue
            body = self.run.tasks[child_path(task.parent, group)]
            if task.asked or task.entered:
                assert task.started_order > body.finished_order
            if body.entered and self.exit_tasks_are_owed and task.kind.is_leaf:
                assert task.asked or task.error.code is Code.DEADLINE_EXCEEDED
        asked = [(start.path, start.attempt) for start in self.asked]
        assert self.retried or len(asked) == len(set(asked))

    @property
    def exit_tasks_are_owed(self) -> bool:
        cancel = self.run.cancel
        return cancel is None or (cancel.exit_tasks and not cancel.force)

    def tasks_started_when_their_upstreams_allowed_it(self) -> None:
        if self.retried:
            return
        begun = [task for task in self.run.tasks.values() if task.path and task.index is None]
        for task in begun:
            dag = self.run.tasks[task.parent].component.dag
            if dag is None or not (task.entered or any(start.path == task.path for start in self.asked)):
                continue
            key, topology = task.spec.key, dag.topology
            upstreams = [self.run.tasks[child_path(task.parent, one)] for one in topology.upstreams.get(key, ())]
            gates = [self.run.tasks[child_path(task.parent, one)] for one in topology.gates.get(key, ())]
            assert all(one.finished_order < task.started_order for one in upstreams + gates)
            if task.spec.trigger.strategy is Strategy.ALL_SUCCEEDED:
                assert {one.state for one in upstreams} <= {State.SUCCEEDED}

    def replay_gives_the_same_run(self) -> None:
        journal = [msgspec.json.decode(msgspec.json.encode(encode_event(event))) for event in self.events]
        again = replay(self.pipeline, self.settings, [decode_event(entry) for entry in journal])
        assert again.tasks == self.run.tasks
        assert again == self.run


TestRun = RunMachine.TestCase
TestRun.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
