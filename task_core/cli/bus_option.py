"""The one option of commands that only need a bus: they use the launcher's."""

import attrs

from task_core.config.sources import Section
from task_core.options import option


@attrs.frozen(kw_only=True, eq=False)
class BusOption:
    """Which bus."""

    bus: str = option("stdio", help="Bus: a name or a URL.")


SECTION = Section(options=BusOption, table=("launch",), strict=False)
