"""Steps that need each other: each is done as soon as those that it needs are done, several at a time."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter


def do_steps(steps: Mapping[str, Callable[[], object]], needs: Mapping[str, Collection[str]], at_once: int) -> None:
    """Do all steps, given by name, in threads; `needs` names the steps that each one needs.

    Of the steps that can be begun, the first in the order of `steps` is. Raises what a step raises: no other step is
    begun then, and those that were begun are waited for.
    """
    order = list(steps)
    sorter = TopologicalSorter({name: needs[name] for name in steps})
    sorter.prepare()
    ready: list[str] = []
    begun: dict[Future[object], str] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()], key=order.index)
            while ready and len(begun) < at_once:
                name = ready.pop(0)
                begun[pool.submit(steps[name])] = name
            for future in wait(begun, return_when=FIRST_COMPLETED).done:
                name = begun.pop(future)
                future.result()
                sorter.done(name)
