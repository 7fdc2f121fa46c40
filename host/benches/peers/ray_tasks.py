"""Ray: remote tasks on worker processes; with --actors, calls of two actors that stay."""

import os

import timing

ACTORS = timing.flag("actors", "call two actors in turn instead of submitting tasks")
NAME = "Ray, two actors" if ACTORS else "Ray, tasks"

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
try:
    import ray
except ModuleNotFoundError as error:
    if error.name != "ray":
        raise
    timing.not_installed(NAME, "pip install ray")

ray.init(num_cpus=timing.THREADS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")


@ray.remote
def add(a, b):
    return a + b


@ray.remote
class Adder:
    def add(self, a, b):
        return a + b


if ACTORS:
    actors = [Adder.remote() for _ in range(timing.THREADS)]

    def fork(i):
        return actors[i % len(actors)].add.remote(i, 2)
else:
    def fork(i):
        return add.remote(i, 2)


def batch(n):
    return sum(ray.get([fork(i) for i in range(n)]))


def trip(n):
    return sum(ray.get(fork(i)) for i in range(n))


timing.report(NAME, ray.__version__, "process, kept", [batch], trip, 5_000, 500, rounds=5)
ray.shutdown()
