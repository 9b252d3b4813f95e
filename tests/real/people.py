#!/usr/bin/env python3
"""People on a server that speaks Mastodon's API, driven over HTTP with the standard library alone.

Usage: people.py URL enter NAME PASSWORD        prints a token, got through OAuth's form, as a person would get it
       people.py URL post TOKEN TEXT            prints the post's id
       people.py URL favourite TOKEN POST
       people.py URL follow TOKEN ACCOUNT       ACCOUNT is name@host
       people.py URL unfollow TOKEN ACCOUNT
Exit 1 when the server refuses.
"""

import html.parser
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

REDIRECT = "http://localhost/done"


class NotFollowed(urllib.request.HTTPRedirectHandler):
    """The response that leads to the app is the one to read."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NotFollowed)


class Form(html.parser.HTMLParser):
    """The fields of a page's form that are filled in already, and where it is sent."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes.get("action")
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes.get("value") or ""


class Server:
    def __init__(self, url):
        self.url = url

    def request(self, method, path, fields=None, token=None):
        """The response: its text, and where it leads."""
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        request = urllib.request.Request(urllib.parse.urljoin(self.url, path), data=data, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with OPENER.open(request, timeout=20) as response:
                return response.read().decode(), None
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                return "", error.headers["Location"]
            raise

    def json(self, *arguments, **named):
        return json.loads(self.request(*arguments, **named)[0])

    def enter(self, name, password):
        app = self.json("POST", "/api/v1/apps", {"client_name": "people", "redirect_uris": REDIRECT, "scopes": "read write follow"})
        query = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": REDIRECT, "scope": "read write follow"}
        form = Form(self.request("GET", f"/oauth/authorize?{urllib.parse.urlencode(query)}")[0])
        _, where = self.request("POST", form.action, {**form.fields, "login": name, "passwd": password})
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(where).query)["code"][0]
        proof = {key: app[key] for key in ("client_id", "client_secret")}
        response = self.json("POST", "/oauth/token", {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **proof})
        return response["access_token"]

    def post(self, token, text):
        return self.json("POST", "/api/v1/statuses", {"status": text, "visibility": "public"}, token=token)["id"]

    def favourite(self, token, post):
        self.request("POST", f"/api/v1/statuses/{post}/favourite", {}, token=token)

    def follow(self, token, account, door="follow"):
        found = self.json("GET", f"/api/v1/accounts/lookup?{urllib.parse.urlencode({'acct': account})}", token=token)
        self.request("POST", f"/api/v1/accounts/{found['id']}/{door}", {}, token=token)

    def unfollow(self, token, account):
        self.follow(token, account, "unfollow")


def main():
    _, url, door, *arguments = sys.argv
    try:
        printed = getattr(Server(url), door)(*arguments)
    except urllib.error.URLError as error:
        print(f"{door}: {error}", file=sys.stderr)
        return 1
    if printed:
        print(printed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
