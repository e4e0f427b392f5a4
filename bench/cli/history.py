"""`history`: the networks of stored records over commits and versions of torch, as one page."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from . import common
from .frame import RESULTS, command, load_plugins, print_json, report
from .options import Group, option


class Page(Group, panel="Results"):
    """The records, and the file that is made of them."""

    results: common.ResultsFolders = None
    output: Annotated[Path, option("Write the page to this file.", "FILE", "--output")] = Path(
        "history.html"
    )
    model: common.RecordsOfModels = None
    title: Annotated[str, option("Title of the page.", "TITLE")] = "History"
    plugin: common.Plugins = None
    json: common.Json = False


@command("history", RESULTS)
def history(page: Page) -> None:
    """Write how accuracy, latency and memory changed over commits and versions of torch.

    Changes beyond noise are marked. The page has everything in it: it works from disk.
    """
    from ..export.manifest import own_version
    from ..export.tracker import chosen
    from ..machine.commits import places_of
    from ..records.files import write_text
    from ..records.stores import read_results
    from ..report.history import base_of
    from ..report.history import history as history_of
    from ..report.history_page import render_history

    load_plugins(page.plugin)
    stored, problems = read_results(common.results_of(page.results))
    for problem in problems:
        report(problem)
    records, _ = chosen(stored, page.model or ())
    commits = {record.environment.kinobench_commit for record in records}
    found = history_of(
        records,
        title=page.title,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=own_version(),
        order=places_of(Path(), {base_of(each) for each in commits if each}),
    )
    if page.json:
        print_json(found)
        return
    text = render_history(found)
    write_text(page.output, text)
    report(f"wrote {page.output}, {len(text.encode()) / 1e6:.1f} MB: open it in a browser")
