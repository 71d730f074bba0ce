"""The file that Locust loads: `locust` by itself opens the UI, and the scripts run it headless."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import gevent
import locust.stats
from gevent import GreenletExit
from locust import argument_parser, events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `locust -f` in any folder

from loadtests.errors import RunFileError, ServiceError, WorkersGone
from loadtests.load.distributed.master import Master
from loadtests.load.distributed.worker import Worker
from loadtests.load.source import InProcess, Source
from loadtests.run.file.folders import RESULTS, claimed, new_folder
from loadtests.run.options import Options
from loadtests.run.survival.run import Survival
from loadtests.service.warm_up import check_cells
from loadtests.system.signals import die_of_quit, ignored
from loadtests.ui.form import add_options
from loadtests.ui.ledger import bucket
from loadtests.ui.recording import Recording
from loadtests.ui.shape_runner import shape
from loadtests.ui.shapes import SHAPES
from loadtests.ui.survival.session import session_of
from loadtests.ui.tabs import mount
from loadtests.ui.users import LoadUser, UserLoad, record, show

__all__ = ["LoadUser"]

log = logging.getLogger("loadbearing")
_running: list[gevent.Greenlet[..., None]] = []  # the scenario of the test, if any
SURVIVAL = "survival"  # the scenario in which the master directs the workers
_swarms: dict[Environment, Master] = {}  # at most one

# A local service answers in fractions of a millisecond, which Locust would round to zero.
locust.stats.PERCENTILES_TO_CHART = [0.5, 0.95, 0.99]
locust.stats.bucket_response_time = bucket  # type: ignore[assignment]  # documented to be replaced
# A worker reads these for each option at each change of users, which takes a quarter of a second.
argument_parser.default_args_dict = cache(argument_parser.default_args_dict)
events.init_command_line_parser.add_listener(add_options)
die_of_quit()


@events.init.add_listener
def join(environment: Environment, runner: Any, **_: Any) -> None:
    """Connect the processes of a distributed run, and show our tabs."""
    gevent.get_hub().loop.update_now()  # imports took seconds, which a short run time would lack
    if environment.web_ui or isinstance(runner, WorkerRunner):
        mount(environment, Recording(environment))
    parsed: Any = environment.parsed_options
    if parsed.tags and not isinstance(runner, WorkerRunner):
        _refuse("-T/--tags leaves nothing to run, as no task here has a tag; leave it out")
    if parsed.scenario in SHAPES and not isinstance(runner, WorkerRunner):
        try:  # the form sets a shape again each time
            shape(environment, Options.of(parsed), parsed.num_users, parsed.run_time)
        except ValueError as error:
            _refuse(f"{error}")
    if not ignored(signal.SIGHUP):
        gevent.signal_handler(signal.SIGHUP, _hang_up, environment)
    if isinstance(runner, MasterRunner):
        _swarms[environment] = Master(runner)
    elif isinstance(runner, WorkerRunner):
        worker = Worker(runner, partial(record, environment))
        events.test_stop.add_listener(lambda **_: worker.drop())


def _refuse(why: str) -> NoReturn:
    """End Locust as its parser does at wrong usage."""
    sys.stderr.write(f"locust: {why}\n")
    sys.exit(2)


@events.test_start.add_listener
def start(environment: Any, **_: Any) -> None:
    """Start the test of the form or the command line, or log why it cannot start."""
    parsed = environment.parsed_options
    try:
        options = Options.of(parsed)
        if options.scenario == SURVIVAL:
            if not isinstance(environment.runner, WorkerRunner):
                _begin_survival(environment, options)
            return
        check_cells(str(environment.host), options.cells, options.parameters)
        if not isinstance(environment.runner, MasterRunner):
            LoadUser.load = UserLoad(environment, options)
    except (ValueError, ServiceError) as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        if environment.web_ui and parsed.scenario == SURVIVAL:
            session_of(environment).reject(str(error))
        _running.append(gevent.spawn(_finish, environment, 2))


def _begin_survival(environment: Environment, options: Options) -> None:
    if environment.web_ui:
        folder = session_of(environment).choose(options)
    else:
        results = options.servers.folder / RESULTS
        folder = Path(options.output) if options.output else new_folder(results, datetime.now(UTC))
    _running.append(gevent.spawn(_survive, environment, options, folder))


@events.test_stopping.add_listener
@events.test_stop.add_listener
def stop(environment: Environment, **_: Any) -> None:
    """End the scenario with its test at once, because setting users would start another test."""
    swarm = _swarms.get(environment)
    why = GreenletExit() if swarm is None or swarm.processes else WorkersGone()
    while _running:
        scenario = _running.pop()
        if scenario is not gevent.getcurrent():  # else it has ended the test itself
            scenario.kill(why, block=False)
            if environment.web_ui:
                session_of(environment).stopping()


def _hang_up(environment: Environment) -> None:
    """Stop the scenario and report it, because its terminal was closed."""
    scenarios = [*_running]
    gevent.killall(scenarios)
    if environment.web_ui or not scenarios:  # else it has ended Locust
        os.kill(os.getpid(), signal.SIGTERM)


def _source(environment: Environment) -> Source:
    """Return what offers the load: the workers of a master, or else this process.

    Locust records its requests, unless a command of ours follows the run, which shows nothing of
    that: it takes a fifth of the CPU.
    """
    parsed: Any = environment.parsed_options
    if environment in _swarms:
        return _swarms[environment]
    followed = parsed.options and not environment.web_ui
    return InProcess() if followed else InProcess(partial(record, environment))


def _survive(environment: Environment, options: Options, folder: Path) -> None:
    """Measure; without a UI, the command that started this process shows and reports it."""
    turn = session_of(environment).turn(folder) if environment.web_ui else nullcontext()
    with turn as watcher:
        code = 2
        try:
            with claimed(folder):
                code = 3
                run = Survival(
                    options.host or None,
                    _source(environment),
                    options,
                    folder,
                    watcher=watcher,
                    show=partial(show, environment),
                )
                code = run.run()
        except RunFileError as error:
            if environment.web_ui:
                raise  # its tab shows the reason
            log.error("%s", error)  # noqa: TRY400 - the message says it all
        finally:
            _finish(environment, code)


def _finish(environment: Environment, code: int) -> None:
    """End the process if it has no UI; else only the test, unless another one may have begun."""
    environment.process_exit_code = code
    runner = environment.runner
    if runner is None:
        return
    if not environment.web_ui:
        runner.quit()
    elif gevent.getcurrent() in _running:  # else it was stopped, and another may have begun
        runner.stop()
