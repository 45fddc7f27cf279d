"""Records what a real nsqd answers: `python -m brokers.tests.record` beside contrib.

It needs nsqd and nsqlookupd on PATH, or named by NSQD and NSQLOOKUPD. Look at what
changed before you keep it.
"""

import json
import os
import tempfile
from pathlib import Path

from brokers.nsq import implementation
from brokers.tests.profiles import running
from brokers.tests.scripts import PROFILES
from brokers.tests.talk import Talk

FOLDER = Path(__file__).parent / "transcripts"


def main():
    """Write one file per profile."""
    os.environ["TASK_NSQ"] = "real"
    for profile, scripts in PROFILES.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            running(profile, folder) as (server, authority),
        ):
            lookup = profile == "lookupd"
            talks = {}
            for name, script in scripts.items():
                talk = Talk(server, authority, lookup=lookup)
                talks[name] = talk.have(script)
        found = {"from": implementation(server.name), "conversations": talks}
        file = FOLDER / f"{profile}.json"
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        print(f"{file.name}: {len(talks)} conversations with {found['from']}")


if __name__ == "__main__":
    main()
