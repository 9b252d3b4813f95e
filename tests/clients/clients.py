"""Reads the sandbox with the providers' own clients and compares with what was put in."""

import datetime
import json
import os
import sys
import traceback
import urllib.error
import urllib.parse
import urllib.request
import warnings

# OAuth libraries insist on https; the sandbox has loopback only.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
# Google's response names the scopes in an order of its own.
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"

BACK = "http://127.0.0.1:8787/oauth/callback"
READ = "https://www.googleapis.com/auth/youtube.readonly"
REPORTS = "https://www.googleapis.com/auth/yt-analytics.readonly"

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
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def raises(kind, call):
    """What `call` raised, which must be of this kind."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A browser that stops where it is sent."""

    def redirect_request(self, *_):
        return None


def approve(page, handle):
    """Opens a consent page as the owner of an account; gives the address that the browser is sent to."""
    try:
        urllib.request.build_opener(NoRedirects).open(f"{page}&sandbox_account={urllib.parse.quote(handle)}")
    except urllib.error.HTTPError as response:
        assert response.code == 302, (response.code, response.read())
        return response.headers["location"]
    raise AssertionError("the page redirects to nothing")


def advance(seconds):
    """Moves sandbox time."""
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{URL}/_sandbox/clock", data=body, method="POST")).read()


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


def google_auth():
    from google.auth.exceptions import RefreshError
    from google.oauth2.credentials import Credentials
    from googleapiclient.discovery import build
    from pyyoutube import Client

    made = put("youtube", "@google-auth", followers=54_321)

    class Sandboxed(Client):
        AUTHORIZATION_URL = f"{URL}/accounts.google.com/o/oauth2/v2/auth"
        EXCHANGE_ACCESS_TOKEN_URL = f"{URL}/oauth2.googleapis.com/token"
        REVOKE_TOKEN_URL = f"{URL}/oauth2.googleapis.com/revoke"

    app = Sandboxed(client_id="youtube-client-id", client_secret="youtube-client-secret")
    page, state = app.get_authorize_url(redirect_uri=BACK, scope=[READ, REPORTS], prompt="consent")
    token = app.generate_access_token(authorization_response=approve(page, "@google-auth"), redirect_uri=BACK, state=state)
    # Without an access token, the library must fetch one before its first request.
    credentials = Credentials(
        None,
        refresh_token=token.refresh_token,
        token_uri=f"{URL}/oauth2.googleapis.com/token",
        client_id="youtube-client-id",
        client_secret="youtube-client-secret",
    )
    endpoint = {"api_endpoint": f"{URL}/youtube.googleapis.com"}
    with build("youtube", "v3", credentials=credentials, static_discovery=True, client_options=endpoint) as youtube:
        own = youtube.channels().list(part="id,statistics", mine=True).execute()["items"]
        assert [one["id"] for one in own] == [made["id"]] and own[0]["statistics"]["subscriberCount"] == "54300", own
        advance(4000)
        assert youtube.channels().list(part="id", mine=True).execute()["items"], "refreshed after a 401"
    endpoint = {"api_endpoint": f"{URL}/youtubeanalytics.googleapis.com"}
    with build("youtubeAnalytics", "v2", credentials=credentials, static_discovery=True, client_options=endpoint) as reports:
        table = reports.reports().query(
            ids="channel==MINE",
            startDate="2026-08-01",
            endDate="2026-10-31",
            metrics="viewerPercentage",
            dimensions="ageGroup,gender",
            sort="-viewerPercentage",
        ).execute()
        assert 98 < sum(row[2] for row in table["rows"]) < 102, table
        google_reports(reports)
    assert app.revoke_access_token(credentials.token)
    credentials.token = None
    endpoint = {"api_endpoint": f"{URL}/youtube.googleapis.com"}
    with build("youtube", "v3", credentials=credentials, static_discovery=True, client_options=endpoint) as youtube:
        error = raises(RefreshError, lambda: youtube.channels().list(part="id", mine=True).execute())
        assert "invalid_grant" in str(error), error


def google_reports(reports):
    """Figures of days and countries, with the metrics that rosterd requests."""
    from googleapiclient.errors import HttpError

    def report(first, last, **query):
        table = reports.reports().query(ids="channel==MINE", startDate=first, endDate=last, **query).execute()
        names = [header["name"] for header in table["columnHeaders"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    metrics = "subscribersGained,subscribersLost,views,engagedViews,estimatedMinutesWatched,likes,comments,shares"
    days = report("2026-08-20", "2026-08-28", metrics=metrics, dimensions="day")
    assert [day["day"] for day in days] == [f"2026-08-{day}" for day in range(20, 29)], days
    assert all(day[metric] > 0 for day in days for metric in metrics.split(",")), days
    assert all((day["views"] == day["engagedViews"]) == (day["day"] < "2026-08-24") for day in days), days
    today = datetime.datetime.now(datetime.timezone.utc).date()
    newest = report("2026-08-20", str(today), metrics="views", dimensions="day")[-1]["day"]
    assert 2 <= (today - datetime.date.fromisoformat(newest)).days <= 5, newest

    countries = report(
        "2026-08-20", "2026-08-28", metrics="views", dimensions="country", sort="-views", maxResults=25
    )
    views = [country["views"] for country in countries]
    assert len(views) == 25 and views == sorted(views, reverse=True), countries
    assert 0.9 < sum(views) / sum(day["views"] for day in days) <= 1, views
    error = raises(HttpError, lambda: report("2026-08-20", "2026-08-28", metrics="reach", dimensions="day"))
    assert error.status_code == 400 and "not supported" in str(error), error


def python_youtube_oauth():
    from pyyoutube import Client

    class Sandboxed(Client):
        BASE_URL = f"{URL}/www.googleapis.com/youtube/v3/"
        AUTHORIZATION_URL = f"{URL}/accounts.google.com/o/oauth2/v2/auth"
        EXCHANGE_ACCESS_TOKEN_URL = f"{URL}/oauth2.googleapis.com/token"

    made = put("youtube", "@python-youtube-oauth", followers=777)
    app = Sandboxed(client_id="youtube-client-id", client_secret="youtube-client-secret")
    page, state = app.get_authorize_url(redirect_uri=BACK, scope=[READ], prompt="consent")
    back = approve(page, "@python-youtube-oauth")
    token = app.generate_access_token(authorization_response=back, redirect_uri=BACK, scope=[READ], state=state)
    assert app.channels.list(mine=True, parts=["id", "statistics"]).items[0].id == made["id"]
    renewed = app.refresh_access_token(token.refresh_token)
    assert renewed.access_token != token.access_token and renewed.refresh_token is None, renewed
    own = Sandboxed(access_token=renewed.access_token).channels.list(mine=True, parts=["statistics"]).items[0]
    assert int(own.statistics.subscriberCount) == 777, own


def graph_sign_in(app, handle, scope):
    """Signs in with python-facebook-api; gives the client with a long-lived token."""
    from pyfacebook import GraphAPI

    graph = GraphAPI(
        app_id=f"{app}-client-id",
        app_secret=f"{app}-client-secret",
        oauth_flow=True,
        version="v24.0",
        base_url=f"{URL}/graph.facebook.com/",
        authorization_url=f"{URL}/www.facebook.com/v24.0/dialog/oauth",
        access_token_url=f"{URL}/graph.facebook.com/v24.0/oauth/access_token",
        redirect_uri=BACK,
        scope=scope,
    )
    page, _ = graph.get_authorization_url()
    graph.exchange_user_access_token(response=approve(page, handle))
    graph.access_token = graph.exchange_long_lived_user_access_token()["access_token"]
    return graph


def past_days(count):
    """The bounds of so many days as dates, of which whatever the hour all are reported."""
    with urllib.request.urlopen(f"{URL}/_sandbox/clock") as response:
        today = datetime.date.fromisoformat(json.load(response)["now"][:10])
    return {"since": str(today - datetime.timedelta(count + 3)), "until": str(today - datetime.timedelta(3))}


def adds_up(total, gained, lost):
    """Whether what came and left of each day is how the total moves, by lists of values."""
    return len(total) > 1 and all(total[at] - total[at - 1] == gained[at] - lost[at] for at in range(1, len(total)))


PAGES = ["pages_show_list", "pages_read_engagement", "pages_read_user_content", "read_insights"]
INSTAGRAM = ["instagram_basic", "instagram_manage_insights", "pages_show_list", "pages_read_engagement"]


def python_facebook_pages():
    from pyfacebook import FacebookApi, FacebookError

    made = put("facebook", "python.page", followers=4321, posts=30, likes=20, comments=3, reposts=2, views=90)
    graph = graph_sign_in("facebook", "python.page", PAGES)
    assert graph.get_object("me")["name"] == made["owner"]
    (page,) = graph.get_connection("me", "accounts")["data"]
    app = graph.get_app_token()["access_token"]
    assert graph.debug_token(page["access_token"], app)["data"]["expires_at"] == 0
    client = FacebookApi(
        app_id="facebook-client-id",
        app_secret="facebook-client-secret",
        access_token=page["access_token"],
        version="v24.0",
        base_url=f"{URL}/graph.facebook.com/",
    )
    info = client.page.get_info(page_id=made["id"])
    assert (info.id, info.username) == (made["id"], "python.page"), info
    assert client.get_object(made["id"], fields="followers_count")["followers_count"] == 4321
    posts = client.page.get_published_posts(made["id"], count=None, limit=25).data
    assert len(posts) == 30 and posts[0].shares.count == 2, posts
    assert posts[0].reactions.summary.total_count == 20 and posts[0].comments["summary"]["total_count"] == 3, posts[0]
    insights = client.get_connection(made["id"], "insights", metric="page_follows,page_media_view", period="day")
    assert insights["data"][0]["values"][-1]["value"] > 0, insights
    put("facebook", "python.page", growth_per_day=0.02)
    figures = "page_follows,page_daily_follows_unique,page_daily_unfollows_unique,page_media_view,page_post_engagements"
    days = client.get_connection(made["id"], "insights", metric=figures, period="day", **past_days(30))["data"]
    assert [one["name"] for one in days] == figures.split(","), days
    follows, gained, lost, views, _ = [[value["value"] for value in one["values"]] for one in days]
    assert len(follows) == 30 and adds_up(follows, gained, lost) and min(views) > 0, days
    places = client.get_connection(made["id"], "insights", metric="page_follows_country", period="lifetime")
    assert places["data"][0]["values"][-1]["value"]["DE"] > 0, places
    error = raises(FacebookError, lambda: client.get_connection(made["id"], "insights", metric="page_fans"))
    assert error.code == 100, error
    assert client.rate_limit.get_sleep_seconds() == 0
    raises(FacebookError, lambda: client.get_object("1"))


def python_facebook_instagram():
    from pyfacebook import FacebookError, IGBusinessApi

    made = put("instagram", "python.gram", followers=20_000, following=12, posts=30, likes=20, comments=3, views=90)
    put("instagram", "somebody.else", followers=777, posts=4)
    graph = graph_sign_in("instagram", "python.gram", INSTAGRAM)
    pages = graph.get_connection("me", "accounts", fields="id,instagram_business_account{id,username}")["data"]
    assert pages[0]["instagram_business_account"] == {"id": made["id"], "username": "python.gram"}, pages
    client = IGBusinessApi(
        app_id="instagram-client-id",
        app_secret="instagram-client-secret",
        access_token=graph.access_token,
        version="v24.0",
        base_url=f"{URL}/graph.facebook.com/",
        instagram_business_id=made["id"],
    )
    own = client.user.get_info()
    assert (own.username, own.followers_count, own.media_count) == ("python.gram", 20_000, 30), own
    media = client.user.get_media(count=None, limit=20).data
    assert len(media) == 30 and all(one.like_count == 20 and one.comments_count == 3 for one in media), media
    insights = client.media.get_insights(media[0].id, metric="views,reach,likes").data
    assert [one.name for one in insights] == ["views", "reach", "likes"] and insights[0].values[0].value == 90, insights
    people = client.user.get_insights(
        metric="follower_demographics",
        period="lifetime",
        metric_type="total_value",
        timeframe="this_month",
        breakdown=["age", "gender"],
        return_json=True,
    )["data"][0]["total_value"]["breakdowns"][0]
    assert people["dimension_keys"] == ["timeframe", "age", "gender"] and len(people["results"]) > 8, people
    places = client.user.get_insights(
        metric="follower_demographics",
        period="lifetime",
        metric_type="total_value",
        timeframe="this_month",
        breakdown="country",
        return_json=True,
    )["data"][0]["total_value"]["breakdowns"][0]
    assert {tuple(row["dimension_values"]) for row in places["results"]} >= {("THIS_MONTH", "GR")}, places
    reach = client.user.get_insights(
        metric="reach", period="day", metric_type="time_series", return_json=True, **past_days(29)
    )["data"][0]["values"]
    assert len(reach) == 29 and all(value["value"] > 0 and value["end_time"] for value in reach), reach
    follows = client.user.get_insights(
        metric="follows_and_unfollows",
        period="day",
        metric_type="total_value",
        breakdown="follow_type",
        return_json=True,
        **past_days(1),
    )["data"][0]["total_value"]["breakdowns"][0]["results"]
    assert [row["dimension_values"] for row in follows] == [["FOLLOWER"], ["NON_FOLLOWER"]], follows
    other = client.user.discovery_user("somebody.else").business_discovery
    assert (other.username, other.followers_count) == ("somebody.else", 777), other
    others = client.user.discovery_user_medias("somebody.else", limit=3).business_discovery.media.data
    assert len(others) == 3, others
    error = raises(FacebookError, lambda: client.user.discovery_user("nobody.at.all"))
    assert error.code == 110, error


def facebook_business():
    from facebook_business.adobjects.igmedia import IGMedia
    from facebook_business.adobjects.iguser import IGUser
    from facebook_business.adobjects.page import Page
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookRequestError
    from facebook_business.session import FacebookSession

    # Its own lists of what is allowed lag behind the documentation.
    warnings.filterwarnings("ignore", module="facebook_business")
    FacebookSession.GRAPH = f"{URL}/graph.facebook.com"
    made = put("instagram", "official.gram", followers=20_000, posts=30, likes=20, views=90)
    graph = graph_sign_in("instagram", "official.gram", INSTAGRAM)
    FacebookAdsApi.init("instagram-client-id", "instagram-client-secret", graph.access_token)
    user = IGUser(made["id"])
    assert user.api_get(fields=["followers_count", "media_count"])["followers_count"] == 20_000
    reach = user.get_insights(params={"metric": ["reach"], "period": "day", "metric_type": "time_series"})
    assert reach[0]["values"], reach
    window = past_days(30)
    reach = user.get_insights(params={"metric": ["reach"], "period": "day", "metric_type": "time_series", **window})
    assert len(reach[0]["values"]) == 30, reach
    media = user.get_media(fields=["id", "like_count", "timestamp"], params={"limit": 20})
    ids = [one["id"] for one in media]
    assert len(ids) == 30 == len(set(ids)), "it reads further pages without a call"
    views = IGMedia(ids[0]).get_insights(params={"metric": ["views", "likes"]})
    assert [one["values"][0]["value"] for one in views] == [90, 20], views
    error = raises(FacebookRequestError, lambda: IGMedia(ids[0]).get_insights(params={"metric": ["impressions"]}))
    assert error.api_error_code() == 100 and error.http_status() == 400, error

    made = put("facebook", "official.page", followers=4321, posts=3, likes=20)
    graph = graph_sign_in("facebook", "official.page", PAGES)
    (page,) = graph.get_connection("me", "accounts")["data"]
    FacebookAdsApi.init("facebook-client-id", "facebook-client-secret", page["access_token"])
    page = Page(made["id"])
    assert page.api_get(fields=["followers_count"])["followers_count"] == 4321
    posts = page.get_published_posts(fields=["id", "reactions.limit(0).summary(total_count)"])
    assert [post["reactions"]["summary"]["total_count"] for post in posts] == [20] * 3, posts
    follows = page.get_insights(params={"metric": ["page_follows"], "period": "day"})
    assert follows[0]["name"] == "page_follows", follows
    metrics = ["page_follows", "page_daily_follows_unique", "page_daily_unfollows_unique", "page_views_total"]
    days = page.get_insights(params={"metric": metrics, "period": "day", **past_days(89)})
    follows, gained, lost, visits = [[value["value"] for value in one["values"]] for one in days]
    assert len(follows) == 89 and adds_up(follows, gained, lost) and sum(visits) > 0, days
    batch = FacebookAdsApi.get_default_api().new_batch()
    responses = []
    page.api_get(fields=["name"], batch=batch, success=lambda response: responses.append(response.json()))
    batch.execute()
    assert responses[0]["id"] == made["id"], responses


def python_tiktok():
    from pytiktok import BusinessAccountApi
    from pytiktok.error import PyTiktokError

    made = put("tiktok", "python.tok", followers=20_000, following=12, posts=25, likes=20, comments=3, reposts=2, views=90)
    app = {"app_id": "tiktok-accounts-client-id", "app_secret": "tiktok-accounts-client-secret"}
    client = BusinessAccountApi(**app, base_url=f"{URL}/business-api.tiktok.com/open_api", oauth_redirect_uri=BACK)
    scopes = "user.info.basic,user.info.username,user.info.stats,user.insights,video.list"
    query = {"client_key": app["app_id"], "scope": scopes, "response_type": "code", "redirect_uri": BACK, "state": "s"}
    page = f"{URL}/www.tiktok.com/v2/auth/authorize/?{urllib.parse.urlencode(query)}"
    back = urllib.parse.parse_qs(urllib.parse.urlparse(approve(page, "python.tok")).query)
    token = client.generate_access_token(code=back["code"][0])
    assert token.expires_in == 86_400 and token.refresh_token_expires_in == 31_536_000, token
    assert token.open_id != made["id"], "another app sees another id"
    renewed = client.refresh_access_token(token.refresh_token)
    assert renewed.access_token != token.access_token and client.access_token == renewed.access_token, renewed
    info = client.get_token_info(renewed.access_token)
    assert info.creator_id == token.open_id and "user.insights" in info.scope, info

    totals = client.get_account_data(token.open_id, fields=["username", "followers_count", "videos_count"]).data
    assert (totals.username, totals.followers_count, totals.videos_count) == ("python.tok", 20_000, 25), totals
    daily = ["followers_count", "video_views", "likes", "comments", "shares", "profile_views", "daily_new_followers"]
    lists = ["audience_genders", "audience_ages", "audience_countries"]
    data = client.get_account_data(token.open_id, fields=daily + lists).data
    assert 4 < len(data.metrics) < 8 and all(day.followers_count > 0 and day.video_views > 0 for day in data.metrics), data
    assert [one.gender for one in data.audience_genders] == ["Female", "Male", "Other"], data.audience_genders
    assert abs(sum(one.percentage for one in data.audience_ages) - 1) < 0.01, data.audience_ages
    assert data.audience_countries[0].country == "DE", data.audience_countries

    names = ["item_id", "create_time", "likes", "comments", "shares", "favorites", "video_views"]
    first = client.get_account_videos(token.open_id, fields=names, max_count=20).data
    rest = client.get_account_videos(token.open_id, fields=names, max_count=20, cursor=first.cursor).data
    videos = first.videos + rest.videos
    assert len({video.item_id for video in videos}) == 25 and first.has_more and not rest.has_more, videos
    assert all((video.likes, video.comments, video.shares, video.video_views) == (20, 3, 2, 90) for video in videos)

    error = raises(PyTiktokError, lambda: client.get_account_data(token.open_id, fields=["is_verified"]))
    assert "40001" in str(error), error
    client.revoke_access_token(renewed.access_token)
    error = raises(PyTiktokError, lambda: client.get_account_data(token.open_id))
    assert "40105" in str(error), error


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
    invented = client.get_author_feed(any_account("bluesky"), limit=100).feed
    assert any(item.reply for item in invented) and any(item.reason for item in invented), len(invented)


def any_account(platform):
    """The handle of an invented account that posts."""
    with urllib.request.urlopen(f"{URL}/_sandbox/accounts?platform={platform}") as response:
        accounts = json.load(response)
    return next(one["handle"] for one in accounts if one["state"] == "active" and one["posts"] > 100)


def main():
    clients = [
        google_api_python_client,
        google_auth,
        python_youtube,
        python_youtube_oauth,
        python_facebook_pages,
        python_facebook_instagram,
        facebook_business,
        python_tiktok,
        mastodon_py,
        atproto,
    ]
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
