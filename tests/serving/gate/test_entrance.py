"""Who comes in: tokens, scopes, sessions, names of hosts, pages elsewhere, and the headers of answers."""

import httpx
import pytest
from serving_tools import begin_upload, serving

from atsal.errors import ConfigError
from atsal.serving.gate.entrance import Gate
from atsal.serving.gate.rates import Rates, network_of
from atsal.serving.gate.settings import GateSettings


@pytest.fixture
def closed(closed_service):
    """A service with tokens: a client without cookies, and the headers of each token."""
    closed_service[0].cookies.clear()
    return closed_service


@pytest.fixture(scope="module")
def closed_service(tmp_path_factory):
    gate = GateSettings(origins=("https://pages.example",), host_names=("atsal.example",), failures_per_minute=1000)
    with serving(tmp_path_factory.mktemp("closed"), gate=gate) as (service, client):
        names = {"reader": "read", "anna": "submit", "ben": "submit", "boss": "admin"}
        yield (
            client,
            {n: {"Authorization": f"Bearer {service.gate.tokens.add(n, scope)}"} for n, scope in names.items()},
        )


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/kinds", "/v1/uploads", "/openapi.json", "/no/such/path", "/metrics"])
@pytest.mark.parametrize("given", [None, "Bearer", "Bearer atsal_00000000_" + "A" * 43, "Basic YTpi", "atsal_x"])
def test_nothing_is_told_without_a_token(closed, path, given):
    client, _ = closed
    answer = client.get(path, headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    shows_token = given is not None and given.startswith("Bearer atsal_")
    assert answer.json()["detail"].startswith("the token is unknown" if shows_token else "the request shows none")


def test_a_scope_has_those_before_it_and_no_more(closed):
    client, tokens = closed
    job = {"kind": "count", "source": {"upload": "0" * 32}}
    assert client.get("/v1/jobs", headers=tokens["reader"]).status_code == 200
    assert client.post("/v1/jobs", json=job, headers=tokens["reader"]).status_code == 403
    assert client.post("/v1/jobs", json=job, headers=tokens["anna"]).status_code == 404  # it may; there is no upload


def test_what_belongs_to_others_does_not_exist_except_for_an_admin(closed):
    client, tokens = closed
    with httpx.Client(base_url=client.base_url, headers=tokens["anna"]) as anna:
        address = begin_upload(anna, 5)
    tus = {"Tus-Resumable": "1.0.0"}
    assert client.head(address, headers=tus | tokens["anna"]).status_code == 200
    assert client.head(address, headers=tus | tokens["ben"]).status_code == 404
    assert client.delete(address, headers=tus | tokens["ben"]).status_code == 404
    assert client.head(address, headers=tus | tokens["boss"]).status_code == 200


def test_a_session_reads_and_changes_nothing(closed):
    client, tokens = closed
    opened = client.post("/v1/session", headers=tokens["anna"])
    client.cookies.clear()
    cookie = opened.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/v1", "Max-Age=43200"))
    session = {"Cookie": cookie.partition(";")[0]}
    assert client.get("/v1/jobs", headers=session).status_code == 200
    assert client.post("/v1/session", headers=session).status_code == 401
    assert client.delete("/v1/jobs/" + "0" * 32, headers=session).status_code == 401
    assert client.get("/v1/jobs", headers={"Cookie": "atsal_session=x"}).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200),
        ("ATSAL.example", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("[::1", 403),
    ],
)
def test_only_names_of_this_host_are_answered(closed, host, status):
    client, tokens = closed
    assert client.get("/v1/jobs", headers=tokens["reader"] | {"Host": host}).status_code == status


def test_a_page_that_may_not_ask_is_refused_with_a_problem(closed):
    client, _ = closed
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/jobs", headers=asks)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_under_every_name(closed, path):
    client, _ = closed
    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).json() == {"status": "ok"}
    assert client.get("/", headers={"Host": "10.0.0.7:8000"}).status_code == 403
    assert client.get(path, headers={"Host": "a b"}).status_code in (400, 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://pages.example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=a"}, 415),
    ],
)
def test_a_page_elsewhere_changes_nothing(closed, headers, status):
    client, tokens = closed
    assert client.post("/v1/session", headers=tokens["anna"] | headers).status_code == status


def test_pages_of_a_listed_origin_may_call_and_others_may_not(closed):
    client, _ = closed
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "upload-offset"}
    known = client.options("/v1/uploads", headers=asked | {"Origin": "https://pages.example"})
    assert known.headers["access-control-allow-origin"] == "https://pages.example"
    other = client.options("/v1/uploads", headers=asked | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_each_answer_binds_browsers_and_says_its_id(closed):
    client, tokens = closed
    for path in ("/v1/jobs", "/no/such/path", "/healthz"):
        headers = client.get(path, headers=tokens["reader"] | {"X-Request-ID": "mine-1"}).headers
        assert headers["x-request-id"] == "mine-1"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


@pytest.mark.parametrize("given", ["a b", "<script>", "a" * 65, ""])
def test_an_id_that_is_not_sane_is_replaced(closed, given):
    client, _ = closed
    answer = client.get("/v1/jobs", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] != given


def test_a_header_that_counts_is_there_once(closed):
    client, tokens = closed
    twice = [("Authorization", tokens["anna"]["Authorization"]), ("Authorization", tokens["boss"]["Authorization"])]
    assert client.get("/v1/jobs", headers=twice).status_code == 400


def test_wrong_tokens_and_too_many_requests_have_to_wait(tmp_path):
    gate = GateSettings(requests_per_minute=8, failures_per_minute=3)
    with serving(tmp_path, gate=gate) as (service, client):
        right = {"Authorization": f"Bearer {service.gate.tokens.add('anna', 'read')}"}
        wrong = [client.get("/v1/jobs", headers={"Authorization": "Bearer x"}) for _ in range(5)]
        assert [answer.status_code for answer in wrong] == [401, 401, 401, 429, 429]
        assert client.get("/v1/jobs", headers=right).status_code == 200
        assert 1 <= int(wrong[-1].headers["retry-after"]) <= 60
        answers = [client.get("/healthz") for _ in range(4)]
        assert [answer.status_code == 429 for answer in answers] == [False, False, True, True]


def test_where_others_can_reach_the_service_it_demands_a_token(service):
    gate = Gate(GateSettings(), service.gate.tokens, "0.0.0.0")
    with pytest.raises(ConfigError, match="each request has to show a token"):
        gate.check()
    assert gate.demands_tokens()


def test_without_the_last_token_a_running_service_stays_closed(tmp_path):
    with serving(tmp_path) as (service, client):
        assert client.get("/v1/jobs").status_code == 200
        service.gate.tokens.add("anna", "read")
        assert client.get("/v1/jobs").status_code == 401
        service.gate.tokens.revoke("anna")
        assert client.get("/v1/jobs").status_code == 401


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1",)])
def test_only_a_trusted_proxy_says_who_asks_and_how(tmp_path, proxies):
    with serving(tmp_path, gate=GateSettings(proxies=proxies, failures_per_minute=2)) as (service, client):
        right = {"Authorization": f"Bearer {service.gate.tokens.add('anna', 'read')}"}
        wrong = [{"Authorization": "Bearer x", "X-Forwarded-For": f"8.8.8.{number}"} for number in range(4)]
        statuses = [client.get("/v1/jobs", headers=headers).status_code for headers in wrong]
        assert statuses == ([401] * 4 if proxies else [401, 401, 429, 429])
        opened = client.post("/v1/session", headers=right | {"X-Forwarded-Proto": "https"})
        assert ("Secure" in opened.headers["set-cookie"]) == bool(proxies)


def test_a_flood_from_many_networks_does_not_fill_the_memory():
    rates = Rates(GateSettings(requests_per_minute=1))
    for number in range(25_000):
        rates._storage.incr(str(number), 60)
    rates.of_address("8.8.8.8")
    assert len(rates._storage.storage) < 10
    assert rates.of_address("8.8.8.8") > 0


def test_addresses_of_one_customer_count_together():
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::2") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:8.8.8.8") == network_of("8.8.8.8") != network_of("8.8.8.9")
