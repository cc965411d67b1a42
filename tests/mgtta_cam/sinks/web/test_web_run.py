"""The option --web of the program: what it prints, what it keeps secret, and what it rejects."""

from __future__ import annotations

import re
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.mgtta_cam.cli.test_exit import MODEL, started
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.tiny import write_model


def test_the_token_is_told_once(tmp_path: Path) -> None:
    """The token is printed on the terminal only; log, video and summary do not contain it."""
    write_clip(tmp_path / "clip.mkv", 20)
    write_model(tmp_path / "tiny.safetensors")
    words = ["--source", "clip.mkv", "--loop", "0", "--realtime", *MODEL, "--log", "out.jsonl", "--json", "-v"]
    process = started(tmp_path, *words, "--web", "0.0.0.0:0")
    assert process.stderr is not None
    said = ""
    while "in a browser" not in said:
        said = process.stderr.readline()
        assert said, "the program ended early"
    match = re.search(r"http://[^/]+:(\d+)/\?token=(\S{43})$", said.strip())
    assert match is not None, said
    page = urllib.request.urlopen(f"http://127.0.0.1:{match[1]}/?token={match[2]}")
    assert match[2] in page.read().decode()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://127.0.0.1:{match[1]}/")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    for text in (out, err, (tmp_path / "out.jsonl").read_text(encoding="utf-8")):
        assert match[2] not in text


@pytest.mark.parametrize(("value", "code"), [("foo", 2), ("127.0.0.1:99999", 2), (None, 7)])
def test_addresses_that_cannot_be_had(tmp_path: Path, value: str | None, code: int) -> None:
    """One line, before the model is looked for."""
    write_clip(tmp_path / "clip.mkv", 2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        value = value or f"127.0.0.1:{taken.getsockname()[1]}"
        process = started(tmp_path, "--source", "clip.mkv", "--model", "not-there", "--web", value)
        _, err = process.communicate()
    assert process.returncode == code
    assert re.fullmatch(r"mgtta-cam: --web.*\n", err)
