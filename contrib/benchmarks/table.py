"""Tables of figures, for terminals and for documents."""

from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen
class Row:
    """What two did in the same rounds.

    Args:
        name: What was done.
        bare: The yardstick's median.
        ours: The framework's median.
        ratio: Median of the ratios, round by round; more than 1: ours is better.
        unit: Of both medians.
    """

    name: str
    bare: float
    ours: float
    ratio: float
    unit: str = "/s"

    def cells(self) -> tuple[str, ...]:
        """Return what to print."""
        figures = (figure(it, self.unit) for it in (self.bare, self.ours))
        return (self.name, *figures, f"{self.ratio:.2f}")


def figure(number: float, unit: str) -> str:
    """Return a number with three digits that count."""
    return f"{number:.2f} {unit}" if unit != "/s" else f"{number:,.0f}/s"


def terminal(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return columns that align; all but the first to the right."""
    table = [head, *lines]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    )


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return the same for a document."""
    table = [head, ["---", *["---:"] * (len(head) - 1)], *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in table)
