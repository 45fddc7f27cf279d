"""What a real nsqd 1.3.0 answered, word for word, is what is answered now."""

import json
from pathlib import Path

import pytest
from brokers.tests.scripts import PROFILES
from brokers.tests.talk import Talk

RECORDED = {
    file.stem: json.loads(file.read_text())
    for file in (Path(__file__).parent / "transcripts").glob("*.json")
}
TALKS = [(profile, name) for profile, talks in PROFILES.items() for name in talks]


def test_every_conversation_was_recorded_from_a_real_nsqd():
    recorded = {
        (profile, name)
        for profile, found in RECORDED.items()
        for name in found["conversations"]
    }
    assert recorded == set(TALKS)
    assert {found["from"] for found in RECORDED.values()} == {
        "nsqd 1.3.0",
        "nsqlookupd 1.3.0",
    }


@pytest.mark.parametrize(("profile", "name"), TALKS, ids=lambda it: it)
def test_answers_are_those_of_a_real_nsqd(servers, profile, name):
    server, authority = servers(profile)
    talk = Talk(server, authority, lookup=profile == "lookupd")
    told = talk.have(PROFILES[profile][name])
    for step, recorded in zip(
        told, RECORDED[profile]["conversations"][name], strict=True
    ):
        assert step == recorded
