"""The service with its counting taken out: what counting costs is the difference to it.

Nothing in the service can be set to this: it would be one more thing to get wrong. So the methods
that count are replaced here, in a process of its own, by some that do nothing.
"""

from flashsale_server.checkout import Durations, Meters, MetricsHistory, RequestMeter
from flashsale_server.cli import main

COUNTING = (
    (Durations, "add"),
    (Meters, "answered"),
    (Meters, "answered_all"),
    (Meters, "batch_decided"),
    (MetricsHistory, "start"),
    (RequestMeter, "begin"),
    (RequestMeter, "end"),
)


def _count_nothing(*_: object) -> float:
    return 0.0


if __name__ == "__main__":
    for counter, method in COUNTING:
        if method not in vars(counter):
            raise AttributeError(f"{counter.__name__} has no {method}")
        setattr(counter, method, _count_nothing)
    main()
