"""Has rosterd send alerts on its channels, and reads what arrives with the receivers' own libraries and rules."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slack_sdk.models.blocks import Block
from slack_sdk.webhook import WebhookClient
from standardwebhooks import Webhook, WebhookVerificationError

SANDBOX, ROSTERD, ROSTER = sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3]
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
HOSTILE = 'Mara <!channel> & *Cö* @everyone [x](https://x.example) "q"'
TIMEOUT_S = 60
CHANNELS = ("discord", "slack", "webhook")
# What moves together is one alert from the sixth on.
PURGED = 8


class Receiver(BaseHTTPRequestHandler):
    """Takes everything, by path."""

    taken = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.taken.setdefault(self.path, []).append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def until(what, found):
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        if (result := found()) is not None:
            return result
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {TIMEOUT_S} s; there is {({path: len(it) for path, it in Receiver.taken.items()})}")


def followers(handle, count):
    request = urllib.request.Request(
        f"{SANDBOX}/_sandbox/accounts/bluesky/{handle}",
        data=json.dumps({"followers": count}).encode(),
        headers={"content-type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request).read()


class World:
    """A daemon whose channels lead here."""

    def __init__(self, home, base):
        self.socket = home / "rosterd.sock"
        config = home / "rosterd.toml"
        channels = "".join(
            f'[channels.{kind}]\nkind = "{kind}"\nurl = "{base}/{kind}"\nallow_private = true\nwait = "0s"\n'
            + (f'secret = "{SECRET}"\n' if kind == "webhook" else "")
            for kind in CHANNELS
        )
        config.write_text(f'[http]\nlisten = "off"\n[sync]\ngateway = "{SANDBOX}"\nmin_distance = "0s"\n{channels}')
        config.chmod(0o600)
        self.log = open(home / "rosterd.log", "wb")
        arguments = ["--config", config, "--state-dir", home / "state", "--socket", self.socket]
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(home), "DBUS_SESSION_BUS_ADDRESS": ""}
        self.process = subprocess.Popen([ROSTERD, *arguments], stderr=self.log, env=environment)
        until("the daemon responds", lambda: self.socket.exists() or None)

    def roster(self, *arguments):
        command = [ROSTER, "--socket", self.socket, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def end(self):
        self.process.terminate()
        self.process.wait(TIMEOUT_S)


def messages():
    """What arrived on each channel for a test, an alert and a group, and what the daemon lists of the alert."""
    with tempfile.TemporaryDirectory() as home:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        world = World(pathlib.Path(home), f"http://127.0.0.1:{server.server_port}")
        try:
            for number in range(PURGED):
                followers(f"client{number}.sky.test", 100_000)
                name = HOSTILE if number == 0 else f"Client {number}"
                world.roster("add", name, "--handle", f"bluesky:client{number}.sky.test")
            world.roster("sync", "--all", "--yes")
            for kind in CHANNELS:
                assert world.roster("channels", "test", kind)["delivered"], kind
            followers("client0.sky.test", 50_000)
            world.roster("sync", "bluesky:client0.sky.test")
            arrived(2)
            for number in range(1, PURGED):
                followers(f"client{number}.sky.test", 50_000)
                world.roster("sync", f"bluesky:client{number}.sky.test")
            # The test, five alerts, and the group.
            arrived(7)
            alerts = world.roster("alerts")["alerts"]
        finally:
            world.end()
            server.shutdown()
    return Receiver.taken, alerts


def arrived(count):
    def found():
        return True if all(len(Receiver.taken.get(f"/{kind}", [])) >= count for kind in CHANNELS) else None

    until(f"{count} messages on each channel", found)


def standardwebhooks(taken, alerts):
    verifier = Webhook(SECRET)
    kinds = []
    for headers, body in taken["/webhook"]:
        headers = {name.lower(): value for name, value in headers.items()}
        kinds.append(verifier.verify(body, headers)["type"])
        for wrong in (body + b" ", body.replace(b"alert", b"Alert", 1)):
            if wrong == body:
                continue
            try:
                verifier.verify(wrong, headers)
            except WebhookVerificationError:
                continue
            raise AssertionError("a changed body was taken")
    assert kinds == ["channel.test", *["alert.opened"] * 5, "alert.group"], kinds
    opened = json.loads(taken["/webhook"][1][1])["data"]
    listed = next(alert for alert in alerts if alert["id"] == opened["id"])
    assert (opened["why"], opened["influencer_name"]) == (listed["why"], HOSTILE), opened
    assert len({json.loads(body)["id"] for _, body in taken["/webhook"]}) == 7


def python_slack_sdk(taken, _):
    received = []
    with_sdk = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=with_sdk.serve_forever, daemon=True).start()
    client = WebhookClient(f"http://127.0.0.1:{with_sdk.server_port}/sdk")
    for _, body in taken["/slack"]:
        body = json.loads(body)
        # Their own classes check the limits of each block when they are written.
        blocks = [Block.parse(block) for block in body["blocks"]]
        assert None not in blocks and len(blocks) <= 50, body
        written = [block.to_dict() for block in blocks]
        assert written == body["blocks"], (written, body["blocks"])
        assert len(body["text"]) <= 40_000 and len(json.dumps(body["blocks"])) < 13_000, body
        said = client.send(text=body["text"], blocks=blocks, unfurl_links=False, unfurl_media=False)
        assert (said.status_code, said.body) == (200, "ok"), said
        received.append(json.loads(Receiver.taken["/sdk"][-1][1]) == body)
    with_sdk.shutdown()
    assert received == [True] * 7, "the client sends the same"
    body = json.loads(taken["/slack"][1][1])
    # Where Slack reads its own markup; a header is plain text.
    sections = [block["text"]["text"] for block in body["blocks"] if block["type"] == "section"]
    assert sections and not any("<" in text or ">" in text for text in [body["text"], *sections]), body
    assert body["text"].startswith("Mara &lt;!channel&gt; &amp; "), body["text"]


def discords_limits(taken, _):
    for _, body in taken["/discord"]:
        body = json.loads(body)
        assert set(body) <= {"content", "embeds", "allowed_mentions", "username", "avatar_url", "tts"}, body
        assert body["allowed_mentions"] == {"parse": []} and 1 <= len(body["embeds"]) <= 10, body
        total = 0
        for embed in body["embeds"]:
            footer = embed.get("footer", {}).get("text", "")
            assert len(embed["title"]) <= 256 and len(embed["description"]) <= 4096 and len(footer) <= 2048, embed
            assert 0 <= embed["color"] <= 0xFFFFFF, embed
            total += len(embed["title"]) + len(embed["description"]) + len(footer)
        assert 0 < total <= 6000, total
    title = json.loads(taken["/discord"][1][1])["embeds"][0]["title"]
    assert "@everyone" not in title.replace("\\@", "") and "](" not in title, title


def main():
    taken, alerts = messages()
    failed = 0
    for check in (standardwebhooks, python_slack_sdk, discords_limits):
        try:
            check(taken, alerts)
            print(f"ok      {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {check.__name__}\n{traceback.format_exc()}")
    print(f"{3 - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
