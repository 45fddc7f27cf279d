"""Messages that the bus can never carry: smaller ones take their place.

The others of the batch go on, and so does the launcher: anyone may send a task whose
dead letter is too long, and any worker may return too much.
"""

from collections import Counter

from task_core.api.message import Message
from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.dead import KEPT_BYTES, decode_dead
from task_core.errors import PayloadError
from task_core.launcher.batch import DEAD, Batch, dead_letter
from task_core.launcher.context import Job
from task_core.launcher.plan import Plan
from task_core.wire import encode_task

KEPT_CHARS = 200
"""How much a done task keeps of its message."""


def replace_refused(
    batch: Batch,
    error: PayloadError,
    tries: Counter[int],
    plan: Plan,
    clock: Clock,
    longest: int | None = None,
) -> Batch:
    """Return a batch in which nothing is left that the bus has refused.

    What belongs to one delivery stays together: a child that is refused is an error of
    its task.

    Args:
        batch: What was to be settled.
        error: What the bus says.
        tries: How often a delivery (by `id`) was refused before; is counted up.
        plan, clock: For dead letters.
        longest: Bytes that the bus carries in one message, or None for any number.

    Raises:
        PayloadError: The bus does not tell which, or refuses even the smallest.
    """
    refused, rest = set(error.refused), Batch()
    if not refused:
        raise error
    for at, delivery in enumerate(batch.deliveries):
        messages, fate, job = batch.messages_of(at), batch.fates.get(at), batch.jobs[at]
        last = batch.ends[at] - 1
        own = sorted(refused.intersection(range(last + 1 - len(messages), last + 1)))
        if own:
            number = tries[id(delivery)]
            tries[id(delivery)] += 1
            if job is not None and number == 0:
                child = "" if last in refused else _about(own[0], batch, error)
                report = _short_report(job, child, plan)
                messages, fate = [report], job.outcome.result
            else:
                number -= job is not None
                fits = longest is None or len(messages[-1].body) <= longest
                if number == len(KEPT_BYTES) or (job is not None and fits):
                    raise error  # it is not the length: no report would get there
                letter = _cut_letter(batch, at, KEPT_BYTES[number], plan, clock)
                messages, fate = [letter], DEAD
        rest.add(delivery, messages, fate, job)
    return rest


def _about(position: int, batch: Batch, error: PayloadError) -> str:
    """Say what the bus refuses: it tells of the first message alone."""
    if position == error.refused[0]:
        return str(error)
    child = batch.messages[position]
    size = f"{len(child.body):,} bytes"
    return f"the bus cannot carry a child task: {size} for topic '{child.topic}'"


def _short_report(job: Job, refused_child: str, plan: Plan) -> Message:
    """Return a done task that tells what the bus refused, without children."""
    text = refused_child or f"done task too long: {job.task.msg[:KEPT_CHARS]}"
    job.outcome = failed(text)
    job.task.result, job.task.msg = job.outcome.result, job.outcome.msg
    return Message(plan.done_topic, encode_task(job.task))


def _cut_letter(batch: Batch, at: int, keep: int, plan: Plan, clock: Clock) -> Message:
    """Return a dead letter that keeps only the first bytes."""
    job = batch.jobs[at]
    if job is not None:
        reason = job.task.msg
    else:
        reason = decode_dead(batch.messages_of(at)[0].body).reason
    return dead_letter(batch.deliveries[at], reason, plan, clock, keep)
