"""What the tests of groups say in short."""

from urllib.parse import parse_qs


def group(place, text, more="", files="*/*.csv"):
    place.rule(files, more=f'every = "5s"\nquiet = "1s"\ngroup = {{ {text} }}\n{more}')


def write(place, *names):
    return lambda: [place.write(name) for name in names]


def counts(sent):
    return [int(parse_qs(task.meta)["files"][0]) for task, _ in sent]
