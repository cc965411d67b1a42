"""Measure cells in this process, in several, or on a Ray cluster. The numbers do not depend on the choice."""

from __future__ import annotations

import logging
import multiprocessing
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from mgtta_cam.bench.cells import Cell
from mgtta_cam.bench.measure import Bench, Measured
from mgtta_cam.errors import AppError, UsageError
from mgtta_cam.metrics.memory import ignore_interrupts
from mgtta_models import ModelError
from mgtta_models.errors import reason

ATTEMPTS = 3  # per cell, if workers die
SECONDS_TO_CONNECT = 5
Finished = tuple[Cell, Measured]


def serial(bench: Bench, cells: Sequence[Cell]) -> Iterator[Finished]:
    """Measure cells one by one, in this process."""
    for cell in cells:
        yield cell, bench.measure(cell)


def processes(bench: Bench, cells: Sequence[Cell], count: int) -> Iterator[Finished]:
    """Measure cells in several processes of this machine. Cells in progress when a process dies are retried.

    Raises:
        AppError: if a cell's process dies repeatedly.
    """
    waiting, attempts = list(cells), dict.fromkeys(cells, 0)
    while waiting:
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin, (replace(bench),))
        running: dict[Future[Measured], Cell] = {}
        try:
            while waiting or running:
                while waiting and len(running) < count:
                    future = pool.submit(_measure, waiting[0])  # raises if a worker has just died: then it still waits
                    running[future] = waiting.pop(0)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    measured = future.result()
                    yield running.pop(future), measured
        except BrokenProcessPool:
            for cell in running.values():
                attempts[cell] += 1
            lost = [cell for cell in running.values() if attempts[cell] >= ATTEMPTS]
            if lost:
                raise AppError(
                    f"the process that measures {lost[0].method} died {ATTEMPTS} times, perhaps for lack of memory: "
                    "use fewer --workers or a smaller --batch; finished cells are kept"
                ) from None
            waiting = [*running.values(), *waiting]
        finally:
            for process in list((pool._processes or {}).values()):  # their cells are lost, so do not wait for them
                process.kill()
            pool.shutdown(cancel_futures=True)


def ray_cluster(bench: Bench, cells: Sequence[Cell], address: str, count: int) -> Iterator[Finished]:
    """Measure cells on a Ray cluster: `local` starts one here with `count` CPUs, `auto` or an address joins one.

    A cell whose worker dies is measured again elsewhere.

    Raises:
        ImportError: if Ray is not installed.
        UsageError: if the cluster does not answer.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    _reach(address)
    try:
        where: dict[str, Any] = {"num_cpus": count} if address == "local" else {"address": address}
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except Exception as error:  # Ray raises errors of many kinds
        raise UsageError(f"--ray {address}: {reason(error)}") from None
    try:
        measure = ray.remote(num_cpus=1, max_retries=ATTEMPTS)(_remote)
        shared = ray.put(replace(bench))
        running = {measure.remote(shared, cell): cell for cell in cells}
        while running:
            done, _ = ray.wait(list(running))
            cell = running.pop(done[0])
            yield cell, ray.get(done[0])
    except RayTaskError as error:
        raise error.cause if isinstance(error.cause, AppError | ModelError) else error from None
    except RayError as error:
        raise AppError(
            f"--ray {address}: a cell was lost {ATTEMPTS} times ({type(error).__name__}), perhaps for lack of memory; "
            "finished cells are kept"
        ) from None
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Check that `host:port` or `ray://host:port` accepts connections: Ray itself would retry for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise UsageError(
            f"--ray {address}: no cluster answers there ({error.strerror or error}): start one with `ray start --head` "
            "or use --ray local"
        ) from None


_here: list[Bench] = []  # this worker process's bench, whose model stays loaded between cells


def _begin(bench: Bench) -> None:
    ignore_interrupts()
    _here[:] = [bench]


def _measure(cell: Cell) -> Measured:
    return _here[0].measure(cell)


def _remote(bench: Bench, cell: Cell) -> Measured:
    """Measure in a Ray worker, which keeps the first bench it received, with its model and pictures."""
    if not _here or (_here[0].settings, _here[0].pictures) != (bench.settings, bench.pictures):
        _begin(bench)
    return _here[0].measure(cell)
