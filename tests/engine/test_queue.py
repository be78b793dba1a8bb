"""What waits for the compiler: order, duplicates, bounds."""

from wasmjit.tiers import policy
from wasmjit.tiers.queue import Job, Queue


def job(function: int, samples: int = 100, nbytes: int = 100, *, mod: int = 1, loop: int = 0, again: bool = False) -> Job:
    return Job(mod, function, loop, samples, nbytes, policy.LEVEL_FULL, again=again)


def drained(queue: Queue) -> list[int]:
    found = []
    while (taken := queue.take()) is not None:
        found.append(taken.function)
    return found


def test_the_most_samples_for_the_cost_go_first() -> None:
    queue = Queue()
    for made in (job(1, 100), job(2, 300), job(3, 300, 2_500), job(4, 200)):
        assert queue.put(made) is None
    assert drained(queue) == [2, 4, 1, 3]
    assert queue.take() is None


def test_a_long_job_waits_until_it_is_worth_it() -> None:
    queue = Queue()
    long = job(1, 1000, 50_000)
    queue.put(long)
    queue.put(job(2, 1))
    assert queue.ready() and drained(queue) == [2]
    assert len(queue) == 1 and not queue.ready()
    long.samples = int(policy.RIPE * policy.cost(long.nbytes, long.level) / policy.SAMPLE) + 1
    assert queue.ready() and drained(queue) == [1]


def test_what_is_interpreted_goes_before_what_is_only_compiled_cheaply() -> None:
    queue = Queue()
    queue.put(job(1, 10**6, again=True))
    queue.put(job(2, 1))
    assert drained(queue) == [2, 1]


def test_a_job_waits_once_with_its_latest_samples() -> None:
    queue = Queue()
    queue.put(job(1, 50))
    queue.put(job(2, 100))
    queue.put(job(1, 200))
    queue.put(job(1, 60))
    queue.put(job(1, 10, loop=77))
    assert len(queue) == 3
    assert [waiting.samples for waiting in queue] == [200, 100, 10]
    assert drained(queue) == [1, 2, 1]


def test_modules_that_go_take_their_jobs_along() -> None:
    queue = Queue()
    for made in (job(1, mod=1), job(2, mod=2), job(3, mod=1)):
        queue.put(made)
    queue.forget(1)
    assert drained(queue) == [2]


def test_a_full_queue_drops_the_least_valuable() -> None:
    queue = Queue(3)
    for made in (job(1, 10), job(2, 20), job(3, 30)):
        assert queue.put(made) is None
    dropped = queue.put(job(4, 25))
    assert dropped is not None and dropped.function == 1
    dropped = queue.put(job(5, 1))
    assert dropped is not None and dropped.function == 5
    assert drained(queue) == [3, 4, 2]


def test_the_larger_the_cheaper() -> None:
    levels = [policy.level_of(nbytes) for nbytes in (policy.CHEAP_ABOVE, policy.CHEAP_ABOVE + 1, policy.CHEAPEST_ABOVE + 1)]
    assert levels == [policy.LEVEL_FULL, policy.LEVEL_MIDDLE, policy.LEVEL_CHEAP]


def test_what_is_large_is_compiled_again_less_strongly_and_later() -> None:
    assert policy.again(policy.AGAIN_LARGEST) == (policy.LEVEL_FULL, policy.AGAIN_TICKS)
    level, ticks = policy.again(2 * policy.AGAIN_LARGEST)
    assert policy.LEVEL_CHEAP < level < policy.LEVEL_FULL and ticks > policy.AGAIN_TICKS
    costs = [policy.cost(1000, level) for level in range(policy.STRONGEST + 1)]
    assert costs == sorted(set(costs))
