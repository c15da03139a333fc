"""README.md and docs/: their blocks run, and nothing public is missing from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_smtpserver import (
    Address,
    Envelope,
    Event,
    ReceivedMessage,
    Rule,
    SessionRecord,
    SMTPServer,
)
from pytest_smtpserver.mail.search.criteria import NAMES
from pytest_smtpserver.protocol.state.events import MOMENTS
from pytest_smtpserver.script.conditions import RULE_NAMES

from .pages import PAGES, ROOT, Block, blocks, projects, run_pytest, write_blocks

MANUAL = "\n".join(PAGES.values())
#: Every word of the manual that may be a name of the package.
NAMED = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", MANUAL))
#: What is public for the rest of the package only.
INSIDE: dict[type, set[str]] = {
    Rule: {"conditions", "idle", "misses", "complaint", "take", "would_match"},
    Event: {"given_auth", "given_chunks", "given_command", "given_message"},
    Address: {"answer", "learn"},
    SessionRecord: {
        "began",
        "ended",
        "introduced",
        "logged_in",
        "moved",
        "secured",
    },
}
#: The pages with blocks that run in this environment.
RUN = [
    page
    for page in PAGES
    if any(block.is_test and not block.notes for block in blocks(page))
]
#: The pages where the repository is hosted.
OURS = re.compile(
    r"https://github\.com/pytest-smtpserver/pytest-smtpserver/(?:blob|tree)/main/"
)
FAIL = [(page, block) for page in PAGES for block in blocks(page) if block.fails]


def steady(line: str) -> str:
    """A line of output without what differs from run to run."""
    line = re.sub(r"(127\.0\.0\.1:)\d+", r"\1PORT", line.rstrip())
    line = re.sub(r"\+\d\.\d{3}", "+TIME", line)
    # smtplib's own spelling, which has changed.
    line = re.sub(
        r"C: (mail from|rcpt to):",
        lambda verb: verb[0].lower(),
        line,
        flags=re.IGNORECASE,
    )
    return re.sub(r"^-+|-+$", "---", line)


def public(owner: type) -> set[str]:
    """The public names of a class, without those of `str`."""
    names = set(dir(owner)) | set(getattr(owner, "__annotations__", {}))
    return {name for name in names - set(dir(str)) if not name.startswith("_")}


@pytest.mark.timeout(600)
def test_every_block_is_a_test_file_that_passes(tmp_path: Path) -> None:
    """And all of them were collected. Those with settings of their own run apart."""
    written = {
        page: write_blocks(page, tmp_path / page.removesuffix(".md")) for page in RUN
    }
    own = projects(tmp_path)
    apart = [f"--ignore={project}" for project in own]
    printed = collect(tmp_path, tmp_path, "--ignore-glob=*/fails", *apart)
    for project in own:
        printed |= collect(tmp_path, project)
    for page, tests in written.items():
        for block in tests:
            place = f"{page.removesuffix('.md')}/line_{block.line}/"
            assert block.tests, f"{page}:{block.line} has no test"
            if not block.fails:
                assert {place + test for test in block.tests} <= printed


def collect(root: Path, folder: Path, *arguments: str) -> set[str]:
    """Run a folder's tests; each as its folder below the root, and its name."""
    done = run_pytest(folder, "-v", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    below = folder.relative_to(root)
    return {
        f"{below / Path(file).parent}/{test}"
        for file, test in re.findall(
            r"^(\S+\.py)::(?:\w+::)*(\w+)", done.stdout, re.MULTILINE
        )
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("page", "block"), FAIL, ids=[f"{page}:{block.line}" for page, block in FAIL]
)
def test_what_a_failure_prints(page: str, block: Block, tmp_path: Path) -> None:
    """The page shows lines of it, in order, and an ellipsis for what is between."""
    write_blocks(page, tmp_path)
    folder = tmp_path / "fails" / f"line_{block.line}"
    done = run_pytest(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    printed = iter([steady(line) for line in done.stdout.splitlines()])
    assert len(block.output.splitlines()) > 3
    for line in block.output.splitlines():
        if line.strip() != "…":
            assert steady(line) in printed, f"{line!r} is not in order in {done.stdout}"


def test_the_first_page_is_short() -> None:
    """And how to install, run and test it is on the first screen."""
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 250
    for first in ("pip install pytest-smtpserver", "<!-- /ci: tests -->"):
        assert lines.index(first) < 30


def test_there_are_blocks() -> None:
    """The README alone has fewer than the manual."""
    tests = [test for page in RUN for block in blocks(page) for test in block.tests]
    assert "README.md" in RUN
    assert len(tests) >= 36


@pytest.mark.parametrize(
    "owner",
    [SMTPServer, Rule, Event, ReceivedMessage, SessionRecord, Envelope, Address],
    ids=lambda owner: owner.__name__,
)
def test_every_public_name_is_explained(owner: type) -> None:
    """Attributes, properties and methods; but for what is there for the package."""
    assert public(owner) - INSIDE.get(owner, set()) - NAMED == set()


def test_settings_moments_and_criteria_are_named() -> None:
    """Every ini and command line option, moment and criterion."""
    for name in ("smtp_server_scope", "smtp_server_timeout", "smtp_server_fail_on"):
        assert f"ini `{name}`" in MANUAL
    for option in ("--smtp-transcript", "--smtp-save"):
        assert f"`{option}=" in MANUAL
    for moment in MOMENTS:
        assert f'| `"{moment}"` |' in MANUAL
    for criterion in (*NAMES, *RULE_NAMES):
        assert f"`{criterion}" in MANUAL


def test_each_name_of_npms_smtp_server_has_its_test() -> None:
    """npm_features.txt names one for each row of the table."""
    rows = [
        row.split("|")[1].strip()
        for row in PAGES["docs/moving-from-npm.md"].splitlines()
        if row.startswith("| ")
    ][2:]
    listed = (Path(__file__).parent / "npm_features.txt").read_text(encoding="utf-8")
    named = dict(line.split(" | ") for line in listed.splitlines())
    assert len(rows) >= 35
    assert rows == list(named)
    for row, test in named.items():
        file, _, function = test.partition("::")
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"def {function}\(", source), row


def test_the_manual_lists_its_pages() -> None:
    """Its first page leads to each of the others."""
    index = set(re.findall(r"\]\((\S+\.md)\)", PAGES["docs/README.md"]))
    pages = {Path(page).name for page in PAGES if page.startswith("docs/")}
    assert pages - {"README.md"} <= index


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", PAGES[page], re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Links to files of the repository, and to headings of pages."""
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        ours = OURS.match(target)
        if ours is None and re.match(r"https?://|mailto:", target):
            continue
        # The README is shown where the package is listed too: its links are whole.
        assert ours is not None or page != "README.md" or target[0] == "#", target
        path, _, anchor = target[ours.end() if ours else 0 :].partition("#")
        folder = ROOT if ours else (ROOT / page).parent
        file = folder / path if path else ROOT / page
        assert file.exists(), target
        if anchor:
            other = str(file.resolve().relative_to(ROOT.resolve()))
            assert anchor in anchors(other), target
