"""An S3 server on a loopback port: moto's, in a thread of this process."""

from __future__ import annotations

import json
import secrets
import socket

import boto3  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer

KEY, SECRET = "AKIAOURTESTKEY", "the-secret-of-our-key"


class S3:
    """A server that can be stopped and started again, with one bucket."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.bucket = f"blobs-{secrets.token_hex(6)}"
        self.url = f"s3://{self.bucket}/tingshuo"
        self._running: ThreadedMotoServer | None = None
        self.start()
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        self.client.create_bucket(Bucket=self.bucket)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._running = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._running.start()

    def stop(self) -> None:
        """Answer nobody from now on; the objects stay."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def names(self) -> list[str]:
        """The last parts of the names of all objects."""
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return sorted(item["Key"].rsplit("/", 1)[-1] for item in found)

    def uploads(self) -> int:
        """How many uploads in parts were begun and not ended."""
        return len(self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []))

    def forbid(self, *actions: str) -> None:
        """Refuse these to everybody, such as `s3:DeleteObject`."""
        resource = [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]
        statement = {"Effect": "Deny", "Principal": "*", "Action": list(actions), "Resource": resource}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.client.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def allow(self) -> None:
        """Refuse nothing any more."""
        self.client.delete_bucket_policy(Bucket=self.bucket)

    def close(self) -> None:
        self.client.close()
        self.stop()
