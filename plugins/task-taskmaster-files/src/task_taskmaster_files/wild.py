"""Wildcards of names as regular expressions."""

import re

_CLASS = re.compile(r"\[(?P<not>[!^]?)(?P<first>\]?)(?P<rest>[^\]/]*)\]")


def wild_regex(text: str) -> str:
    r"""Return the regular expression of text with wildcards; none matches a slash.

    Example:
        >>> wild_regex("*.cs[vw]")
        '[^/]*\\.cs[vw]'
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "[" and (match := _CLASS.match(text, at)):
            inner = (match["first"] + match["rest"]).replace("\\", r"\\")
            inner = inner.replace("[", r"\[").replace("]", r"\]")
            found.append(f"[{'^/' if match['not'] else ''}{inner}]" if inner else "")
            at = match.end()
            continue
        found.append({"*": "[^/]*", "?": "[^/]"}.get(text[at]) or re.escape(text[at]))
        at += 1
    return "".join(found)
