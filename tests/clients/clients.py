"""Reads the sandbox with the providers' own clients and compares with what was put in."""

import json
import sys
import traceback
import urllib.request

URL = sys.argv[1].rstrip("/")
KEY = "youtube-api-key"


def put(platform, handle, **numbers):
    """Makes or changes an account; gives it as the sandbox shows it."""
    request = urllib.request.Request(
        f"{URL}/_sandbox/accounts/{platform}/{handle}",
        data=json.dumps(numbers).encode(),
        headers={"content-type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def raises(kind, call):
    """What `call` raised, which must be of this kind."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def google_api_python_client():
    from googleapiclient.discovery import build
    from googleapiclient.errors import HttpError

    made = put("youtube", "@google-client", followers=12_399, posts=60, likes=50, comments=4, views=900)
    hidden = put("youtube", "@google-hidden", hidden=True)
    endpoint = {"api_endpoint": f"{URL}/youtube.googleapis.com"}
    with build("youtube", "v3", developerKey=KEY, static_discovery=True, client_options=endpoint) as youtube:
        channels = youtube.channels()
        ids = f"{made['id']},{hidden['id']}"
        found = channels.list(part="snippet,statistics,contentDetails", id=ids, maxResults=50).execute()["items"]
        one, other = found
        assert one["statistics"]["subscriberCount"] == "12300", one
        assert one["snippet"]["customUrl"] == "@google-client", one
        assert other["statistics"]["hiddenSubscriberCount"] is True, other
        assert "items" not in channels.list(part="id", forHandle="@nobody-at-all").execute()

        uploads = one["contentDetails"]["relatedPlaylists"]["uploads"]
        items = youtube.playlistItems()
        request, pages = items.list(part="contentDetails", playlistId=uploads, maxResults=50), []
        while request is not None:
            pages.append(request.execute())
            request = items.list_next(request, pages[-1])
        assert [len(page["items"]) for page in pages] == [50, 10], pages

        ids = ",".join(item["contentDetails"]["videoId"] for item in pages[0]["items"][:12])
        videos = youtube.videos().list(part="snippet,statistics,contentDetails,status", id=ids).execute()["items"]
        assert len(videos) == 12 and all(video["statistics"]["likeCount"] == "50" for video in videos), videos
        narrow = channels.list(part="statistics", id=made["id"], fields="items/statistics/videoCount").execute()
        assert narrow == {"items": [{"statistics": {"videoCount": "60"}}]}, narrow
        error = raises(HttpError, lambda: channels.list(part="id").execute())
        assert error.status_code == 400 and error.error_details[0]["reason"] == "missingRequiredParameter", error
    with build("youtube", "v3", developerKey="wrong", static_discovery=True, client_options=endpoint) as youtube:
        error = raises(HttpError, lambda: youtube.channels().list(part="id", id="UC1").execute())
        assert error.error_details[0]["reason"] == "API_KEY_INVALID" or "keyInvalid" in str(error.content), error


def python_youtube():
    from pyyoutube import Client, PyYouTubeException

    class Sandboxed(Client):
        BASE_URL = f"{URL}/www.googleapis.com/youtube/v3/"

    made = put("youtube", "@python-youtube", followers=2_345_678, posts=3, likes=7, comments=1, views=90)
    client = Sandboxed(api_key=KEY)
    channel = client.channels.list(for_handle="@python-youtube", parts=["snippet", "statistics", "contentDetails"]).items[0]
    assert channel.id == made["id"], channel
    assert int(channel.statistics.subscriberCount) == 2_340_000, channel
    assert int(channel.statistics.videoCount) == 3, channel
    uploads = channel.contentDetails.relatedPlaylists.uploads
    items = client.playlistItems.list(playlist_id=uploads, parts=["contentDetails"], max_results=50).items
    assert len(items) == 3, items
    videos = client.videos.list(video_id=[item.contentDetails.videoId for item in items], parts=["statistics"]).items
    assert [int(video.statistics.viewCount) for video in videos] == [90] * 3, videos
    put("youtube", "@python-youtube", posts=0)
    error = raises(PyYouTubeException, lambda: client.playlistItems.list(playlist_id=uploads, parts=["id"]))
    assert error.status_code == 404, error


def mastodon_py():
    from mastodon import Mastodon, MastodonNotFoundError

    made = put("mastodon", "ada@art.example", followers=321, following=4, posts=45, likes=10, comments=2, reposts=3)
    client = Mastodon(api_base_url=f"{URL}/art.example", ratelimit_method="throw")
    assert client.instance().version.startswith("4."), client.instance()
    account = client.account_lookup("ada")
    assert str(account.id) == made["id"], account
    assert (account.followers_count, account.following_count, account.statuses_count) == (321, 4, 45), account
    assert client.account(account.id).url == "https://art.example/@ada"
    page = client.account_statuses(account.id, exclude_reblogs=True, exclude_replies=True, limit=40)
    assert len(page) == 40 and all(status.favourites_count == 10 for status in page), page
    rest = client.fetch_next(page)
    assert len(rest) == 5 and rest[0].id < page[-1].id, rest
    assert client.status(page[0].id).replies_count == 2
    assert client.ratelimit_limit == 300, client.ratelimit_limit
    raises(MastodonNotFoundError, lambda: client.account_lookup("nobody"))


def atproto():
    from atproto import Client, exceptions

    made = put("bluesky", "ada.test", followers=321, following=4, posts=30, likes=10, comments=2, reposts=3)
    put("bluesky", "bob.test", followers=12)
    put("bluesky", "off.test", deactivated=True)
    client = Client(base_url=f"{URL}/public.api.bsky.app")
    assert client.resolve_handle("ada.test").did == made["id"]
    profile = client.get_profile("ada.test")
    assert profile.did == made["id"], profile
    assert (profile.followers_count, profile.follows_count, profile.posts_count) == (321, 4, 30), profile
    profiles = client.get_profiles(["ada.test", "off.test", "bob.test"]).profiles
    assert [one.handle for one in profiles] == ["ada.test", "bob.test"], profiles
    error = raises(exceptions.BadRequestError, lambda: client.get_profile("off.test"))
    assert error.response.content.error == "AccountDeactivated", error

    own, cursor = [], None
    while True:
        page = client.get_author_feed(made["id"], filter="posts_no_replies", limit=20, cursor=cursor)
        own += [item.post for item in page.feed if item.reason is None]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(own) == 30 and all(post.like_count == 10 and post.reply_count == 2 for post in own), own
    again = client.get_posts([post.uri for post in own[:25]]).posts
    assert [post.uri for post in again] == [post.uri for post in own[:25]], again
    invented = client.get_author_feed(someone("bluesky"), limit=100).feed
    assert any(item.reply for item in invented) and any(item.reason for item in invented), len(invented)


def someone(platform):
    """The handle of an invented account that posts."""
    with urllib.request.urlopen(f"{URL}/_sandbox/accounts?platform={platform}") as answer:
        accounts = json.load(answer)
    return next(one["handle"] for one in accounts if one["state"] == "active" and one["posts"] > 100)


def main():
    clients = [google_api_python_client, python_youtube, mastodon_py, atproto]
    failed = 0
    for client in clients:
        name = client.__name__.replace("_", "-")
        try:
            client()
            print(f"ok      {name}")
        except Exception:  # One client that fails must not hide what the others find.
            failed += 1
            print(f"FAILED  {name}")
            traceback.print_exc()
    print(f"{len(clients) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
