"""Rules of `task_core.config.sources`."""

import attrs

from task_core.config.sources import (
    NoFile,
    Section,
    environment_layer,
    flag_layer,
    variable_prefix,
)
from task_core.options import UrlPart, option


@attrs.frozen(kw_only=True)
class Broker:
    hosts: tuple[str, ...] = option((), help="Hosts.", url=UrlPart.AUTHORITY)
    vhost: str = option("", help="Virtual host.", url=UrlPart.PATH)
    max_attempts: int = option(1, help="Attempts.")
    api_token: str = option("", help="Token.", secret=True)


@attrs.frozen(kw_only=True)
class File:
    path: str = option("", help="File.", url=UrlPart.LOCATION)
    follow: bool = option(False, help="Go on.")


BROKER = Section(options=Broker, table=("bus", "nsq"), flag="bus-")
FILE = Section(options=File, table=("bus", "file"), flag="bus-")
MY_NSQ = Section(options=Broker, table=("bus", "my-nsq"), flag="in-bus-")


def values(layer):
    return {name: raw.value for name, raw in layer.values.items()}


def test_a_flag_is_its_own_origin():
    """`--bus-max-attempts: …` is what the user typed."""
    layer = flag_layer(BROKER, {"max_attempts": ["3"], "other": ["x"]})
    assert values(layer) == {"max_attempts": ("3",)}
    assert layer.values["max_attempts"].origin == "--bus-max-attempts"


def test_a_flag_that_was_not_given_says_nothing():
    """Then a weaker source counts."""
    assert values(flag_layer(BROKER, {"max_attempts": []})) == {}


def test_the_environment_names_kind_plugin_and_option():
    """And nothing else is looked at."""
    env = {"TASK_BUS_NSQ_HOSTS": "a,b", "HOME": "/", "TASK_BUS_OTHER_X": "1"}
    layer = environment_layer(BROKER, env)
    assert values(layer) == {"hosts": ("a,b",)}
    assert layer.values["hosts"].origin == "TASK_BUS_NSQ_HOSTS"
    assert layer.unknown == {}


def test_an_unknown_variable_of_the_plugin_is_reported():
    """A typing error must not be overlooked."""
    layer = environment_layer(BROKER, {"TASK_BUS_NSQ_HOST": "a"})
    assert layer.unknown == {"host": "environment TASK_BUS_NSQ_HOST"}


def test_an_empty_variable_counts_as_not_set():
    """Else an empty `TASK_BUS_FILE_FOLLOW=` of some wrapper would mean yes."""
    env = {"TASK_BUS_FILE_FOLLOW": "", "TASK_BUS_FILE_X": ""}
    layer = environment_layer(FILE, env)
    assert (layer.values, layer.unknown) == ({}, {})


def test_no_file_says_nothing():
    """The usual case."""
    assert NoFile().layer(BROKER).values == {}


def test_names_in_each_source_follow_from_kind_plugin_and_field():
    """Flags carry the role; environment and TOML the plugin."""
    spec = MY_NSQ.specs[2]
    assert MY_NSQ.flag_of(spec) == "--in-bus-max-attempts"
    assert MY_NSQ.env_of(spec) == "TASK_BUS_MY_NSQ_MAX_ATTEMPTS"
    assert MY_NSQ.key_of(spec) == "bus.my-nsq.max_attempts"


def test_flags_of_a_command_have_no_prefix():
    """`--concurrency`, not `--launch-concurrency`."""
    section = Section(options=Broker, table=("launch",))
    assert section.flag_of(section.specs[2]) == "--max-attempts"
    assert section.env_of(section.specs[2]) == "TASK_LAUNCH_MAX_ATTEMPTS"


def test_variables_of_a_longer_name_belong_to_another_plugin():
    """`TASK_BUS_NATS_CORE_URL` sets `url` of `nats-core`, no `core_url` of `nats`."""
    section = Section(
        options=Broker, table=("bus", "nats"), others=lambda: [("bus", "nats-core")]
    )
    assert section.owns_variable("TASK_BUS_NATS_URL")
    assert not section.owns_variable("TASK_BUS_NATS_CORE_URL")
    assert not section.owns_variable("TASK_BUS_FILE_PATH")


def test_environment_prefixes_are_upper_case_with_underscores():
    """As shells want them."""
    assert variable_prefix(("bus", "a-b")) == "TASK_BUS_A_B_"
