"""A server from its socket to its end; while it answers, its run file tells llamacli's other commands of it."""

import logging
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from llamacli import runfile
from llamacli.cli.context import World
from llamacli.engine import Models, Wanted, auto_choice
from llamacli.errors import ExitStatus, LlamacliError
from llamacli.server.policy import Policy, log
from llamacli.settings import Settings
from llamacli.terminal.loading import LoadingDisplay

if TYPE_CHECKING:
    from llamacli.placement import Choice
    from llamacli.server.residence import Residence


class Hosting:
    """The models of some settings, served under a policy at `host`."""

    def __init__(self, world: World, settings: Settings, policy: Policy, host: str) -> None:
        self._world = world
        self._settings = replace(settings, endpoint=None, server=False)
        self._policy = policy
        self._host = host
        self._wanted = Wanted(classifier=settings.classifier_device != "none")
        self._display = LoadingDisplay(world.screen)

    def run(self, port: int, idle_s: float | None) -> ExitStatus:
        """Serve until a signal ends it."""
        from llamacli.server import create_app, listen, run  # asyncio, for which the other commands need not wait

        app = create_app(self._open_models, self._settings, self._policy, idle_s=idle_s)
        bound = listen(self._host, port)
        self._log()
        try:
            self._display.__enter__()
            auto = self._auto()
            run(app, bound, lambda: self._ready(app.state.house.residence, auto, bound.getsockname()[1]))
        except SystemExit as end:
            if end.code != 128 + signal.SIGTERM:
                raise
        finally:
            self._display.__exit__(None, None, None)
            runfile.remove(self._settings.data_dir, self._policy.token)
        return ExitStatus.DONE  # after everything was put in order

    def _open_models(self) -> Models:
        return self._world.open_models(self._settings, self._wanted, self._display.report)

    def _auto(self) -> "Choice | None":
        """What `auto` is here for those who say nothing of devices, while all the memory is still there."""
        try:
            return auto_choice(replace(self._settings, device="auto", quantization="auto", classifier_device="auto"))
        except LlamacliError:  # the machine has nothing for it; whether that matters, loading will tell
            return None

    def _ready(self, residence: "Residence", auto: "Choice | None", port: int) -> None:
        self._display.__exit__(None, None, None)
        info, asked = residence.info, self._settings.model
        assert info is not None
        came_to = {"device": info.device, "quantization": info.quantization, "classifier_device": residence.rates}
        placed = {name: (wish, came_to[name]) for name, wish in runfile.wished(self._settings).items()}
        is_auto = auto is not None and auto.name == info.model
        notice = auto.notice if auto is not None and info.model == "builtin" else ""
        own = self._url(port).replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104 - what is listened at
        running = runfile.Running(
            own, self._policy.token, os.getpid(), info.model, runfile.model_key(asked), residence.rates, placed,
            is_auto, notice,
        )  # fmt: skip
        runfile.write(self._settings.data_dir, running)
        self._world.screen.notice(
            f"Serving {info.model} on {info.device} at {self._url(port)}, until Ctrl-C or llamacli serve --stop."
        )

    def _url(self, port: int) -> str:
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"

    def _log(self) -> None:
        handler = logging.StreamHandler(self._world.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.handlers = [handler]
        log.setLevel(logging.INFO)
        log.propagate = False
