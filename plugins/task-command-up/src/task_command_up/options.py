"""What a table `[up.NAME]` says beside the flags of `task launch`."""

import attrs
from attrs.validators import ge

from task_core.api import Restart, option


@attrs.frozen(kw_only=True, eq=False)
class UpOptions:
    """Keys of the command's own."""

    instances: int = option(1, help="Processes of this kind.", validator=ge(1))
    restart: Restart = option(
        Restart.FAILURE,
        help="Start it again after a failure, always (also when it ended by itself),"
        " or never.",
    )
