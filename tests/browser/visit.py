"""Lets a browser visit a consent page of the sandbox, as the owner of an account who decides there.

Usage: visit.py DRIVER_URL PAGE_URL DECISION [HANDLE]; DECISION is `approve` or `deny`, HANDLE an account of the person
to sign in as. All that is ticked stays ticked. Prints JSON: `requested` (the ticked scopes), `address`, `title` and `text`
of the page where the browser landed, `is_styled` (whether it took that page's style), `console` (what it complained
of before that).
"""

import json
import sys
import tempfile
import time
import urllib.error
import urllib.request

LIMIT_S = 20
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()


class Browser:
    """Chromium with a new profile, driven as the W3C's WebDriver says."""

    def __init__(self, driver):
        options = {"args": [*FLAGS, "--user-data-dir=" + tempfile.mkdtemp(prefix="profile-")]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.url = f"{driver}/session"
        self.url += "/" + self.request("", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def request(self, path, body=None, method=None):
        """GET without a body, else POST, unless `method` says otherwise."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * LIMIT_S) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            problem = json.load(error)["value"]
            raise AssertionError(f"{path}: {problem['error']}: {problem['message'].splitlines()[0]}") from None

    def script(self, expression):
        return self.request("/execute/sync", {"script": f"return {expression}", "args": []})

    def click(self, xpath):
        """Clicks the one that is meant."""
        found = self.request("/elements", {"using": "xpath", "value": xpath})
        assert len(found) == 1, f"{len(found)} on the page are {xpath}"
        [element] = found[0].values()
        self.request(f"/element/{element}/click", {})

    def await_another(self, page):
        limit = time.monotonic() + LIMIT_S
        while self.request("/url") == page or self.script("document.readyState") != "complete":
            assert time.monotonic() < limit, "the browser still shows the consent page"
            time.sleep(0.05)


def visit(browser, page, decision, handle=None):
    browser.request("/url", {"url": page})
    page = browser.request("/url")
    if handle is not None:
        # Where a person has several accounts, the page lists them below the person.
        account = f"//label[small[substring-after(., ' ') = '{handle}']]"
        browser.click(f"({account}//input | {account}/preceding::input)[@type = 'radio'][last()]")
    requested = browser.script("[...document.querySelectorAll('input[name=scope]:checked')].map(it => it.value)")
    browser.click(f"//button[@value = '{decision}']")
    browser.await_another(page)
    return {
        "requested": requested,
        "address": browser.request("/url"),
        "title": browser.request("/title"),
        "text": browser.script("document.body.innerText"),
        "is_styled": browser.script("getComputedStyle(document.body).maxWidth != 'none'"),
        "console": [line["message"] for line in browser.request("/se/log", {"type": "browser"})],
    }


def main(driver, *arguments):
    browser = Browser(driver)
    try:
        print(json.dumps(visit(browser, *arguments)))
    finally:
        browser.request("", method="DELETE")


main(*sys.argv[1:])
