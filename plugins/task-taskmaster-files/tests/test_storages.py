"""Storages as they are: S3 on moto's server, GCS on an emulator."""

import json
import os
import socket

import pytest

REGION = "us-east-1"


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


@pytest.fixture(scope="module")
def s3():
    """A server of moto, and a client for it."""
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("s3fs")
    port = free_port()
    thread = server.ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    yield boto3.client("s3", endpoint_url=url, region_name=REGION, **keys), url
    thread.stop()


@pytest.fixture
def bucket(s3, tmp_path):
    """An empty bucket: its name, what puts a file there, and its address."""
    client, url = s3
    name = f"b{abs(hash(str(tmp_path)))}"
    client.create_bucket(Bucket=name)

    def put(key, text="x"):
        client.put_object(Bucket=name, Key=key, Body=text.encode())

    return name, put, url


def rules(place, files, protocol, storage, more=""):
    place.rules.write_text(
        f'[[rule]]\nfiles = "{files}"\ntype = "load"\nexisting = "send"\nevery = "5s"\n'
        f"{more}\n[storage.{protocol}]\n{storage}\n"
    )


def storage_of(url):
    return f'key = "k"\nsecret = "s"\nendpoint_url = "{url}"'


class TestS3:
    def test_each_version_of_an_object_is_told_once(self, place, bucket):
        """At once, since a put is atomic, and by its etag."""
        name, put, url = bucket
        more = 'template = "{file}?size={size}&sum={checksum}"'
        rules(place, f"s3://{name}/in/*.csv", "s3", storage_of(url), more)
        put("in/a.csv")
        put("in/a.txt")
        put("in/deep/b.csv")
        script = {
            8: lambda: put("in/a.csv", "more"),
            20: lambda: put("in/a.csv", "more"),
        }
        infos = [task.info for task, _ in place.run(30, script)]
        assert [it.rpartition("&")[0] for it in infos] == [
            f"s3://{name}/in/a.csv?size=1",
            f"s3://{name}/in/a.csv?size=4",
        ]
        assert place.run(10) == []

    def test_date_tokens_and_any_depth_lead_to_keys(self, place, bucket):
        """As in folders."""
        name, put, url = bucket
        rules(place, f"s3://{name}/{{day_slug}}/**/*.csv", "s3", storage_of(url))
        put("2026/01/01/x/y/a.csv")
        put("2026/01/01/b.csv")
        put("2025/12/01/c.csv")
        infos = sorted(task.info for task, _ in place.run(10))
        assert infos == [
            f"s3://{name}/2026/01/01/b.csv",
            f"s3://{name}/2026/01/01/x/y/a.csv",
        ]

    def test_a_success_file_tells_that_a_folder_is_finished(self, place, bucket):
        """And a manifest may be in the bucket, too."""
        name, put, url = bucket
        more = (
            'marker = "_SUCCESS"\n'
            'group = { by = "dir", quiet = "5s" }\ntemplate = "{manifest}"'
        )
        rules(place, f"s3://{name}/out/*/*.csv", "s3", storage_of(url), more)
        put("out/1/a.csv")
        put("out/1/b.csv")
        script = {20: lambda: put("out/1/_SUCCESS")}
        ((task, _),) = place.run(60, script, manifests=f"s3://{name}/lists")
        import fsspec

        settings = {"key": "k", "secret": "s", "endpoint_url": url}
        with fsspec.open(task.info, "r", **settings) as file:
            paths = [json.loads(line)["path"] for line in file]
        assert paths == [f"s3://{name}/out/1/a.csv", f"s3://{name}/out/1/b.csv"]

    def test_a_bucket_that_is_not_there_is_told_in_a_line(self, place, s3, caplog):
        """It may come."""
        _, url = s3
        rules(place, "s3://no-such-bucket/*.csv", "s3", storage_of(url))
        assert place.run(20) == []
        assert caplog.text.count("there is no s3://no-such-bucket") == 1

    def test_a_server_that_does_not_answer_is_told_in_a_line(self, place, caplog):
        """And asked again."""
        url = f"http://127.0.0.1:{free_port()}"
        storage = (
            f"{storage_of(url)}\nconfig_kwargs = {{ retries = {{ max_attempts = 1 }} }}"
        )
        rules(place, "s3://b/*.csv", "s3", storage)
        assert place.run(8) == []
        assert caplog.text.count("cannot list s3://b") == 1


@pytest.fixture(scope="module")
def gcs():
    """An emulator of GCS; returns its address and what puts an object there."""
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"  # gRPC has no emulator
    server = pytest.importorskip(
        "gcp_storage_emulator.server", reason="gcp-storage-emulator is not installed"
    )
    gcsfs = pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    port = free_port()
    running = server.create_server("127.0.0.1", port, in_memory=True)
    running.start()
    url = f"http://127.0.0.1:{port}"
    storage = gcsfs.GCSFileSystem(token="anon", endpoint_url=url, project="p")
    storage.mkdir("bucket")
    yield url, lambda path, text: storage.pipe(f"bucket/{path}", text.encode())
    running.stop()


class TestGcs:
    def test_each_version_of_an_object_is_told_once(self, place, gcs):
        """At once; also over a restart."""
        url, put = gcs
        storage = f'token = "anon"\nendpoint_url = "{url}"\nproject = "p"'
        more = 'template = "{file}?size={size}"'
        rules(place, "gs://bucket/in/**/*.csv", "gs", storage, more)
        put("in/a.csv", "x")
        put("in/deep/b.csv", "x")
        put("in/deep/c.txt", "x")
        script = {8: lambda: put("in/a.csv", "more")}
        infos = [task.info for task, _ in place.run(20, script)]
        assert sorted(infos) == [
            "gs://bucket/in/a.csv?size=1",
            "gs://bucket/in/a.csv?size=4",
            "gs://bucket/in/deep/b.csv?size=1",
        ]
        assert place.run(10) == []
