"""Records -> model cards and `.eval_results` of Hugging Face, in a folder or a repository."""

import os
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.names import file_name
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..records.files import write_text
from ..text.markup import escaped
from .flat import Flat
from .hub_card import (
    SCORES,
    TASK,
    entries_text,
    entry_of,
    record_of,
    results_of,
    section,
    with_section,
)
from .secrets import without_secrets
from .tracker import failed, library

CARD = "README.md"
ENTRIES = ".eval_results"


class Benchmark(NamedTuple):
    """A dataset on the Hub, and the task in it."""

    dataset: str
    task: str


def benchmarks(given: list[str]) -> dict[str, Benchmark]:
    """Read `NAME=ORG/NAME[:TASK]`: which dataset on the Hub a dataset here is.

    Raises:
        KinobenchError: One isn't of that form, or a name is there twice.
    """
    found: dict[str, Benchmark] = {}
    for text in given:
        name, _, there = text.partition("=")
        dataset, _, task = there.partition(":")
        if not name or dataset.count("/") != 1 or not all(dataset.split("/")):
            raise KinobenchError(
                f"--hub-dataset {text}: write NAME=ORG/NAME or NAME=ORG/NAME:TASK, as "
                "ucf101=me/ucf101:split1"
            )
        if name in found:
            raise KinobenchError(f"--hub-dataset {text}: {name} is there twice; give it once")
        found[name] = Benchmark(dataset, task or "default")
    return found


class Hub:
    """A folder for each model, as its repository has it; or the repository of one model."""

    def __init__(
        self,
        output: Path,
        known: Mapping[str, Benchmark],
        *,
        repo: str | None = None,
        url: str | None = None,
    ) -> None:
        """Name the folder, and fetch what the repository has.

        Args:
            output: The folder; not used with a repository.
            known: Which dataset on the Hub a dataset is; others have no entry in `.eval_results`.
            repo: Repository to push to; None writes to the folder.
            url: Address of another Hub.

        Raises:
            KinobenchError: huggingface_hub is not installed, or the repository can't be read.
        """
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        self._hub = library("huggingface_hub", "hf")
        self._known, self._repo = known, repo
        self._new = False
        if repo is None:
            self._folder = output
            self.place = str(output)
            return
        self._folder = Path(tempfile.mkdtemp(prefix="kinobench-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.place = f"{without_secrets(url or self._hub.constants.ENDPOINT)}, repository {repo}"
        with self._errors():
            self._api = self._hub.HfApi(endpoint=url)
            self._commit = self._api.repo_info(repo).sha
            for name in self._api.list_repo_files(repo, revision=self._commit):
                if name == CARD or name.startswith(f"{ENTRIES}/"):
                    self._api.hf_hub_download(
                        repo, name, local_dir=self._folder, revision=self._commit
                    )

    def there(self) -> set[str]:
        """Return the ids of the records whose figures the cards have, and their entries."""
        cards = [self._folder / CARD] if self._repo else sorted(self._folder.glob(f"*/{CARD}"))
        results = [
            (path, result)
            for path in cards
            if path.is_file()
            for result in self._card(path).data.eval_results or ()
        ]
        scored = {record_of(result) for _, result in results if result.metric_type in SCORES}
        return {
            record
            for path, result in results
            if (record := record_of(result)) is not None
            and (
                result.dataset_type not in self._known
                or record not in scored
                or _entries(path.parent, record).is_file()
            )
        }

    def add(self, flat: Flat) -> str | None:
        """Add a record's figures to the card of its model, and its accuracy to `.eval_results`."""
        if flat.error is not None:
            return f"the case failed: {flat.error}"
        folder = self._folder if self._repo else self._folder / file_name(flat.model)
        path = folder / CARD
        card = self._card(path) if path.is_file() else self._new_card(flat.model)
        benchmark = self._known.get(flat.record.case.dataset or "")
        entry = None if benchmark is None else entry_of(flat, *benchmark)
        if entry is not None:
            write_text(_entries(folder, flat.id), entries_text([entry]))
        others = [each for each in card.data.eval_results or () if record_of(each) != flat.id]
        card.data.eval_results = [*others, *results_of(flat)]
        card.data.model_name = card.data.model_name or flat.model
        own = [each for each in card.data.eval_results if record_of(each) is not None]
        card.text = with_section(card.text, section(own))
        content = self._hub.ModelCard(str(card)).content  # it can be read again
        write_text(path, content)
        self._new = True
        return None

    def notes(self, flats: Sequence[Flat]) -> list[str]:
        """Return of which datasets no accuracy is in `.eval_results`."""
        without = Counter(
            flat.record.case.dataset or "none"
            for flat in flats
            if flat.metrics.get("score_percent") is not None
            and flat.record.case.dataset not in self._known
        )
        return [
            f"no .eval_results of {quantity(count, 'record')} of {one_line(name)}: say which "
            f"benchmark on the Hub it is by --hub-dataset {one_line(name)}=ORG/NAME:TASK"
            for name, count in sorted(without.items())
        ]

    def close(self) -> str:
        """Push what is new; return what may come next."""
        if self._repo is None:
            return "push a model's folder: `hf upload ORG/NAME FOLDER`, or publish with --repo"
        if self._new:
            with self._errors():
                self._api.upload_folder(
                    repo_id=self._repo,
                    folder_path=self._folder,
                    allow_patterns=[CARD, f"{ENTRIES}/*"],
                    parent_commit=self._commit,  # nothing that others wrote meanwhile is undone
                    commit_message="Add results measured by kinobench",
                )
        return ""

    def _new_card(self, model: str) -> Any:
        head = f"---\npipeline_tag: {TASK}\ntags:\n- kinobench\n---\n"
        return self._hub.ModelCard(f"{head}\n# {escaped(model)}\n")

    def _card(self, path: Path) -> Any:
        try:
            return self._hub.ModelCard(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise KinobenchError(f"{path} can't be read: {reason_of(error)}") from error
        except Exception as error:  # yaml's, and ValueErrors of huggingface_hub
            raise KinobenchError(
                f"{path}: its metadata are no model card's: {without_secrets(error)}; mend them, "
                "or give another --output"
            ) from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from huggingface_hub.errors import HfHubHTTPError

        network: Any = HfHubHTTPError.__mro__[1]  # of the library that it talks by, which changes
        try:
            yield
        except (network, OSError, ValueError) as error:
            raise failed(
                f"--to hf, {self.place}",
                error,
                "see that the repository is there (`hf repo create`) and that you may write to it "
                "(`hf auth login`), and publish again if others changed it meanwhile",
            ) from None


def _entries(folder: Path, record: str) -> Path:
    return folder / ENTRIES / f"kinobench-{record}.yaml"
