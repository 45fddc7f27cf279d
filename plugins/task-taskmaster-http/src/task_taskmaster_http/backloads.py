"""`POST /backload`: the tasks of a range of dates, by the phases of workflows.

It takes the JSON that flowlord takes, and answers as flowlord does. Only this module
knows the planner, which another distribution brings.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import msgspec
from task_taskmaster_workflow.backload import make_backload
from task_taskmaster_workflow.backload_request import read_request
from task_taskmaster_workflow.folder import Library

from task_core.api import Clock, UsageError
from task_taskmaster_http.bodies import Parcel, Plan
from task_taskmaster_http.keys import digest
from task_taskmaster_http.problem import RequestError


class Backloads:
    """Plans backloads by the phases of a file, or of a folder of files.

    A file that gets worse keeps its last good version.

    Args:
        place: The file or folder.
        clock: Tells the date of a request that names none.

    Raises:
        OptionError: There is no file that can be used.
    """

    def __init__(self, place: Path, clock: Clock) -> None:
        self._library = Library(place)
        self._folder = (place if place.is_dir() else place.parent).resolve()
        self._clock = clock

    def plan(self, body: bytes, most: int) -> Plan:
        """Return what a request comes to; nothing is sent.

        Args:
            body: Its JSON.
            most: How many tasks there may be.

        Raises:
            RequestError: Something in it is wrong.
        """
        try:
            values = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RequestError(400, f"this is no JSON object: {error}") from None
        self._library.refresh()
        try:
            request, execute = read_request(values)
            self._check_file(request.meta_file)
            found = make_backload(
                attrs.evolve(request, most=most),
                self._library.workflows,
                datetime.fromtimestamp(self._clock.time(), UTC),
            )
        except UsageError as error:
            raise RequestError(422, str(error)) from None
        parcels = [Parcel(task, task.type) for task in found.tasks()]
        notes = "; ".join(found.notes)
        return Plan(parcels=parcels, notes=notes, execute=execute, asked=digest(values))

    def _check_file(self, meta_file: str) -> None:
        """Refuse a file elsewhere: the answer tells what is in it, to whoever asks."""
        if meta_file and not Path(meta_file).resolve().is_relative_to(self._folder):
            text = "is not in the folder of --taskmaster-workflows: put it there"
            raise RequestError(403, f"meta-file {meta_file!r} {text}")
