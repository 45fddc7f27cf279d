"""How far a rule is done."""

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class Progress:
    """How far one rule is done.

    Args:
        key: Of the rule.
        name: Of the rule, for people who look into the file.
        done: Every firing up to then is sent, or passed over.
    """

    key: str
    name: str
    done: datetime
