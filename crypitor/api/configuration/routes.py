"""The configuration: reload, level of the log."""

import sys

from crypitor.api.configuration.answer import LogLevelAnswer, ReloadAnswer
from crypitor.api.configuration.body import LogLevelBody
from crypitor.api.configuration.examples import EXAMPLES
from crypitor.api.serving.call import Call
from crypitor.api.serving.routing import Routes
from crypitor.database.keys import Scope
from crypitor.errors import ConfigError, Forbidden, Invalid, Mistake, NotFound
from crypitor.runtime.log import levels

routes = Routes("Process", EXAMPLES)


@routes.add("POST", "/v1/reload", scope=Scope.ADMIN, problems=(400,))
async def reload_configuration(call: Call) -> ReloadAnswer:
    """Read the configuration of this process again, as SIGHUP does. Only for an operator's key.

    With a mistake in it, all of them are told and nothing is changed. What is in force in a moment
    is in `changed`; `restart` has what takes effect at the next start.
    """
    _for_operators(call)
    try:
        found = await call.context.reload()
    except ConfigError as wrong:
        raise Invalid(f"{wrong.source}: nothing was changed", _mistakes(wrong)) from wrong
    return {"changed": [*found.changed], "restart": [*found.restart]}


@routes.add("PUT", "/v1/log-level", scope=Scope.ADMIN, problems=(404,))
async def set_log_level(call: Call, body: LogLevelBody) -> LogLevelAnswer:
    """Let this process, or one module of it, be heard from a level on. Only for an operator's key.

    Until the configuration is read again, or the process starts anew.
    """
    _for_operators(call)
    if body.module is None:
        levels.reset(body.level)
    else:
        module = f"crypitor.{body.module.removeprefix('crypitor.')}"
        if module not in sys.modules:
            raise NotFound(
                f"there is no module {body.module} in this process: name a folder or file of the"
                " program, as worker.follower"
            )
        levels.set(body.level, module)
    return {"level": body.level, "module": body.module}


def _for_operators(call: Call) -> None:
    if not call.who.operator:
        raise Forbidden("only an admin key of the first project can change the process")


def _mistakes(wrong: ConfigError) -> list[Mistake]:
    """Return each with its key as a pointer into the file."""
    found = []
    for line in wrong.mistakes:
        key, _, problem = line.partition(": ")
        found.append(Mistake(f"/{key.replace('.', '/')}", problem or line))
    return found
