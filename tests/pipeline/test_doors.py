"""The doors as people use them: `llr serve` on the sample's run, behind nginx, in a browser, read by axe.

One `llr serve` for all of it. What Debian's chromium or nginx is needed for is skipped, with the reason, where they are
not installed. Screenshots are kept in pytest's temporary folder.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.serving import Ports, serve_all

REPORTS = (
    "actuals", "bed_capacity", "changes", "claims", "completeness", "funding_gap", "stp_monitoring", "triangulation",
    "workforce",
)  # fmt: skip
PATIENCE = 90  # seconds, on a busy machine


@dataclass(frozen=True)
class Served:
    """A running `llr serve`: its home and where its three servers are."""

    home: Home
    engineer: str
    managers: str
    reports: str


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def lines_until(process: subprocess.Popen, words: str) -> list[str]:
    """What it prints, up to the line with these words."""
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return said
    pytest.fail(f"it ended before it said “{words}”:\n{''.join(said)}")


@pytest.fixture(scope="module")
def served(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What the sample's run left, copied, and served on ports of its own."""
    home = Home(tmp_path_factory.mktemp("served"))
    for folder in ("dagster", "reports"):
        shutil.copytree(sample_home.root / folder, home.root / folder)
    home.create()
    ports = free_ports(3)
    options = [f"--{name}={port}" for name, port in zip(("port", "managers-port", "reports-port"), ports, strict=True)]
    process = subprocess.Popen(
        [sys.executable, "-m", "llr_pipeline.cli", "serve", *options],
        env={**os.environ, "LLR_HOME": str(home.root), "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        lines_until(process, "All answer")
        yield Served(home, *(f"http://127.0.0.1:{port}" for port in ports))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE)


def fetched(address: str, *, method: str = "GET", body: Any = None, **more: Any) -> tuple[int, Message, bytes]:
    """Status, headers and content, whatever the status."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data=data, method=method, headers={"Content-Type": "application/json"})
    for name, value in more.pop("headers", {}).items():
        request.add_header(name, value)
    try:
        with urlopen(request, timeout=PATIENCE, **more) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        return error.code, error.headers, error.read()


# the servers


def test_the_reports_come_with_a_policy_and_their_types(served):
    status, headers, content = fetched(f"{served.reports}/latest/bed_capacity/index.html")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Bed capacity" in content
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    status, headers, content = fetched(f"{served.reports}/latest/bed_capacity/bed_capacity.xlsx")
    assert (status, headers["Content-Type"].endswith("spreadsheetml.sheet"), content[:2]) == (200, True, b"PK")


def test_nothing_is_listed_and_nothing_outside_the_reports_is_given(served):
    (served.home.reports / ".hidden").write_text("x", encoding="utf-8")
    (served.home.reports / "out").symlink_to(served.home.dagster)
    run = next(served.home.reports.glob("*-*/claims/index.html")).parent.parent.name
    for path in (
        f"/{run}/", f"/{run}", "/../dagster/dagster.yaml", "/%2e%2e/dagster/dagster.yaml",
        "/..%2fdagster/dagster.yaml", "/.hidden", "/out/dagster.yaml", "//etc/passwd", "/latest/%00",
    ):  # fmt: skip
        status, headers, content = fetched(served.reports + path)
        assert status == 404, path
        assert "Content-Security-Policy" in headers
        assert b"max_concurrent_runs" not in content
    for method in ("POST", "PUT", "DELETE"):
        assert fetched(f"{served.reports}/latest/index.html", method=method, body={})[0] == 501


def test_the_front_page_leads_to_every_report(served):
    status, _, content = fetched(served.reports)
    assert status == 200
    for name in REPORTS:
        assert f'href="{name}/index.html"'.encode() in content
    assert b"<h1>Leicester, Leicestershire and Rutland</h1>" in content
    assert b"nothing may be quoted" in content


def test_managers_can_look_and_not_touch(served):
    body = {"query": 'mutation { terminateRun(runId: "none") { __typename } }'}
    answers = {
        door: json.loads(fetched(f"{address}/graphql", method="POST", body=body)[2])["data"]["terminateRun"]
        for door, address in (("managers", served.managers), ("engineer", served.engineer))
    }
    assert answers["managers"]["__typename"] == "UnauthorizedError"
    assert answers["engineer"]["__typename"] == "RunNotFoundError"


def test_a_port_in_use_is_named(served, capsys):
    port = int(served.reports.rpartition(":")[2])
    assert serve_all(served.home, Ports(engineer=1, managers=2, reports=port)) == 1
    assert f"In use: port {port}." in capsys.readouterr().out


# behind nginx


@pytest.fixture
def proxied(served: Served, tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The documented configuration, with ports, names and folders of this test in place of its own."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx or not shutil.which("openssl"):
        pytest.skip("nginx and openssl are not installed: apt-get install nginx-light openssl")
    key, certificate, users = (tmp_path / name for name in ("key.pem", "certificate.pem", "llr.users"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True,
    )  # fmt: skip
    hashed = subprocess.run(["openssl", "passwd", "-apr1", "secret"], check=True, capture_output=True, text=True).stdout
    users.write_text(f"manager:{hashed}", encoding="utf-8")
    (port,) = free_ports(1)
    site = (PROJECT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    for theirs, ours in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "planning.example.nhs.uk": "localhost",
        "/etc/ssl/llr/certificate.pem": str(certificate),
        "/etc/ssl/llr/key.pem": str(key),
        "/etc/nginx/llr.users": str(users),
        "http://127.0.0.1:3001": served.managers,
        "http://127.0.0.1:3002": served.reports,
    }.items():
        assert site.count(theirs) == 1, theirs
        site = site.replace(theirs, ours)
    temporary = "\n".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; {'user root;' if os.getuid() == 0 else ''}\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for_port(port, process)
        yield f"https://localhost:{port}", ssl.create_default_context(cafile=str(certificate))
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    for _ in range(PATIENCE * 10):
        assert process.poll() is None, process.stderr.read()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"nothing listens on port {port}")


def test_behind_nginx_managers_sign_in_and_have_both_under_one_address(proxied, served):
    address, context = proxied

    def asked(path: str, password: str | None = None, **more: Any) -> tuple[int, Message, bytes]:
        known = {"Authorization": f"Basic {base64.b64encode(f'manager:{password}'.encode()).decode()}"}
        return fetched(address + path, headers=known if password else {}, context=context, **more)

    assert asked("/reports/latest/index.html")[0] == 401
    assert asked("/", "wrong")[0] == 401
    status, headers, content = asked("/reports/latest/workforce/index.html", "secret")
    assert (status, b"Workforce" in content) == (200, True)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert asked("/reports/", "secret")[2] == asked("/reports/latest/index.html", "secret")[2]
    assert asked("/reports/latest/index.html", "secret", method="POST", body={})[0] == 403
    for path in ("/reports/%2e%2e/dagster/dagster.yaml", "/reports/..%2fdagster/dagster.yaml", "/reports/.hidden"):
        assert b"max_concurrent_runs" not in asked(path, "secret")[2]
    body = {"query": 'mutation { terminateRun(runId: "none") { __typename } }'}
    answer = json.loads(asked("/graphql", "secret", method="POST", body=body)[2])
    assert answer["data"]["terminateRun"]["__typename"] == "UnauthorizedError"


def test_the_engineers_interface_is_not_in_the_proxys_configuration():
    assert ":3000" not in (PROJECT / "docs" / "nginx.conf").read_text(encoding="utf-8")


# in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("chromium is not installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test installs it")
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=options)
        yield opened
        opened.close()


@dataclass
class Visit:
    """A page in the browser, the errors that its console showed, and a folder for pictures of it."""

    page: Any
    errors: list[str]
    pictures: Path

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"{name}.jpeg", full_page=True, quality=80)  # half the time of a PNG


@pytest.fixture
def visit(browser: Any, served: Served, tmp_path: Path) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    # the sample's run linked its charts at the usual port; here they are at another
    page.route("http://127.0.0.1:3002/**", lambda route: route.continue_(
        url=route.request.url.replace("http://127.0.0.1:3002", served.reports)
    ))  # fmt: skip
    yield Visit(page, errors, tmp_path)
    page.close()


def test_a_manager_reads_every_report(visit, served):
    """From the front page, by its links; axe finds nothing serious, and every contents link leads somewhere."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    visit.page.goto(served.reports)
    pages = [visit.page.url] + [link.evaluate("link => link.href") for link in visit.page.locator("h2 a").all()]
    assert len(pages) == 1 + len(REPORTS)
    found = []
    for address in pages:
        name = address.split("/")[-2]
        visit.page.goto(address)
        for summary in visit.page.locator("summary").all():  # what is folded is read too
            summary.press("Enter")
        assert visit.page.locator("details:not([open])").count() == 0
        visit.picture(name)
        visit.page.evaluate(ROWS_ALIKE)
        found += [f"{name}: {one}" for one in serious(axe.Axe().run(visit.page, context=SEEN).response["violations"])]
        widest = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(widest) == 0, f"{name} scrolls sideways"
    assert not found, "\n".join(found)
    assert not visit.errors


SEEN = {"exclude": [["svg"]]}
"""A chart is one image to whoever cannot see it; axe takes seconds over its shapes."""


ROWS_ALIKE = "document.querySelectorAll('tbody tr:nth-child(n+4)').forEach(row => row.remove())"
"""All rows of a table are made by one line; axe takes seconds over hundreds of them."""


def serious(violations: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['id']}: {one['help']}, at {one['nodes'][0]['target']}"
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


def test_a_report_can_be_read_by_keyboard(visit, served):
    """The skip link is first and leads past the contents; a chart's figures open with a key."""
    visit.page.goto(f"{served.reports}/latest/bed_capacity/index.html")
    visit.page.keyboard.press("Tab")
    focused = visit.page.locator(":focus")
    assert focused.inner_text() == "Skip to the report"
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    assert focused.inner_text().startswith("All of these tables")
    figures = visit.page.locator("details").first
    figures.locator("summary").focus()
    visit.page.keyboard.press("Enter")
    assert figures.locator("tbody tr").first.is_visible()


def test_a_report_prints_on_a4_without_a_cut_chart_or_row(visit, served):
    """On paper nothing is wider than the sheet, and no chart is taller than one."""
    millimetre = 96 / 25.4
    visit.page.set_viewport_size({"width": int((210 - 28) * millimetre), "height": int((297 - 32) * millimetre)})
    visit.page.emulate_media(media="print")
    for name in REPORTS:
        visit.page.goto(f"{served.reports}/latest/{name}/index.html")
        width, height = visit.page.viewport_size.values()
        sizes = visit.page.evaluate(
            "[...document.querySelectorAll('.chart, table')].filter(e => e.offsetParent).map(e => "
            "[e.querySelector('h3, caption').innerText, e.scrollWidth, e.className == 'chart' ? e.offsetHeight : 0])"
        )
        assert not [size for size in sizes if size[1] > width + 1 or size[2] > height], name


def test_what_is_injected_into_a_report_does_not_act(visit, served, tmp_path):
    """A style and a script that came with a page's data: both policies together forbid them."""
    evil = served.home.reports / "latest" / "evil.html"
    text = (served.home.reports / "latest/claims/index.html").read_text(encoding="utf-8")
    evil.write_text(
        text.replace("<main", "<style>h1 {display: none}</style><script>document.title = 'x'</script><main", 1),
        encoding="utf-8",
    )
    visit.page.goto(f"{served.reports}/latest/evil.html")
    assert visit.page.locator("h1").is_visible()
    assert visit.page.title() != "x"
    assert len(visit.errors) >= 2


def test_a_manager_walks_through_the_report_pages_of_the_interface(visit, served):
    """From their list, by its links, each shows its summary, its chart, and a link to the whole report."""
    visit.page.goto(f"{served.managers}/assets/report", wait_until="domcontentloaded")
    for name in REPORTS:
        visit.page.locator(f"a[href$='/assets/report/{name}']").first.click()
        link = visit.page.get_by_role("link", name="The whole report").first
        link.wait_for()
        about = json.loads((next(served.home.reports.glob(f"*/{name}/about.json"))).read_text(encoding="utf-8"))
        if about["charts"]:
            image = visit.page.locator(f"img[src$='/{about['charts'][0]}.svg']").first
            image.wait_for()
            image.evaluate("image => image.decode()")
        visit.picture(name)
        visit.page.go_back()
    assert not visit.errors


def test_an_engineer_looks_at_the_run(visit, served):
    visit.page.goto(f"{served.engineer}/runs", wait_until="domcontentloaded")
    visit.page.locator("a[href*='/runs/']").first.click()
    visit.page.get_by_text("Success").first.wait_for()
    visit.page.get_by_text("published", exact=False).first.wait_for()
    visit.picture("run")
    assert not visit.errors
