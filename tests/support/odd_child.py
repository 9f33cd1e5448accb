"""A sending process with kinds of channel that misbehave, for tests of what surrounds it.

    python odd_child.py SOCKET_FD

The kind `odd` does what its message says: `take`, `hang`, `die`, `raise`, `refuse`, `nonsense`, `deaf`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from gateway.alerts.channels import child
from gateway.alerts.channels.task import NotSent, Sent, Task


def send(task: Task) -> Sent:
    """Do as the message says."""
    match task.message["does"]:
        case "hang":
            threading.Event().wait()
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        case "raise":
            raise ZeroDivisionError(task.config["secret"])
        case "refuse":
            raise NotSent("no", lasting=True, data={"gone": True})
        case "loaded":
            return Sent(taken="sent", data={"modules": sorted(sys.modules)})
        case "large":
            return Sent(taken="delivered", data={"filler": "å" * 200_000})
    return Sent(taken="delivered", data={"pid": os.getpid()})


if __name__ == "__main__":
    child.KINDS["odd"] = "__main__:send"
    child.KINDS["gone"] = "no_such_module:send"
    sys.exit(child.main(sys.argv[1:]))
