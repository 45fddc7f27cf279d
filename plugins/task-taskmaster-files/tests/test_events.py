"""Messages about files, as those who publish them write them."""

import json

import pytest
from task_taskmaster_files.events import read_event

from task_core.api import DecodeError

GCS = {
    "kind": "storage#object",
    "id": "bucket/in/a.csv/1767225600000000",
    "name": "in/a.csv",
    "bucket": "bucket",
    "generation": "1767225600000000",
    "size": "12",
    "md5Hash": "XrY7u+Ae7tCTyyK7j1rNww==",
    "timeCreated": "2026-01-01T00:00:00.123Z",
}
S3 = {
    "eventName": "ObjectCreated:Put",
    "eventTime": "2026-01-01T00:00:00.000Z",
    "s3": {
        "bucket": {"name": "shop"},
        "object": {"key": "in/a+b%26.csv", "size": 12, "eTag": "abc"},
    },
}


def read(data):
    return read_event(json.dumps(data).encode())


def test_statistics_of_gos_workers_tell_a_file():
    """With its lines and its bytes."""
    (file,) = read(
        {
            "linecnt": 10,
            "bytecnt": 200,
            "size": 50,
            "checksum": "abc",
            "path": "s3://b/a.gz",
            "created": "2026-01-01T00:00:00Z",
        }
    )
    assert (file.path, file.size, file.lines, file.bytes) == (
        "s3://b/a.gz",
        50,
        10,
        200,
    )
    assert file.version == "abc-50-2026-01-01T00:00:00Z"


def test_a_notification_of_gcs_tells_a_file():
    """Its generation is its version."""
    (file,) = read(GCS)
    assert (file.path, file.size) == ("gs://bucket/in/a.csv", 12)
    assert (file.version, file.checksum) == (GCS["generation"], GCS["md5Hash"])
    assert file.created.year == 2026


def test_an_event_of_s3_tells_its_files():
    """With their keys decoded."""
    (file, other) = read({"Records": [S3, S3]})
    assert (file.path, file.version) == ("s3://shop/in/a b&.csv", "abc")
    assert file == other


@pytest.mark.parametrize(
    "data",
    [
        {"path": "/in/folder", "isDir": True},
        GCS | {"timeDeleted": "2026-01-01T00:00:00Z"},
        GCS | {"name": "in/folder/"},
        {"Records": []},
        {"Records": [S3 | {"eventName": "ObjectRemoved:Delete"}]},
        {"Records": [S3 | {"eventName": "s3:ObjectRemoved:Delete"}]},
    ],
)
def test_folders_and_what_is_gone_are_no_files(data):
    """Such messages are read, and nothing comes of them."""
    assert read(data) == []


@pytest.mark.parametrize("size", [b"1e999", b"Infinity", b"NaN", b'"much"', b"{}"])
def test_a_size_that_is_none_is_left_out(size):
    """JSON can say what no number of bytes is; the file is told all the same."""
    (file,) = read_event(b'{"path":"/in/a","size":' + size + b"}")
    assert (file.path, file.size, file.version) == ("/in/a", None, "--0-")


@pytest.mark.parametrize("created", ["soon", "0001-01-01T00:00:00+05:00", 5])
def test_a_time_that_is_none_is_left_out(created):
    """Also one that is none in UTC, which tasks are written in."""
    (file,) = read({"path": "/in/a", "created": created})
    assert file.created is None


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"[]",
        b"{}",
        b'{"Records":[1]}',
        b"\xff",
        b"[" * 9999,
        rb'{"path":"/in/a\u0000.csv"}',
        rb'{"path":"/in/a\ud800.csv"}',
        rb'{"path":"/in/a.csv","checksum":"\u0000"}',
        rb'{"id":"1","name":"a\ud800","bucket":"b"}',
    ],
)
def test_anything_else_is_refused(body):
    """It goes to the dead topic, and no reader ends."""
    with pytest.raises(DecodeError):
        read_event(body)
