"""The whole way of a consent as a new user goes it: the terminal UI in tmux, the consent page in a real browser.

Chromium is driven through chromedriver's own protocol. Nothing sleeps for a while: what must appear is waited for.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 30
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def until(what, look, show=lambda: ""):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"{what}: not within {PATIENCE} s\n{show()}")


class Place:
    """A sandbox, a daemon that asks it, and a directory that is thrown away."""

    def __init__(self, directory, listen):
        self.dir, self.running = directory, []
        self.port, sandbox_port = free_port(), free_port()
        sandbox = self.start([os.environ["ROSTER_SANDBOX"], "--listen", f"127.0.0.1:{sandbox_port}", "--accounts", "40"])
        sandbox.stdout.readline()
        self.gateway = f"http://127.0.0.1:{sandbox_port}"
        apps = "".join(
            f'[platforms.{it}]\nclient_id = "{it}-client-id"\nclient_secret = "{it}-client-secret"\n'
            for it in ("instagram", "tiktok")
        )
        at = f"127.0.0.1:{self.port}" if listen else "off"
        with open(f"{directory}/rosterd.toml", "w") as config:
            config.write(f'[http]\nlisten = "{at}"\n[sync]\ngateway = "{self.gateway}"\n{apps}')
        self.socket = f"{directory}/run/rosterd.sock"
        rosterd = [os.environ["ROSTERD"], "--config", f"{directory}/rosterd.toml"]
        self.start([*rosterd, "--state-dir", f"{directory}/state", "--socket", self.socket])
        until("rosterd listens", lambda: os.path.exists(self.socket))

    def start(self, command):
        alone = {"PATH": os.environ["PATH"], "HOME": self.dir, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        program = subprocess.Popen(command, env=alone, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.running.append(program)
        return program

    def roster(self, *arguments):
        said = subprocess.run(
            [os.environ["ROSTER"], *arguments, "--json", "--socket", self.socket], capture_output=True, text=True, check=True
        )
        return json.loads(said.stdout)

    def end(self):
        for program in reversed(self.running):
            program.terminate()
            program.wait()


class Terminal:
    """The terminal UI in a tmux of its own."""

    def __init__(self, place, columns, lines):
        self.name = f"roster-browser-{os.getpid()}"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), f"{os.environ['ROSTER']} --socket {place.socket}")

    def tmux(self, *arguments, **more):
        return subprocess.run(["tmux", "-L", self.name, *arguments], capture_output=True, text=True, **more).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def see(self, what, pattern):
        return until(what, lambda: re.search(pattern, self.screen()), self.screen)

    def paste(self, text):
        self.tmux("load-buffer", "-", input=text)
        self.tmux("paste-buffer", "-p")

    def end(self):
        self.tmux("kill-server")

    def ask_for_consent(self, name, platform):
        """Presses c, chooses the platform, and reads the whole address off the screen."""
        self.see("the roster", name)
        self.keys("c")
        self.see("the form", f"Connect an account to {name}")
        for _ in range(10):
            if f"‹ {platform} ›" in self.screen():
                break
            before = self.screen()
            self.keys("Right")
            until("another platform", lambda: self.screen() != before, self.screen)
        self.keys("Enter")
        self.see("the account's field", "Enter asks for consent")
        self.keys("Enter")
        self.see("the address", r"Open this on any device:\s+http")
        address = re.search(r"any device:\n(http\S+(?:\n\S+)*)", self.screen()).group(1)
        return address.replace("\n", "")


class Browser:
    """Headless Chromium behind chromedriver."""

    def __init__(self, directory):
        self.port = free_port()
        null = subprocess.DEVNULL
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=null, stderr=null)
        until("chromedriver", self.is_ready)
        options = {"args": [*CHROMIUM, f"--user-data-dir={directory}/chromium"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.at = f"/session/{session['sessionId']}"

    def is_ready(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except OSError:
            return False

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    def element(self, css):
        found = self.ask("POST", f"{self.at}/element", {"using": "css selector", "value": css})
        return f"{self.at}/element/{next(iter(found.values()))}"

    def decide(self, address, decision):
        """Opens a consent page, clicks, and gives the address it was sent to."""
        self.ask("POST", f"{self.at}/url", {"url": address})
        page = self.ask("GET", f"{self.at}/title")
        assert "sandbox" in page, page
        try:
            self.ask("POST", self.element(f"button[value={decision}]") + "/click", {})
        except urllib.error.HTTPError:
            # Nobody listens where it was sent: the click's page did not load, its address stands all the same.
            pass
        return until("the way back", self.landed)

    def landed(self):
        address = self.ask("GET", f"{self.at}/url")
        return address if "/callback?" in address else None

    def text(self):
        return self.ask("GET", self.element("body") + "/text")

    def complaints(self):
        return self.ask("POST", f"{self.at}/se/log", {"type": "browser"})

    def end(self):
        self.ask("DELETE", self.at)
        self.driver.terminate()
        self.driver.wait()


def the_callback_finishes_it(place, browser):
    place.roster("add", "Mara")
    terminal = Terminal(place, 80, 24)
    try:
        address = terminal.ask_for_consent("Mara", "Instagram")
        browser.decide(address, "deny")
        assert "denied" in browser.text(), browser.text()
        terminal.see("a no is a no", "denied")
        terminal.keys("r")
        terminal.see("asked again", "Open this on any device")
        again = re.search(r"any device:\n(http\S+(?:\n\S+)*)", terminal.screen()).group(1).replace("\n", "")
        assert again != address, "a state is good once"
        browser.decide(again, "approve")
        assert "Thank you" in browser.text(), browser.text()
        assert not browser.complaints(), browser.complaints()
        terminal.see("which of them", "(Space marks several|● Instagram)")
        if "Space marks several" in terminal.screen():
            terminal.keys("Enter")
        terminal.see("the account is named", "● Instagram [a-z0-9._]+ +new")
        terminal.see("its numbers arrive", "[0-9.]+[KM]? followers")
        terminal.keys("Enter")
        terminal.see("it is on the roster", "Mara +●IG +[0-9.]+[KM]?")
    finally:
        terminal.end()
    [connection] = place.roster("show", "Mara")["connections"]
    assert connection["status"] == "fresh" and connection["latest"]["followers"] > 0, connection
    [grant] = place.roster("tokens")["grants"]
    assert grant["renews"] == "itself" and grant["connections"] == [connection["id"]], grant


def the_pasted_address_finishes_it(place, browser):
    place.roster("add", "Oskar")
    terminal = Terminal(place, 200, 60)
    try:
        landed = browser.decide(terminal.ask_for_consent("Oskar", "TikTok"), "approve")
        terminal.keys("p")
        terminal.see("the field for it", "(?i)paste")
        terminal.paste(landed)
        terminal.keys("Enter")
        terminal.see("the account is named", "● TikTok [a-z0-9._]+ +new")
        terminal.see("its numbers arrive", "[0-9.]+[KM]? followers")
        terminal.keys("u")
        until("one step takes it back", lambda: not place.roster("show", "Oskar")["connections"], terminal.screen)
    finally:
        terminal.end()
    until("and revokes it", lambda: not place.roster("tokens")["grants"])


def main():
    for story, listen in ((the_callback_finishes_it, True), (the_pasted_address_finishes_it, False)):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            place, browser = Place(directory, listen), Browser(directory)
            try:
                story(place, browser)
            finally:
                browser.end()
                place.end()
        print(f"ok    {story.__name__.replace('_', ' ')} ({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
