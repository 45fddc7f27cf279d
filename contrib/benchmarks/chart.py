"""Draws ratios as bars beside the yardstick, as SVG that suits light and dark pages."""

from collections.abc import Mapping, Sequence
from html import escape

from table import Row

LEFT, WIDTH, BAR, GAP, HEAD = 190, 420, 14, 6, 26
LONGEST = 2.0
"""Ratios above it are cut, and their number says so."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.bus { font-weight: 600 } .line { stroke: #1f2328; stroke-dasharray: 3 3 }
.bar { fill: #0969da } .slow { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .line { stroke: #e6edf3 } .bar { fill: #4493f8 }
  .slow { fill: #db6d28 }
}
"""
AIM = 0.75


def chart(results: Mapping[str, Sequence[Row]]) -> str:
    """Return the picture of all buses, one bar for each experiment."""
    marks, y = [], 10
    for bus, rows in results.items():
        marks.append(f'<text class="bus" x="8" y="{y + 14}">{escape(bus)}</text>')
        y += HEAD
        for row in rows:
            marks += _bar(row, y)
            y += BAR + GAP
        y += GAP
    x = LEFT + WIDTH / LONGEST
    title = "Ratio of each bus to the bare loop of its client; the line is 1"
    box = f"0 0 {LEFT + WIDTH + 60} {y}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{box}">',
            f"<title>{title}</title><style>{STYLE}</style>",
            *marks,
            f'<line class="line" x1="{x}" y1="8" x2="{x}" y2="{y - 8}"/>',
            "</svg>\n",
        ]
    )


def _bar(row: Row, y: int) -> list[str]:
    """Return name, bar and number of one experiment."""
    width = WIDTH * min(row.ratio, LONGEST) / LONGEST
    kind = "bar" if row.ratio >= AIM else "bar slow"
    text = f'y="{y + BAR - 3}"'
    return [
        f'<text x="{LEFT - 8}" text-anchor="end" {text}>{escape(row.name)}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.0f}" height="{BAR}"/>',
        f'<text x="{LEFT + width + 6:.0f}" {text}>{row.ratio:.2f}</text>',
    ]
